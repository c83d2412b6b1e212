"""Strict loading: every key must be known, present and of the right shape, or nothing is loaded."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ..errors import UserError
from .reading import read_checkpoint
from .recognition import feature_branch_of, likely_branch, likely_settings


def check_weights(
    expected: Mapping[str, Tensor],
    found: Mapping[str, Tensor],
    source: str,
    explain: Callable[[], str | None] = lambda: None,
) -> None:
    """Compare the names and shapes of two state dicts.

    Args:
        expected: The model's state dict.
        found: The weights to be loaded.
        source: Where they come from, for the message.
        explain: Asked for a sentence on what the weights are, where their names are not ours.

    Raises:
        UserError: They differ. The message lists all missing, unknown and wrongly shaped keys, and
            the settings of the network that the weights belong to, if it is recognised.
    """
    problems = {
        'missing': [key for key in expected if key not in found],
        'unknown': [key for key in found if key not in expected],
        'wrong shape': [
            f'{key}: {tuple(found[key].shape)} instead of {tuple(expected[key].shape)}'
            for key in expected
            if key in found and found[key].shape != expected[key].shape
        ],
    }
    if any(problems.values()):
        counts = ', '.join(f'{len(keys)} {problem}' for problem, keys in problems.items() if keys)
        raise UserError(
            f'{source} does not fit the model ({counts})\n{_describe(problems)}\n'
            f'{explain() or _hint(expected, found)}'
        )


def _describe(problems: Mapping[str, list[str]]) -> str:
    """One line per key under the name and number of each problem."""
    lines = []
    for problem, keys in problems.items():
        if keys:
            lines += [f'  {problem} ({len(keys)}):', *(f'    {key}' for key in keys)]
    return '\n'.join(lines)


def _hint(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> str:
    """What would make the weights fit, as far as names and shapes tell."""
    if _is_of_detector(expected) or _is_of_detector(found):
        return _detector_hint(expected, found)
    expected, found = to_network_keys(expected), to_network_keys(found)
    branch = likely_branch(found)
    if branch and len(feature_branch_of(found)) == len(found):
        what = f'the feature branch {branch[0]} with width={branch[1]} alone'
        ours = likely_branch(expected)
        if ours and ours != branch:
            return f'These are the weights of {what}; this one is {ours[0]} with width={ours[1]}'
        return (
            f'These are the weights of {what}, to start a training from: in a config '
            "model.backbone.init_cfg=dict(type='Pretrained', checkpoint=PATH, prefix='backbone.'), "
            'else dynp_plugins.checkpoints.load_feature_branch'
        )
    ours, theirs = likely_settings(expected), likely_settings(found)
    if ours and theirs:
        return settings_hint(ours, theirs)
    classes = _class_mismatch(expected, found)
    if classes:
        return settings_hint(dict(num_classes=classes[0]), dict(num_classes=classes[1]))
    return (
        'These are the weights of another network; checkpoints as their authors publish them '
        'are converted with tools/convert_checkpoint.py'
    )


def _detector_hint(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> str:
    if not _is_of_detector(found):
        return (
            'These are not the weights of a detector. Those of a classifier are what the training '
            "of one may start from: model.backbone.init_cfg=dict(type='Pretrained', "
            "checkpoint=PATH, prefix='backbone.')"
        )
    another = 'another' if _is_of_detector(expected) else 'a'
    return f'These are the weights of {another} detector: take the config that it was trained with'


def _is_of_detector(weights: Mapping[str, Tensor]) -> bool:
    return any(key.startswith(('bbox_head.', 'rpn_head.', 'roi_head.')) for key in weights)


def settings_hint(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    """In which settings a network and the one that some weights belong to differ."""
    names = [name for name in theirs if ours.get(name, theirs) != theirs[name]]
    texts = [
        ', '.join(f'{name}={settings[name]!r}' for name in names if name in settings)
        for settings in (theirs, ours)
    ]
    return f'These are the weights of a network with {texts[0]}; this one has {texts[1]}'


def to_network_keys(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Names as in a plain `MultiExitNetwork`; both namings are taken."""
    return {
        key.removeprefix('head.') if key.startswith('head.heads.') else key: value
        for key, value in state_dict.items()
    }


def to_classifier_keys(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Names as in an OpenMMLab classifier with a `MultiExitHead`; both namings are taken."""
    return {
        f'head.{key}' if key.startswith('heads.') else key: value
        for key, value in state_dict.items()
    }


def load_weights(network: nn.Module, state_dict: Mapping[str, Tensor], source: str) -> None:
    """Load ``state_dict`` into a `MultiExitNetwork`, strictly.

    Raises:
        UserError: See `check_weights`; the network is then unchanged.
    """
    renamed = to_network_keys(state_dict)
    check_weights(network.state_dict(), renamed, source)
    network.load_state_dict(renamed)


def load_feature_branch(network: nn.Module, path: str | Path) -> None:
    """Load the weights of a Dyn-Perceiver's feature branch, strictly, and leave the rest fresh.

    Args:
        network: A Dyn-Perceiver, as `create_model` builds it.
        path: What ``tools/convert_checkpoint.py --from torchvision`` (or timm) wrote.

    Raises:
        UserError: The file cannot be read or does not fit, see `check_weights`.
    """
    weights = read_checkpoint(path).state_dict
    check_weights(feature_branch_of(network.state_dict()), weights, str(path))
    network.load_state_dict(weights, strict=False)


def _class_mismatch(
    expected: Mapping[str, Tensor], found: Mapping[str, Tensor]
) -> tuple[int, int] | None:
    """(expected, found) numbers of classes, where nothing but the height of some tensors differs.

    This tells the classes of static networks, whose settings are not recognised.
    """
    if expected.keys() != found.keys():
        return None
    differing = [key for key in expected if expected[key].shape != found[key].shape]
    if any(expected[key].shape[1:] != found[key].shape[1:] for key in differing):
        return None
    heights = {(len(expected[key]), len(found[key])) for key in differing}
    return heights.pop() if len(heights) == 1 else None
