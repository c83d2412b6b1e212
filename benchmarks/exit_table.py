"""The exit table: per sample and exit, what a network says and how sure it is.

One pass over a split fills it; thresholds, accuracies and curves are arithmetic on it.
"""

import json
import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dynp_plugins.atomic_files import atomic_path
from dynp_plugins.early_exit import label_rank
from dynp_plugins.errors import UserError


@dataclass(frozen=True)
class ExitTable:
    """N samples, K exits.

    Attributes:
        prediction: (N, K) predicted class.
        label_rank: (N, K) classes that score above the right one; 0 is a correct prediction.
        max_softmax: (N, K) largest class probability.
        entropy: (N, K) entropy of the class probabilities, in nats.
        margin: (N, K) difference of the two largest class probabilities.
        label: (N,) right class.
        picture: (N, 16) digest of each picture's pixels as the network sees them, as bytes.
        source: (N,) where each picture comes from, its path for files; empty if unknown.
        manifest: What the table was made from: exit names, number of classes, split, hashes.
    """

    prediction: np.ndarray
    label_rank: np.ndarray
    max_softmax: np.ndarray
    entropy: np.ndarray
    margin: np.ndarray
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

    def topk_percent(self, k: int) -> np.ndarray:
        """(K,) top-k accuracy of each exit over all samples."""
        return 100 * (self.label_rank < k).mean(0)

    def save(self, path: str | Path) -> None:
        """Write ``path`` (.npz, no pickle) and the manifest beside it (.json)."""
        path = Path(path)
        arrays = {f.name: getattr(self, f.name) for f in fields(self) if f.name != 'manifest'}
        with atomic_path(path) as temporary:
            np.savez_compressed(temporary, **arrays)
        with atomic_path(path.with_suffix('.json')) as temporary:
            temporary.write_text(json.dumps(self.manifest, indent=1) + '\n')

    @classmethod
    def load(cls, path: str | Path) -> 'ExitTable':
        """Read what `save` wrote.

        Raises:
            UserError: A file is missing, damaged, or not an exit table.
        """
        path = Path(path)
        try:
            manifest = json.loads(path.with_suffix('.json').read_text())
            with np.load(path, allow_pickle=False) as file:
                return cls(**file, manifest=manifest)
        except (OSError, ValueError, TypeError, KeyError, zipfile.BadZipFile) as error:
            raise UserError(f'{path} is not a readable exit table: {error}') from error


class ExitTableBuilder:
    """Collects batches of logits into an `ExitTable`."""

    def __init__(self) -> None:
        self._batches: list[dict[str, np.ndarray]] = []

    def add(
        self,
        logits: tuple[Tensor, ...],
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
        stacked = torch.stack(logits, 1).float()  # (B, K, classes)
        if not torch.isfinite(stacked).all():
            raise UserError(
                'the network puts out NaN or infinite logits; the checkpoint is broken, or the '
                'run it comes from has diverged'
            )
        if labels.max() >= stacked.shape[-1]:
            raise UserError(
                f'a picture has label {labels.max()}, but the network has only '
                f'{stacked.shape[-1]} classes, numbered from 0'
            )
        probability = stacked.softmax(-1)
        best = probability.topk(min(2, probability.shape[-1])).values
        batch = {
            'prediction': probability.argmax(-1).int(),
            'label_rank': label_rank(probability, labels[:, None]).int(),
            'max_softmax': best[..., 0],
            'entropy': torch.special.entr(probability).sum(-1),
            'margin': best[..., 0] - best[..., -1] if best.shape[-1] > 1 else best[..., 0],
            'label': labels.int(),
        }
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
        return ExitTable(**columns, manifest=manifest)


def check_disjoint(calibration: ExitTable, test: ExitTable) -> None:
    """Refuse splits that share pictures: thresholds chosen on test pictures would flatter the test.

    Pictures are the same if their pixels are, or if they come from the same file, however it was
    cropped or flipped.

    Raises:
        UserError: The splits are identical or overlap; the message names some pictures.
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
    kind = 'are the same pictures' if len(shared) == len(test) == len(calibration) else 'overlap'
    named = ', '.join(source for source in shared[:3] if source)
    raise UserError(
        f'the calibration and the test split {kind}: {len(shared)} of the {len(test)} test '
        f'pictures are also in the calibration split{f" ({named}, ...)" if named else ""}. '
        'Thresholds must not be chosen on test data: take these pictures out of one split, or hold '
        "the calibration split out of the training set with dataset=dict(type='HeldOut', ...)"
    )
