"""`manifest.json`: what an exported folder holds, and what it was made from."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...early_exit.compiled.saved_steps import StepsRecord
from ...early_exit.policy import PolicyRecord
from ...errors import UserError
from ...file_hashes import file_sha256
from ...typed_json import read_json
from ..image_inputs import PICTURES
from ..preprocessing import Preprocessing
from ..video_inputs import VIDEOS

MANIFEST = 'manifest.json'
TABLE = 'calibration.npz'
MANIFEST_VERSION = 1
_AGAIN = 'export again with tools/export.py'
_DIMENSIONS = {PICTURES.name: 3, VIDEOS.name: 4}


@dataclass(frozen=True)
class Source:
    """What an export was made from.

    Attributes:
        network: The config file, or the name.
        config_sha256: Hash of the config with all that it inherits; None for a name.
        settings: Of a name, or what overrode the config, as text.
        checkpoint: Where the weights came from.
        versions: Of Python and the packages that made it.
    """

    network: str
    config_sha256: str | None
    settings: dict[str, str]
    checkpoint: str
    versions: dict[str, str]


@dataclass(frozen=True)
class Manifest:
    """What a folder holds.

    Attributes:
        schema_version: `MANIFEST_VERSION`.
        model: Name of the model, as exit tables call it.
        samples: What it answers: ``picture`` or ``video``.
        filename_tmpl: Names of the frames, where videos are folders of them.
        exit_names: In order of execution.
        num_classes: Number of classes.
        classes: Their names; None if nobody says them.
        input_shape: Of a sample, (channels, height, width) or (frames, channels, height, width).
        exit_gmacs: By exit, what a sample has cost when it leaves there.
        steps: The files of the steps, and how to run them.
        preprocessing: What is done to a sample; None if that could not be written down.
        policy: In force unless another is given; None for the last exit.
        calibration_table: File of the exit table that other budgets' thresholds are chosen from.
        budget_gmacs: What ``policy`` was chosen for.
        weights_sha256: Hash of the weights, as exit tables and policies name it.
        source: What it was made from.
        files: SHA-256 of every other file.
    """

    schema_version: int
    model: str
    samples: str
    filename_tmpl: str | None
    exit_names: list[str]
    num_classes: int
    classes: list[str] | None
    input_shape: list[int]
    exit_gmacs: dict[str, float]
    steps: StepsRecord
    preprocessing: Preprocessing | None
    policy: PolicyRecord | None
    calibration_table: str | None
    budget_gmacs: float | None
    weights_sha256: str
    source: Source
    files: dict[str, str]


def file_hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of all files of a folder, by name."""
    return {path.name: file_sha256(path) for path in sorted(folder.iterdir())}


def parse_manifest(folder: Path) -> Manifest:
    """Read a folder's manifest alone.

    Raises:
        UserError: There is none, it is of another version or damaged.
    """
    return read_json(Manifest, folder / MANIFEST, 'export manifest', MANIFEST_VERSION, _AGAIN)


def foreign_files(folder: Path, manifest: Manifest) -> list[str]:
    """What lies in a folder and is no part of its export, by name."""
    ours = {MANIFEST, *manifest.files}
    return sorted(path.name for path in folder.iterdir() if path.name not in ours)


def read_manifest(folder: Path) -> Manifest:
    """Read a folder's manifest, and compare all files with it.

    Raises:
        UserError: There is none, it is of another version, damaged or contradicts itself, or a file
            is missing, not the one that was written, or not named in it.
    """
    manifest = parse_manifest(folder)
    problem = next(_contradictions(manifest), None)
    if problem is not None:
        raise UserError(f'{folder / MANIFEST} cannot be right, {problem}: {_AGAIN}')
    for name, sha256 in manifest.files.items():
        path = folder / name
        if not path.is_file():
            raise UserError(f'{path} is missing: copy the whole folder, or {_AGAIN}')
        if file_sha256(path) != sha256:
            raise UserError(
                f'{path} is not the file that was written, its SHA-256 has changed: copy it again, '
                f'or {_AGAIN}'
            )
    if foreign := foreign_files(folder, manifest):
        raise UserError(
            f'{folder / foreign[0]} is no file of the export, {MANIFEST} has no SHA-256 of it: '
            f'move it elsewhere, or {_AGAIN}'
        )
    return manifest


def _contradictions(manifest: Manifest) -> Iterator[str]:
    """What in a manifest contradicts the rest of it."""
    steps, samples, shape = manifest.steps, manifest.samples, manifest.input_shape
    yield from steps.contradictions()
    for name in manifest.files:
        if Path(name).name != name:
            yield f'it names a file outside of its folder, {name}'
    wanted = {manifest.calibration_table} - {None}
    for step in steps.steps:
        wanted |= {step.file} - {None} | set(step.files_by_size.values())
    for name in sorted(wanted - manifest.files.keys()):
        yield f'it has no SHA-256 of {name}'
    exits = ', '.join(manifest.exit_names)
    if steps.exit_names != tuple(manifest.exit_names):
        yield f'the steps lead to {", ".join(steps.exit_names)}, but exit_names are {exits}'
    if set(manifest.exit_gmacs) != set(manifest.exit_names):
        yield f'exit_gmacs are of {", ".join(manifest.exit_gmacs)}, but exit_names are {exits}'
    if steps.steps[-1].outputs[-1].shape != [manifest.num_classes]:
        yield f'num_classes is {manifest.num_classes}, which is not what the last step gives'
    if samples not in _DIMENSIONS:
        yield f'samples is {samples!r}, none of {", ".join(_DIMENSIONS)}'
    elif len(shape) != _DIMENSIONS[samples] or shape[-2:] != steps.image_size:
        yield f'input_shape is {shape}, for a {samples} with images of {steps.image_size}'
    if manifest.preprocessing is not None:
        readings = manifest.preprocessing.picture, manifest.preprocessing.video
        if [reading is not None for reading in readings] != [samples == k for k in _DIMENSIONS]:
            yield f'preprocessing does not say how one {samples} is read'
