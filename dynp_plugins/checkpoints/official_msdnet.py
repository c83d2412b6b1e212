"""How the official MSDNet checkpoints name their tensors, and what we call them.

One row per kind of tensor: a pattern over the official key, whose groups begin with the block, the
module in it and the scale counted from the finest one there; the kind of module it must be; and
what follows our name of that unit, for the groups left.
"""

import re
from collections.abc import Callable

from ..networks import MSDNetBackbone

_UNIT_ROWS: list[tuple[str, str, Callable[..., str]]] = [
    # The ImageNet stem, then the other scales and the CIFAR stem.
    (r'blocks\.(0)\.(0)\.layers\.(0)\.(\d+\..+)', 'first', lambda rest: rest),
    (r'blocks\.(0)\.(0)\.layers\.(\d+)\.net\.(.+)', 'first', lambda rest: rest),
    # Convolution, norm and ReLU twice: 0 to 5 there, 0.0 to 1.2 here.
    (
        r'blocks\.(\d+)\.(\d+)\.layers\.(\d+)\.conv_(normal|down)\.net\.([0-5])\.(.+)',
        'layer',
        lambda conv, i, rest: f'{conv}.{int(i) // 3}.{int(i) % 3}.{rest}',
    ),
    (r'blocks\.(\d+)\.(\d+)\.m\.(\d+)\.net\.(.+)', 'transition', lambda rest: rest),
]
_EXIT_ROWS: list[tuple[str, Callable[..., str]]] = [
    (r'classifier\.(\d+)\.m\.(\d+)\.net\.(.+)', lambda i, rest: f'{i}.{rest}'),
    (r'classifier\.(\d+)\.linear\.(.+)', lambda rest: f'4.{rest}'),
]


def our_key(official_key: str, backbone: MSDNetBackbone) -> str | None:
    """Our name for a tensor of an official checkpoint, None if it is not one of its tensors.

    Which modules of a block are layers and which are transitions, and how many scales are left
    there, depends on the settings; the backbone tells.

    Example:
        >>> our_key('blocks.2.1.m.0.net.0.weight', backbone)  # 7 CIFAR blocks of step 2
        'backbone.units.transition7_scale1.0.weight'
    """
    for pattern, kind, ours in _UNIT_ROWS:
        match = re.fullmatch(pattern, official_key)
        if match:
            block, module, scale, *rest = match.groups()
            unit = _unit(backbone, kind, int(block), int(module), int(scale))
            return unit and f'backbone.units.{unit}.{ours(*rest)}'
    for pattern, ours in _EXIT_ROWS:
        match = re.fullmatch(pattern, official_key)
        if match:
            k, *rest = match.groups()
            if int(k) < len(backbone.exit_names):
                return f'heads.classifiers.{backbone.exit_names[int(k)]}.{ours(*rest)}'
    return None


def _unit(backbone: MSDNetBackbone, kind: str, block: int, module: int, scale: int) -> str | None:
    """The unit at a place of the official network, None if another kind or none is there."""
    if block >= len(backbone.blocks) or module >= len(backbone.blocks[block]):
        return None
    row = backbone.blocks[block][module]
    if not row.name.startswith(kind) or scale >= len(row.scales):
        return None
    return row.nodes[scale]
