"""Writing a model's steps and all that running them needs into a folder, and checking it."""

import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ...atomic_files import atomic_folder
from ...early_exit import ExitPolicy, fold_frames
from ...early_exit.compiled import BATCH_SIZES
from ...early_exit.compiled.saved_steps import StepsRecord, load_steps, save_steps
from ...errors import UserError
from ...networks import MultiExitNetwork
from ...typed_json import write_json
from ..image_inputs import PICTURES
from ..loaded_model import LoadedModel
from ..policy_choice import PolicyChoice
from ..preprocessing import PlainPreprocessing, Preprocessing
from ..sample_kinds import SampleKind
from .loading import is_export
from .manifest import (
    MANIFEST,
    MANIFEST_VERSION,
    TABLE,
    Manifest,
    Source,
    file_hashes,
    foreign_files,
    parse_manifest,
)

TOLERANCE = 1e-4
"""Of the largest logit, that an exit in float32 may differ from the network by."""


@dataclass(frozen=True)
class Export:
    """What was written.

    Attributes:
        folder: Where.
        size: Of all files, in bytes.
        differences: By exit, the largest difference of a logit from the network's, as a part of
            the largest logit.
    """

    folder: Path
    size: int
    differences: dict[str, float]


def export_model(
    model: LoadedModel,
    folder: str | Path,
    backend: str,
    input_shape: Sequence[int],
    exit_gmacs: Sequence[float],
    source: Source,
    dtype: str = 'float32',
    batch_sizes: Sequence[int] = BATCH_SIZES,
    policy: ExitPolicy | str | Path | None = None,
    budget_gmacs: float | None = None,
    preprocessing: bool = True,
    overwrite: bool = False,
) -> Export:
    """Write a folder that `DynamicInferencer` runs; it appears whole or not at all.

    What was written is loaded again, and its logits are compared with the network's on random
    images; so is what is done to samples, on made-up ones.

    Args:
        model: With a network on the CPU.
        folder: Not there yet, or empty.
        backend, dtype, batch_sizes: See `save_steps`.
        input_shape: Of a sample, (channels, height, width) or (frames, channels, height, width).
        exit_gmacs: GMACs of such a sample up to each exit.
        source: What the model was made from.
        policy, budget_gmacs: As `DynamicInferencer` takes them; they are in force when the folder
            is loaded, unless others are given then. An exit table is written as well, so that other
            budgets can be set; without the paths of its samples.
        preprocessing: Whether to write down what is done to samples.
        overwrite: Replace an earlier export, in which nothing else has been put.

    Raises:
        UserError: Something of that cannot be, a package is missing, or what was written does not
            give what the network gives.
    """
    folder = Path(folder)
    _check_room(folder, overwrite)
    choice = PolicyChoice(model, policy)
    chosen = choice.policy(budget_gmacs)
    if choice.input_shape is not None and choice.input_shape != tuple(input_shape):
        raise UserError(
            f'the thresholds and costs hold for samples of {list(choice.input_shape)}, but the '
            f'export is for {list(input_shape)}: choose a policy for this shape'
        )
    record = model.preprocessing() if preprocessing else None
    if record is not None:
        _check_preprocessing(model, record, input_shape)
    with atomic_folder(folder, replaces=overwrite) as staged:
        steps = save_steps(
            model.network, staged, backend, dtype, batch_sizes, list(input_shape[-2:])
        )
        differences = _compare(model.network, steps, staged)
        if choice.table is not None:
            unnamed = np.full(len(choice.table), '')
            replace(choice.table, source=unnamed).save(staged / TABLE)
        manifest = Manifest(
            schema_version=MANIFEST_VERSION,
            model=model.name,
            samples=model.kind.name,
            filename_tmpl=model.kind.filename_tmpl,
            exit_names=list(steps.exit_names),
            num_classes=steps.steps[-1].outputs[-1].shape[0],
            classes=None if model.classes is None else list(model.classes),
            input_shape=list(input_shape),
            exit_gmacs=dict(zip(steps.exit_names, exit_gmacs, strict=True)),
            steps=steps,
            preprocessing=record,
            policy=None if policy is None else chosen.record(),
            calibration_table=None if choice.table is None else TABLE,
            budget_gmacs=budget_gmacs,
            weights_sha256=model.weights_sha256,
            source=source,
            files=file_hashes(staged),
        )
        write_json(manifest, staged / MANIFEST)
        size = sum(path.stat().st_size for path in staged.iterdir())
        _check_room(folder, overwrite)  # minutes later
    return Export(folder, size, differences)


