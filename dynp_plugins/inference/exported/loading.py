"""A model of an exported folder; neither the network nor OpenMMLab is needed."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...early_exit import ExitPolicy
from ...early_exit.compiled.saved_steps import load_steps
from ...early_exit.compiled.step_formats import step_format
from ...errors import UserError
from ..image_inputs import PICTURES
from ..image_reading import read_rgb
from ..loaded_model import LoadedModel, as_names, choose_device
from ..preprocessing import PlainPreprocessing
from ..sample_kinds import Sample, SampleKind
from ..video_inputs import VIDEOS, frame_folders
from .manifest import MANIFEST, Manifest, read_manifest


def is_export(path: str | Path) -> bool:
    """Whether a path is that of an exported folder, rather than a config or a name."""
    return (Path(path) / MANIFEST).is_file()


def load_exported_model(
    folder: str | Path,
    device: str | torch.device | None = None,
    classes: Sequence[str] | None = None,
    preprocess: Callable[[Any], Tensor] | None = None,
) -> LoadedModel:
    """Load what `export_model` wrote.

    Args:
        folder: Where it is.
        device: To run on; by default a GPU if there is one and the files can be run there.
        classes: Names of the classes; by default those of the manifest.
        preprocess: In place of the manifest's preprocessing: makes the network's input, (channels,
            height, width), of an RGB Pillow image; of a video, (frames, channels, height, width),
            of its path or array.

    Raises:
        UserError: See `read_manifest`, `load_steps` and `PlainPreprocessing`; or there is no
            preprocessing.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    if device is None and step_format(manifest.steps.backend).cpu_only:
        device = 'cpu'
    chosen = choose_device(device)
    kind, prepare, to_network = _preprocessing(folder, manifest, chosen, preprocess)
    policy = None if manifest.policy is None else ExitPolicy.of_record(manifest.policy)
    table = manifest.calibration_table

    def prepare_and_check(sample: Sample) -> Tensor:
        prepared = prepare(sample)
        if list(prepared.shape) != manifest.input_shape:
            raise UserError(
                f'reaches the network as {_by(prepared.shape)}, but {folder} was exported for '
                f'{_by(manifest.input_shape)}: resize it, or export again with another --shape'
            )
        return prepared

    def already_written() -> Any:
        raise UserError(
            f'{folder} is an export: export from the config or name that it was made of'
        )

    return LoadedModel(
        name=manifest.model,
        kind=kind,
        network=load_steps(manifest.steps, folder, chosen),
        prepare=prepare_and_check,
        to_network=to_network,
        classes=as_names(manifest.classes if classes is None else classes),
        num_classes=manifest.num_classes,
        weights_sha256=manifest.weights_sha256,
        preprocessing=already_written,
        exit_gmacs=[manifest.exit_gmacs[name] for name in manifest.exit_names],
        policy=policy if table is None else folder / table,
        budget_gmacs=manifest.budget_gmacs,
        chosen=None if table is None else policy,
    )


def _preprocessing(
    folder: Path,
    manifest: Manifest,
    device: torch.device,
    preprocess: Callable[[Any], Tensor] | None,
) -> tuple[SampleKind, Callable[[Sample], Tensor], Callable[[Tensor], Tensor]]:
    """What is answered, and the two halves of making it ready."""
    if preprocess is None and manifest.preprocessing is None:
        raise UserError(
            f'{folder} was exported with --no-preprocessing: give preprocess=..., a function that '
            f"makes the network's input {_by(manifest.input_shape)} of a {manifest.samples}"
        )
    if preprocess is None:
        plain = PlainPreprocessing(manifest.preprocessing, device)
        return plain.kind, plain, plain.to_network
    if manifest.samples == PICTURES.name:
        kind, of_sample = PICTURES, lambda picture: preprocess(read_rgb(picture))
    else:
        template = manifest.filename_tmpl
        kind, of_sample = VIDEOS if template is None else frame_folders(template), preprocess
    return kind, of_sample, lambda samples: samples.to(device)


def _by(shape: Sequence[int]) -> str:
    return ' x '.join(map(str, shape))
