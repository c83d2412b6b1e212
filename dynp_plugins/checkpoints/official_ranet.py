"""How the official RANet checkpoints name their tensors, and what we call them.

One row per kind of tensor: a pattern over the official key, and our key for its groups. In the
official keys the two convolutions of a bottleneck and their norms are numbered in one row (0, 1 and
3, 4), in ours each convolution is numbered together with its norm. Exits count from 0 in the
official keys and from 1 in ours.
"""

import re
from collections.abc import Callable

from ..networks import RANetBackbone

_BOTTLENECK = {'0': '0.0', '1': '0.1', '3': '1.0', '4': '1.1'}

_ROWS: list[tuple[str, Callable[..., str]]] = [
    # The 3x3 convolutions, then the 7x7 one of the ImageNet networks.
    (r'FirstLayer\.layers\.(\d+)\.net\.([01]\..+)', 'backbone.first_layers.{}.{}'.format),
    (r'FirstLayer\.layers\.0\.([01]\..+)', 'backbone.first_layers.0.{}'.format),
    *(
        (
            rf'scale_flows\.(\d+)\.(\d+)\.layers\.(\d+)\.{theirs}\.net\.([0134])\.(.+)',
            lambda sub_network, block, layer, position, leaf, ours=ours: (
                f'backbone.sub_networks.{sub_network}.{block}.layers.{layer}.{ours}.'
                f'{_BOTTLENECK[position]}.{leaf}'
            ),
        )
        for theirs, ours in (('conv_normal', 'own'), ('conv_up', 'low'))
    ),
    *(
        (
            rf'scale_flows\.(\d+)\.(\d+)\.{theirs}\.net\.([01]\..+)',
            f'backbone.sub_networks.{{}}.{{}}.{ours}.{{}}'.format,
        )
        for theirs, ours in (('conv_last', 'closing'), ('trans', 'transition'))
    ),
    (
        r'classifier\.(\d+)\.m\.([01])\.net\.([01]\..+)',
        lambda k, i, rest: f'heads.classifiers.exit{int(k) + 1}.{i}.{rest}',
    ),
    (
        r'classifier\.(\d+)\.linear\.(.+)',
        lambda k, leaf: f'heads.classifiers.exit{int(k) + 1}.4.{leaf}',
    ),
]


def our_key(official_key: str, backbone: RANetBackbone) -> str | None:
    """Our name for a tensor of an official checkpoint, None if it is not one of its tensors.

    Example:
        >>> our_key('scale_flows.1.0.layers.3.conv_up.net.4.bias', backbone)
        'backbone.sub_networks.1.0.layers.3.low.1.1.bias'
    """
    for pattern, ours in _ROWS:
        match = re.fullmatch(pattern, official_key)
        if match:
            return ours(*match.groups())
    return None