def _check_room(folder: Path, overwrite: bool) -> None:
    """Refuse to write where anything would be lost but an earlier export.

    Raises:
        UserError: There is something else, or an export that is not to be replaced.
    """
    if folder.exists() and not folder.is_dir():
        raise UserError(f'{folder} is a file: name a folder')
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not is_export(folder):
        raise UserError(f'{folder} holds other files, which are not replaced: name a new folder')
    if not overwrite:
        raise UserError(f'{folder} holds an export already; give --overwrite to replace it')
    try:
        foreign = foreign_files(folder, parse_manifest(folder))
    except UserError as error:
        raise UserError(f'{error}; {folder} is not replaced: name a new folder') from error
    if foreign:
        raise UserError(
            f'{folder / foreign[0]} is no file of the export in that folder, which is not '
            'replaced: move it elsewhere, or name a new folder'
        )


@torch.no_grad()
def _compare(network: MultiExitNetwork, record: StepsRecord, folder: Path) -> dict[str, float]:
    """The largest difference of each exit in batches of every size; see `Export`.

    Raises:
        UserError: One is NaN or infinite, or in float32 larger than it may be.
    """
    steps = load_steps(record, folder, torch.device('cpu'))
    random = torch.Generator().manual_seed(0)
    largest = dict.fromkeys(record.exit_names, 0.0)
    for size in record.batch_sizes:
        shape = (size * record.num_segments, 3, *record.image_size)
        images = torch.randn(shape, generator=random)
        found, expected = steps(images), network(images)
        for name, ours, theirs in zip(record.exit_names, found, expected, strict=True):
            difference, scale = float((ours - theirs).abs().max()), float(theirs.abs().max())
            if not math.isfinite(difference):
                kept = bool(theirs.isfinite().all())
                raise UserError(
                    f'on random images the exit {name} gives logits that are NaN or infinite: '
                    'nothing is written; '
                    + ('try another --backend' if kept else "the network's own are no better")
                )
            largest[name] = max(largest[name], difference / scale if scale else difference)
    name = max(largest, key=largest.__getitem__)
    if record.dtype == 'float32' and not largest[name] <= TOLERANCE:
        raise UserError(
            f'the exported exit {name} differs from the network by {largest[name]:.1e} of its '
            f'largest logit, more than {TOLERANCE:.0e}: nothing is written; try another --backend'
        )
    return largest


def _check_preprocessing(
    model: LoadedModel, record: Preprocessing, input_shape: Sequence[int]
) -> None:
    """Compare what a record says with what the model does, on made-up samples.

    Raises:
        UserError: They make something else of one, or the same other shape of all.
    """
    plain = PlainPreprocessing(record, torch.device('cpu'))
    shapes = set()
    with tempfile.TemporaryDirectory() as folder:
        for sample in _made_up_samples(model.kind, Path(folder)):
            ours = plain(sample)
            if not torch.equal(_ready(plain, ours), _ready(model, model.prepare(sample))):
                raise UserError(
                    'what the test pipeline does to samples was not written down rightly; '
                    'export with --no-preprocessing and give DynamicInferencer(DIR, '
                    'preprocess=...) a function of your own'
                )
            shapes.add(tuple(ours.shape))
    if len(shapes) == 1 and shapes != {tuple(input_shape)}:
        raise UserError(
            f'the preprocessing makes {list(*shapes)} of every sample, but the export is for '
            f'{list(input_shape)}, and would refuse them all: leave --shape out, or change the '
            'preprocessing'
        )


def _made_up_samples(kind: SampleKind, folder: Path) -> Iterator[np.ndarray | str]:
    """Noise of two sizes; pictures also as files in the folder."""
    random = np.random.default_rng(0)
    for height, width in ((300, 401), (523, 260)):
        if kind is PICTURES:
            pixels = random.integers(0, 256, (height, width, 3), np.uint8)
            path = str(folder / 'picture.png')
            Image.fromarray(pixels).save(path)
            yield from (pixels, path)
        else:
            yield random.integers(0, 256, (29, height, width, 3), np.uint8)


def _ready(how: PlainPreprocessing | LoadedModel, prepared: Tensor) -> Tensor:
    return fold_frames(how.to_network(prepared[None]))[0]
