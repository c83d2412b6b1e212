"""Weights of a file that a backbone starts its training from, loaded strictly."""

from collections import Counter

from mmengine.logging import print_log
from torch import nn

from ..checkpoints import check_weights, feature_branch_of, read_checkpoint
from ..errors import UserError
from ..networks.feature_maps import unbuilt_parts


def load_initial_weights(backbone: nn.Module, path: str, prefix: str | None) -> None:
    """Load what lies below ``prefix`` in a file; the run's log says what of the file is not used.

    The weights may be all of the backbone's, or those of its feature branch. A backbone that is
    only built in part, for feature maps or without its latent branch, takes what it has; parts
    that it has must fit whole.

    Args:
        backbone: One of ours; it is changed.
        path: A checkpoint of ours, such as ``tools/convert_checkpoint.py`` writes.
        prefix: Of the backbone's tensors in the file.

    Raises:
        UserError: The file cannot be read, or does not fit.
    """
    prefix = f'{prefix.removesuffix(".")}.' if prefix else ''
    weights = read_checkpoint(path).state_dict
    names = {key: f'backbone.{key.removeprefix(prefix)}' for key in weights if _below(key, prefix)}
    if not names:
        raise UserError(
            f"{path} holds no weights below prefix={prefix!r}; ours lie below 'backbone.'"
        )
    parts = [f'backbone.{part}' for part in unbuilt_parts(backbone)]
    unused = {
        key: next((part for part in parts if _below(names[key], f'{part}.')), None)
        if key in names
        else key.partition('.')[0]
        for key in weights
    }
    found = {name: weights[key] for key, name in names.items() if unused[key] is None}
    expected = {f'backbone.{key}': value for key, value in backbone.state_dict().items()}
    if len(feature_branch_of(found)) == len(found):
        expected = feature_branch_of(expected)
    check_weights(expected, found, path)
    own = {name.removeprefix('backbone.'): value for name, value in found.items()}
    fresh = backbone.load_state_dict(own, strict=False).missing_keys
    _log(backbone, path, len(weights), Counter(filter(None, unused.values())), fresh)


def _below(key: str, prefix: str) -> bool:
    return key.startswith(prefix) or key == prefix.removesuffix('.')


def _log(
    backbone: nn.Module, path: str, total: int, unused: Counter[str], fresh: list[str]
) -> None:
    text = (
        f'{type(backbone).__name__}: {total - unused.total()} of the {total} tensors in {path} '
        'are its initial weights'
    )
    if unused:
        text += '; not used: ' + ', '.join(f'{part} ({n})' for part, n in unused.items())
    if fresh:
        parts = dict.fromkeys(key.partition('.')[0] for key in fresh)
        text += f'; not in the file, and fresh: {", ".join(parts)}'
    print_log(text, logger='current')
