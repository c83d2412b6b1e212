"""`manifest.json`: what an exported folder holds, and what it was made from."""

from dataclasses import dataclass
from pathlib import Path

from ...early_exit.compiled.saved_steps import StepsRecord
from ...early_exit.policy import PolicyRecord
from ...errors import UserError
from ...file_hashes import file_sha256
from ...typed_json import read_json
from ..preprocessing import Preprocessing

MANIFEST = 'manifest.json'
TABLE = 'calibration.npz'
MANIFEST_VERSION = 1
_AGAIN = 'export again with tools/export.py'


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
        UserError: There is none, it is of another version or damaged, or a file is missing or not
            the one that was written.
    """
    manifest = parse_manifest(folder)
    for name, sha256 in manifest.files.items():
        path = folder / name
        if Path(name).name != name:
            raise UserError(f'{folder / MANIFEST} names a file outside of its folder, {name}')
        if not path.is_file():
            raise UserError(f'{path} is missing: copy the whole folder, or {_AGAIN}')
        if file_sha256(path) != sha256:
            raise UserError(
                f'{path} is not the file that was written, its SHA-256 has changed: copy it again, '
                f'or {_AGAIN}'
            )
    wanted = {manifest.calibration_table} - {None}
    for step in manifest.steps.steps:
        wanted |= {step.file} - {None} | set(step.files_by_size.values())
    unlisted = sorted(wanted - manifest.files.keys())
    if unlisted:
        raise UserError(f'{folder / MANIFEST} has no SHA-256 of {unlisted[0]}: {_AGAIN}')
    return manifest
