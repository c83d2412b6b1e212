"""Strict loading: every key must be known, present and of the right shape, or nothing is loaded."""

from collections.abc import Mapping

from torch import Tensor, nn

from ..errors import UserError

_MAX_LISTED = 12


def check_weights(expected: Mapping[str, Tensor], found: Mapping[str, Tensor], source: str) -> None:
    """Compare the names and shapes of two state dicts.

    Args:
        expected: The model's state dict.
        found: The weights to be loaded.
        source: Where they come from, for the message.

    Raises:
        UserError: They differ. The message lists all missing, unknown and wrongly shaped keys.
    """
    classes = _class_mismatch(expected, found)
    if classes:
        raise UserError(
            f'{source} was trained for {classes[1]} classes, but the model is built for '
            f'{classes[0]}: set num_classes={classes[1]}'
        )
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
        raise UserError(f'{source} does not fit the model\n{describe_problems(problems)}')


def describe_problems(problems: Mapping[str, list[str]]) -> str:
    """One line per key under the name and number of each problem; long lists are cut."""
    lines = []
    for problem, keys in problems.items():
        if not keys:
            continue
        lines.append(f'  {problem} ({len(keys)}):')
        lines += [f'    {key}' for key in keys[:_MAX_LISTED]]
        if len(keys) > _MAX_LISTED:
            lines.append(f'    ... and {len(keys) - _MAX_LISTED} more')
    return '\n'.join(lines)


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


def _class_mismatch(
    expected: Mapping[str, Tensor], found: Mapping[str, Tensor]
) -> tuple[int, int] | None:
    """(expected, found) numbers of classes, where the biases of the classifiers tell them apart."""
    for key, value in expected.items():
        if (
            'heads.classifiers.' in key
            and key.endswith('.bias')
            and key in found
            and value.shape != found[key].shape
            # A norm's bias inside a classifier has no matrix of that height beside it.
            and expected[key.removesuffix('bias') + 'weight'].ndim == 2
        ):
            return len(value), len(found[key])
    return None
