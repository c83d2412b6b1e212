"""Reading checkpoint files without ever running code from them."""

import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import UserError

_WEIGHTS_KEYS = ('state_dict', 'model_ema', 'model')


@dataclass(frozen=True)
class Checkpoint:
    """Weights and what the file says of them.

    Attributes:
        path: Where they were read.
        state_dict: Parameter and buffer names to tensors, a leading ``module.`` removed.
        meta: The file's ``meta`` entry, empty if it has none.
        has_ema: Whether the file comes from a run that kept a moving average of its weights;
            ``state_dict`` is then the average.
    """

    path: Path
    state_dict: dict[str, Tensor]
    meta: dict[str, Any] = field(default_factory=dict)
    has_ema: bool = False

    @property
    def classes(self) -> Sequence[str] | None:
        """Names of the classes trained for, where mmengine has noted them in ``meta``."""
        return (self.meta.get('dataset_meta') or {}).get('classes')


def load_checkpoint_file(path: str | Path, map_location: Any = 'cpu') -> Any:
    """`torch.load` with ``weights_only=True``, and errors a user can act on.

    Training checkpoints of mmengine hold its log histories beside the weights. Besides what torch
    itself lets through, only those, and the numpy arrays and numbers they are made of, are read.

    Raises:
        UserError: The file is missing, truncated, not a checkpoint, or needs arbitrary objects
            to be unpickled.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f'no checkpoint at {path}')
    try:
        with torch.serialization.safe_globals(_log_history_globals()):
            return torch.load(path, map_location=map_location, weights_only=True)
    except pickle.UnpicklingError as error:
        if 'Unsupported global' in str(error) or 'Unsupported class' in str(error):
            raise UserError(
                f'{path} holds Python objects besides weights and is not unpickled, because that '
                'could run foreign code; where it was made, save it again as '
                "torch.save({'state_dict': model.state_dict()}, PATH)"
            ) from error
        raise UserError(f'{path} is not a PyTorch checkpoint, or is damaged') from error
    except Exception as error:  # damaged bytes surface as anything: IndexError, struct.error, ...
        raise UserError(
            f'{path} cannot be read as a PyTorch checkpoint; it is probably truncated '
            f'({path.stat().st_size:,} bytes): copy or download it again'
        ) from error


def read_checkpoint(path: str | Path) -> Checkpoint:
    """Read a file's weights, whichever of the usual layouts it has.

    Known are a bare state dict and a dict with the entry ``state_dict``, ``model_ema`` or
    ``model`` (the first of them that is there).

    Raises:
        UserError: As in `load_checkpoint_file`, or there are no weights inside.
    """
    return parse_checkpoint(load_checkpoint_file(path), path)


def parse_checkpoint(content: Any, path: str | Path) -> Checkpoint:
    """The weights in what a file holds; see `read_checkpoint`.

    Args:
        content: What `load_checkpoint_file` returned.
        path: Where it was read, for messages.

    Raises:
        UserError: There are no weights inside.
    """
    if not isinstance(content, Mapping):
        raise UserError(f'{path} holds a {type(content).__name__}, not a dict of weights')
    chosen = next((key for key in _WEIGHTS_KEYS if key in content), None)
    weights = content if chosen is None else content[chosen]
    if (
        not isinstance(weights, Mapping)
        or not weights
        or not all(isinstance(k, str) and isinstance(v, Tensor) for k, v in weights.items())
    ):
        keys = ', '.join(map(str, list(content)[:8]))
        raise UserError(
            f'{path} has no state dict of names and tensors; its entries are: {keys or "none"}. '
            f'Expected are the weights themselves, or one of the entries {", ".join(_WEIGHTS_KEYS)}'
        )
    meta = content.get('meta')
    return Checkpoint(
        path=Path(path),
        state_dict={key.removeprefix('module.'): value for key, value in weights.items()},
        meta=dict(meta) if isinstance(meta, Mapping) else {},
        has_ema=chosen == 'model_ema' or 'ema_state_dict' in content,
    )


def _log_history_globals() -> list[Callable | tuple[Callable, str]]:
    """What mmengine's log histories refer to; under another name where a tuple says so."""
    try:
        from mmengine.logging import HistoryBuffer
    except ImportError:  # plain torch use, without the training stack
        return []

    def statistic(owner: Any, name: str) -> Callable:
        """Stands in for the ``getattr`` by which a history refers to its own methods."""
        if owner is not HistoryBuffer or name not in ('min', 'max', 'current', 'mean'):
            raise pickle.UnpicklingError(f'Unsupported global: getattr of {name!r}')
        return getattr(owner, name)

    # Asked of numpy itself, whose module for them was renamed; files hold either name.
    rebuild_array = np.zeros(0).__reduce__()[0]
    rebuild_number = np.float64(0).__reduce__()[0]
    numpy_globals = [
        (function, f'{package}.multiarray.{name}')
        for package in ('numpy.core', 'numpy._core')
        for function, name in ((rebuild_array, '_reconstruct'), (rebuild_number, 'scalar'))
    ]
    number_types = ('float32', 'float64', 'int32', 'int64', 'uint32', 'bool')
    return [
        HistoryBuffer,
        (statistic, 'builtins.getattr'),
        np.ndarray,
        np.dtype,
        *numpy_globals,
        *(type(np.dtype(name)) for name in number_types),
    ]
