"""Weights of plain CNNs, as torchvision and timm name them, for the feature branches.

A CNN trained on its own is what the training of a Dyn-Perceiver may start from. One table per
library and family: a pattern over their key, and our key for its groups. The classifier of the
plain CNN, and what MobileNet-v3 has behind its last stage, are left out.

timm's ``regnety_008_tv`` is torchvision's RegNetY-800MF and ours; its ``regnety_008`` is narrower.
timm's ``mobilenetv3_large_100`` was trained with a BatchNorm epsilon of 1e-5 instead of 1e-3, and
its ``tf_mobilenetv3_large_100`` has the same names but pads its images on other sides.
"""

import re
from collections.abc import Callable, Mapping

from torchvision.ops import SqueezeExcitation

from ..networks import DynPerceiverBackbone
from ..networks.feature_branches import FeatureBranch
from ..networks.feature_branches.mobilenetv3 import CUTS as MOBILENETV3_CUTS
from .recognition import FEATURE_BRANCH_PREFIX

LEFT_OUT = ''
"""What stands for our key where a tensor has no place in a feature branch on purpose."""

_Row = tuple[str, Callable[[re.Match, FeatureBranch], str | None]]

_CONV_NORM = {'conv': '0', 'bn': '1'}
_TIMM_REGNET_PARTS = {'conv1': 'f.a', 'conv2': 'f.b', 'conv3': 'f.c', 'downsample': 'proj'}
_TIMM_MOBILENET_STAGES = (1, 2, 4, 7, 11, 13, 16)


def _stage(number: str) -> str:
    return f'stages.{int(number) - 1}'


def _mobilenet_layer(index: int, rest: str) -> str | None:
    """Our key of something in layer ``index`` of torchvision's ``features``."""
    if index < MOBILENETV3_CUTS[0]:
        return f'stem.{index}.{rest}'
    for stage in range(4):
        begin, end = MOBILENETV3_CUTS[stage : stage + 2]
        if index < end:
            return f'stages.{stage}.{index - begin}.{rest}'
    return None


def _timm_mobilenet_block(match: re.Match, branch: FeatureBranch) -> str | None:
    """An inverted residual; the first one has no expansion."""
    stage, block, module, rest = match.groups()
    if int(stage) >= len(_TIMM_MOBILENET_STAGES):
        return None
    index = _TIMM_MOBILENET_STAGES[int(stage)] + int(block)
    if module in ('conv', 'bn1') and index == 16:
        return _mobilenet_layer(16, f'{0 if module == "conv" else 1}.{rest}')
    layer = _mobilenet_layer(index, 'block')
    if layer is None:
        return None
    try:
        parts = branch.get_submodule(layer)
    except AttributeError:
        return None
    order = ['conv_dw', 'conv_pw'] if index == 1 else ['conv_pw', 'conv_dw', 'conv_pwl']
    if any(isinstance(part, SqueezeExcitation) for part in parts):
        order.insert(len(order) - 1, 'se')
    squeeze = {'se.conv_reduce': 'fc1', 'se.conv_expand': 'fc2'}
    if module in squeeze:
        return f'{layer}.{order.index("se")}.{squeeze[module]}.{rest}' if 'se' in order else None
    if module in order:
        return f'{layer}.{order.index(module)}.0.{rest}'
    norms = [name for name in order if name != 'se']
    number = int(module.removeprefix('bn')) if module.startswith('bn') else 0
    if not 1 <= number <= len(norms):
        return None
    return f'{layer}.{order.index(norms[number - 1])}.1.{rest}'


_RESNET: list[_Row] = [
    (r'conv1\.(.+)', lambda m, _: f'stem.0.{m[1]}'),
    (r'bn1\.(.+)', lambda m, _: f'stem.1.{m[1]}'),
    (r'layer([1-4])\.(.+)', lambda m, _: f'{_stage(m[1])}.{m[2]}'),
    (r'fc\..+', lambda *_: LEFT_OUT),
]
TABLES: dict[str, dict[str, list[_Row]]] = {
    'torchvision': {
        'regnety': [
            (r'stem\.(.+)', lambda m, _: f'stem.{m[1]}'),
            (r'trunk_output\.block([1-4])\.(.+)', lambda m, _: f'{_stage(m[1])}.{m[2]}'),
            (r'fc\..+', lambda *_: LEFT_OUT),
        ],
        'resnet': _RESNET,
        'mobilenetv3': [
            (r'features\.(\d+)\.(.+)', lambda m, _: _mobilenet_layer(int(m[1]), m[2])),
            (r'classifier\..+', lambda *_: LEFT_OUT),
        ],
    },
    'timm': {
        'regnety': [
            (r'stem\.(conv|bn)\.(.+)', lambda m, _: f'stem.{_CONV_NORM[m[1]]}.{m[2]}'),
            (
                r's([1-4])\.b(\d+)\.(conv\d|downsample)\.(conv|bn)\.(.+)',
                lambda m, _: (
                    f'{_stage(m[1])}.block{m[1]}-{int(m[2]) - 1}.{_TIMM_REGNET_PARTS[m[3]]}'
                    f'.{_CONV_NORM[m[4]]}.{m[5]}'
                ),
            ),
            (
                r's([1-4])\.b(\d+)\.(se\.fc[12]\..+)',
                lambda m, _: f'{_stage(m[1])}.block{m[1]}-{int(m[2]) - 1}.f.{m[3]}',
            ),
            (r'head\..+', lambda *_: LEFT_OUT),
        ],
        'resnet': _RESNET,
        'mobilenetv3': [
            (r'conv_stem\.(.+)', lambda m, _: f'stem.0.0.{m[1]}'),
            (r'bn1\.(.+)', lambda m, _: f'stem.0.1.{m[1]}'),
            (r'blocks\.(\d)\.(\d)\.((?:se\.)?\w+)\.(.+)', _timm_mobilenet_block),
            (r'(conv_head|norm_head|classifier)\..+', lambda *_: LEFT_OUT),
        ],
    },
}
"""Rows by library and by the beginning of the feature branch's name."""


def our_key(key: str, library: str, backbone: DynPerceiverBackbone) -> str | None:
    """Our name for a tensor of a plain CNN.

    Args:
        key: The library's name for it.
        library: ``'torchvision'`` or ``'timm'``.
        backbone: The Dyn-Perceiver whose feature branch takes it.

    Returns:
        The name, `LEFT_OUT` for a tensor of the classifier, None for an unknown one.
    """
    tables = TABLES[library]
    rows = next(rows for family, rows in tables.items() if backbone.arch.startswith(family))
    for pattern, ours in rows:
        match = re.fullmatch(pattern, key)
        if match:
            name = ours(match, backbone.feature_branch)
            return f'{FEATURE_BRANCH_PREFIX}{name}' if name else name
    return None


def library_of(weights: Mapping[str, object]) -> str | None:
    """The library that names tensors like these, None if none does.

    ResNet's names are the same in both; then it is torchvision.
    """
    for library, families in TABLES.items():
        for rows in families.values():
            if weights and all(any(re.fullmatch(row[0], key) for row in rows) for key in weights):
                return library
    return None
