"""What a result was made from: files, splits and the training, as records."""

from dataclasses import dataclass
from typing import Any, Protocol


class _SplitTable(Protocol):
    manifest: dict[str, Any]

    def __len__(self) -> int: ...


@dataclass(frozen=True)
class FileRecord:
    """A file that went in: where it was, and the SHA-256 of what it says.

    For a config that is the hash of its merged entries, for a checkpoint that of its weights.
    """

    path: str
    sha256: str


@dataclass(frozen=True)
class SplitRecord:
    """One data split. ``sha256`` is over the pixels of all its samples, in order."""

    name: str
    samples: int
    sha256: str

    @classmethod
    def of(cls, table: _SplitTable) -> 'SplitRecord':
        """From the exit or detection table of the split."""
        return cls(table.manifest['split'], len(table), table.manifest['index_sha256'])


@dataclass(frozen=True)
class TrainingRecord:
    """How a model was trained, as far as its checkpoint and its config say.

    Attributes:
        dataset: The training data.
        epochs: Finished when the weights were saved; None if the checkpoint does not say.
        optimizer: Its class.
        learning_rate: The highest of the schedule.
        batch_size: Per process.
    """

    dataset: str
    epochs: int | None
    optimizer: str
    learning_rate: float
    batch_size: int
