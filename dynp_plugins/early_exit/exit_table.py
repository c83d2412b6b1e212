"""The exit table: per sample and exit, what a network says and how sure it is.

One pass over a split fills it; thresholds, accuracies and curves are arithmetic on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from ..errors import UserError
from ..table_files import read_table, write_table
from .measures import MEASURES, confidence_measure, probabilities
from .ranking import label_rank

_VERSION = ('table_version', 1)
_CONFIDENCE = 'confidence_'
_COLUMNS = ('prediction', 'label_rank', 'nll', 'brier', 'label', 'picture', 'source')


@dataclass(frozen=True)
class ExitTable:
    """N samples, K exits.

    Attributes:
        prediction: (N, K) predicted class.
        label_rank: (N, K) classes that score above the right one; 0 is a correct prediction.
        confidences: Name of a measure to its (N, K) confidences, float32.
        nll: (N, K) negative log-likelihood of the right class, in nats.
        brier: (N, K) Brier score, the squared distance of the class probabilities from the right
            answer, summed over the classes: 0 to 2.
        label: (N,) right class.
        picture: (N, 16) digest of each sample's pixels as the network sees them, as bytes.
        source: (N,) where each sample comes from, its path for files; empty if unknown.
        manifest: What the table was made from: model, exit names, number of classes, split, hashes.
    """

    prediction: np.ndarray
    label_rank: np.ndarray
    confidences: dict[str, np.ndarray]
    nll: np.ndarray
    brier: np.ndarray
    label: np.ndarray
    picture: np.ndarray
    source: np.ndarray
    manifest: dict[str, Any]

    def __len__(self) -> int:
        return len(self.label)

    @property
    def correct(self) -> np.ndarray:
        """(N, K) whether each exit is right."""
        return self.label_rank == 0

    def confidence(self, measure: str) -> np.ndarray:
        """(N, K) confidences by the measure of that name.

        Raises:
            UserError: There is no such measure, or the table is older than it.
        """
        name = confidence_measure(measure).name
        if name not in self.confidences:
            raise UserError(
                f'the exit table of the {self.manifest.get("split")} split has no confidences by '
                f'{name}: it has {", ".join(self.confidences)}; run tools/budget_curve.py again'
            )
        return self.confidences[name]

    def topk_percent(self, k: int) -> np.ndarray:
        """(K,) top-k accuracy of each exit over all samples."""
        return 100 * (self.label_rank < k).mean(0)

    def with_manifest(self, **entries: Any) -> 'ExitTable':
        """The same table with more said about it."""
        return replace(self, manifest=self.manifest | entries)

    def save(self, path: str | Path) -> None:
        """Write ``path``, .npz without pickle, manifest included; whole or not at all.

        The manifest is also written beside it, as .json, for people to read.
        """
        arrays = {name: getattr(self, name) for name in _COLUMNS}
        arrays |= {_CONFIDENCE + name: values for name, values in self.confidences.items()}
        write_table(path, arrays, self.manifest | dict([_VERSION]))

    @classmethod
    def load(cls, path: str | Path) -> 'ExitTable':
        """Read what `save` wrote.

        Raises:
            UserError: The file is missing, damaged, no exit table, or one of another version.
        """
        return read_table(path, 'exit table', _VERSION, cls._of_arrays)

    @classmethod
    def _of_arrays(cls, arrays: dict[str, np.ndarray], manifest: dict[str, Any]) -> 'ExitTable':
        confidences = {
            name.removeprefix(_CONFIDENCE): arrays.pop(name)
            for name in list(arrays)
            if name.startswith(_CONFIDENCE)
        }
        table = cls(**arrays, confidences=confidences, manifest=manifest)
        table._check()
        return table

    def _check(self) -> None:
        """ValueError if columns do not fit each other or the manifest."""
        samples, exits = len(self.label), len(self.manifest['exit_names'])
        by_exit = [self.prediction, self.label_rank, self.nll, self.brier]
        for column in (*by_exit, *self.confidences.values()):
            if column.shape != (samples, exits):
                raise ValueError(f'a column of {column.shape} does not fit {(samples, exits)}')
        if len(self.picture) != samples or len(self.source) != samples:
            raise ValueError('columns are of different lengths')
        missing = {'split', 'classes', 'index_sha256'} - self.manifest.keys()
        if missing:
            raise ValueError(f'the manifest lacks {min(missing)}')
        costs = self.manifest.get('exit_gmacs')
        if costs is not None and len([float(cost) for cost in costs]) != exits:
            raise ValueError(f'{len(costs)} costs for {exits} exits')


class ExitTableBuilder:
    """Collects batches of logits into an `ExitTable`."""

    def __init__(self) -> None:
        self._batches: list[dict[str, np.ndarray]] = []

    def add(
        self,
        logits: Sequence[Tensor],
        labels: Tensor,
        pictures: list[bytes],
        sources: list[str],
    ) -> None:
        """Add a batch.

        Args:
            logits: (B, classes) per exit.
            labels: (B,) right classes.
            pictures: B digests.
            sources: B paths.

        Raises:
            UserError: A logit is NaN or infinite, or a label is no class of the network.
        """
        stacked = torch.stack(tuple(logits), 1)  # (B, K, classes)
        if not torch.isfinite(stacked).all():
            raise UserError(
                'the network puts out NaN or infinite logits; the checkpoint is broken, or the '
                'run it comes from has diverged'
            )
        if labels.max() >= stacked.shape[-1]:
            raise UserError(
                f'a sample has label {labels.max()}, but the network has only '
                f'{stacked.shape[-1]} classes, numbered from 0'
            )
        probability = probabilities(stacked)
        right = labels[:, None, None].expand(-1, stacked.shape[1], 1).long()
        of_right = probability.gather(-1, right)[..., 0]  # (B, K)
        batch = {
            'prediction': probability.argmax(-1).int(),
            'label_rank': label_rank(probability, labels[:, None]).int(),
            'nll': -(stacked.double().log_softmax(-1).gather(-1, right)[..., 0]).float(),
            'brier': (probability.square().sum(-1) - 2 * of_right + 1).float(),
            'label': labels.int(),
        }
        for name, measure in MEASURES.items():
            columns = [measure(logits[: k + 1]) for k in range(len(logits))]
            batch[_CONFIDENCE + name] = torch.stack(columns, 1)
        self._batches.append(
            {name: value.cpu().numpy() for name, value in batch.items()}
            | {
                'picture': np.frombuffer(b''.join(pictures), np.uint8).reshape(-1, 16),
                'source': np.array(sources),
            }
        )

    def build(self, **manifest: Any) -> ExitTable:
        """The table of all batches so far."""
        columns = {
            name: np.concatenate([batch[name] for batch in self._batches])
            for name in self._batches[0]
        }
        confidences = {name: columns.pop(_CONFIDENCE + name) for name in MEASURES}
        return ExitTable(**columns, confidences=confidences, manifest=manifest)


class SplitTable(Protocol):
    """A table of N samples, such as an `ExitTable`; see there for its columns."""

    picture: np.ndarray
    source: np.ndarray

    def __len__(self) -> int: ...


def check_disjoint(calibration: SplitTable, test: SplitTable) -> None:
    """Refuse splits that share samples: what is chosen on test samples would flatter the test.

    Samples are the same if their pixels are, or if they come from the same file, however it was
    cropped or flipped.

    Raises:
        UserError: The splits are identical or overlap; the message names some samples.
    """
    pixels = {picture.tobytes() for picture in calibration.picture}
    sources = set(calibration.source) - {''}
    shared = [
        source
        for picture, source in zip(test.picture, test.source, strict=True)
        if picture.tobytes() in pixels or source in sources
    ]
    if not shared:
        return
    kind = 'are the same samples' if len(shared) == len(test) == len(calibration) else 'overlap'
    named = ', '.join(source for source in shared[:3] if source)
    raise UserError(
        f'the calibration and the test split {kind}: {len(shared)} of the {len(test)} test '
        f'samples are also in the calibration split{f" ({named}, ...)" if named else ""}. '
        'Nothing may be chosen on test data: take these samples out of one split, or hold '
        "the calibration split out of the training set with dataset=dict(type='HeldOut', ...)"
    )
