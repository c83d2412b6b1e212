"""Trained models made ready to be timed: their policies, and the test samples they run on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dynp_plugins.early_exit import (
    ExitPolicy,
    ExitTable,
    choose_policies,
    fold_frames,
    on_calibration,
)
from dynp_plugins.early_exit.choosing import exit_gmacs
from dynp_plugins.early_exit.compiled import CompiledSteps, compile_steps
from dynp_plugins.errors import UserError
from dynp_plugins.networks import MultiExitNetwork

from .check_results import table_name
from .timed_samples import SampleSource, TestImages
from .trained_model import TrainedModel


@dataclass(frozen=True)
class TimedPolicy:
    """When samples leave in a run that is timed.

    Attributes:
        policy: With what it gives on the calibration split.
        file: Where it was read; None where its thresholds were chosen for a budget.
    """

    policy: ExitPolicy
    file: str | None = None

    @property
    def target_gmacs(self) -> float:
        """The budget, or the mean cost on the calibration split where there was none."""
        return self.policy.settings.get('budget_gmacs', self.policy.expected.gmacs_mean)


@dataclass(frozen=True)
class TimedModel:
    """A model to be timed.

    Attributes:
        name: For tables and messages.
        config_sha256: Of its config.
        weights_sha256: Of its weights.
        network: In eval mode, or its compiled steps.
        images: (N, 3, H, W) the first samples of the test split as the network takes them; in its
            type and memory format, but always in the memory of the CPU. Of a model that takes
            videos (N, M, 3, H, W), where M is the number of frames of each.
        policies: What is timed beside the exits.
        test: The exit table that answers are compared with.
        exit_gmacs: Cumulative cost of the exits, of a sample.
        source: What hands out these samples, to time that as well; None if it is not known.
    """

    name: str
    config_sha256: str
    weights_sha256: str
    network: MultiExitNetwork | CompiledSteps
    images: Tensor
    policies: list[TimedPolicy]
    test: ExitTable
    exit_gmacs: list[float]
    source: SampleSource | None = None

    @property
    def sample(self) -> str:
        """What it takes, in a word."""
        return 'video' if self.images.ndim == 5 else 'image'

    @property
    def index(self) -> Sequence[int]:
        """Which samples of the test split it is timed on."""
        return range(len(self.images))

    @property
    def frames(self) -> int:
        """How many images a sample is."""
        return self.images.shape[1] if self.images.ndim == 5 else 1

    @property
    def graph_samples(self) -> int:
        """How many samples of a graph a sample is: its frames where they are run one by one."""
        return self.frames // self.network.num_segments

    @property
    def dtype(self) -> torch.dtype:
        """Of the arithmetic; compiled steps take images in float32 in any case."""
        return getattr(self.network, 'dtype', self.images.dtype)

    def compiled(
        self, backend: str, dtype: torch.dtype, batch_sizes: Sequence[int], threads: int | None
    ) -> 'TimedModel':
        """The model with compiled steps; it is where it is to run, in float32.

        Args: see `dynp_plugins.early_exit.compiled.compile_steps`.
        """
        size = self.images.shape[-2:]
        steps = compile_steps(self.network, backend, dtype, batch_sizes, threads, tuple(size))
        return replace(self, network=steps)

    def prepared(
        self, device: torch.device, dtype: torch.dtype, channels_last: bool
    ) -> 'TimedModel':
        """The model brought to where and how it is to run; its network is changed.

        Args:
            device: For the network.
            dtype: Of weights and images.
            channels_last: Whether they are to have that memory format.

        Raises:
            UserError: The network cannot run like that.
        """
        layout = torch.channels_last if channels_last else torch.contiguous_format
        self.network.to(device=device, dtype=dtype, memory_format=layout).eval()
        # The memory format is that of pictures, also of those that are frames of a video.
        frames, _ = fold_frames(self.images)
        frames = frames.to(dtype=dtype, memory_format=layout)
        try:
            with torch.inference_mode():
                self.network(frames[: self.frames].to(device))
        except RuntimeError as error:
            raise UserError(
                f'{self.name} cannot run in {str(dtype).removeprefix("torch.")} on {device}: '
                f'{error}; choose another --dtype or --device'
            ) from error
        images = frames if self.images.ndim == 4 else frames.unflatten(0, (-1, self.frames))
        return replace(self, images=images)


def load_timed_models(
    models: Sequence[TrainedModel],
    tables: str | Path,
    budgets: int | Sequence[float],
    policies: Sequence[str | Path] = (),
    images: int = 1024,
    least_videos: int = 1,
) -> list[TimedModel]:
    """Find the models' exit tables, choose their policies and read their test samples.

    Args:
        models: On the CPU.
        tables: The folder that ``tools/budget_curve.py --out`` wrote.
        budgets: See `budget_policies`.
        policies: See `file_policies`.
        images: See `TestImages`, as ``least_videos`` is.

    Raises:
        UserError: See the functions below.
    """
    found = [read_tables(tables, model) for model in models]
    calibrations = [calibration for calibration, _ in found]
    timed = [budget_policies(calibration, budgets) for calibration in calibrations]
    from_files = file_policies(policies, calibrations)
    reader = TestImages(images, least_videos)
    read = [reader.of(model, test) for model, (_, test) in zip(models, found, strict=True)]
    return [
        TimedModel(
            name=model.name,
            config_sha256=model.config_record.sha256,
            weights_sha256=model.checkpoint_record.sha256,
            network=model.network,
            images=samples,
            policies=of_budgets + of_files,
            test=test,
            exit_gmacs=exit_gmacs(calibration).tolist(),
            source=source,
        )
        for model, (calibration, test), of_budgets, of_files, (samples, source) in zip(
            models, found, timed, from_files, read, strict=True
        )
    ]


def read_tables(folder: str | Path, model: TrainedModel) -> tuple[ExitTable, ExitTable]:
    """The exit tables of the calibration and the test split that ``budget_curve.py`` wrote.

    Args:
        folder: The folder of its report.
        model: Whose tables.

    Raises:
        UserError: They are missing, damaged, or were made with another config or other weights.
    """
    tables = []
    for split in ('calibration', 'test'):
        path = Path(folder) / 'tables' / table_name(model.name, split)
        if not path.exists():
            raise UserError(
                f'there is no exit table {path}: run tools/budget_curve.py with {model.name} '
                f'first, with --out {folder}'
            )
        table = ExitTable.load(path)
        expected = {
            'split': split,
            'exit_names': list(model.network.exit_names),
            'weights_sha256': model.checkpoint_record.sha256,
            'config_sha256': model.config_record.sha256,
        }
        for key, value in expected.items():
            found = table.manifest.get(key)
            if found != value:
                raise UserError(
                    f'{path} is not the table of this model: its {key} is {_short(found)}, that '
                    f'of {model.name} is {_short(value)}; run tools/budget_curve.py again with '
                    'the same config, options and checkpoint'
                )
        tables.append(table)
    return tables[0], tables[1]


def budget_policies(calibration: ExitTable, budgets: int | Sequence[float]) -> list[TimedPolicy]:
    """Policies for some budgets, chosen by maximum softmax and the geometric method.

    A network with one exit has none.

    Args:
        calibration: The exit table to choose thresholds on.
        budgets: The mean costs in GMACs; or how many of them, evenly spaced strictly between the
            first exit's cost and the last one's, where everybody would leave at the same exit. To
            these half of the last one's cost is added, if it lies between, too: there the
            speed-up that MACs predict is 2, whatever the network.

    Raises:
        UserError: A budget lies outside what the exits cost; the message names the model.
    """
    gmacs = exit_gmacs(calibration)
    if len(gmacs) == 1:
        return []
    if isinstance(budgets, int):
        budgets = _spread_budgets(gmacs, budgets)
    try:
        return [TimedPolicy(policy) for policy in choose_policies(calibration, budgets)]
    except UserError as error:
        raise UserError(f'{calibration.manifest.get("model")}: {error}') from error


def _spread_budgets(gmacs: np.ndarray, count: int) -> list[float]:
    """See `budget_policies`; rising."""
    if not count:
        return []
    even = np.linspace(gmacs[0], gmacs[-1], count + 2)[1:-1]
    half = gmacs[-1] / 2
    if gmacs[0] < half and not np.isclose(even, half, rtol=1e-6).any():
        even = np.append(even, half)
    return sorted(even.tolist())


def file_policies(
    paths: Sequence[str | Path], calibrations: Sequence[ExitTable]
) -> list[list[TimedPolicy]]:
    """The policies of some files, by model; a file goes to every model that it fits.

    Args:
        paths: The files.
        calibrations: One exit table per model.

    Raises:
        UserError: A file is no policy, fits no model, or its thresholds were chosen on other
            samples than the calibration split.
    """
    by_model: list[list[TimedPolicy]] = [[] for _ in calibrations]
    for path in paths:
        policy, problems = ExitPolicy.load(path), []
        for table, found in zip(calibrations, by_model, strict=True):
            manifest = table.manifest
            try:
                policy.check_network(
                    manifest['exit_names'], manifest['classes'], manifest['weights_sha256']
                )
            except UserError as error:
                problems.append(f'{manifest["model"]}: {error}')
                continue
            policy.check_calibration(manifest['index_sha256'], manifest['model'])
            found.append(TimedPolicy(on_calibration(policy, table), str(path)))
        if len(problems) == len(calibrations):
            raise UserError(f'{path} fits none of the models; {"; ".join(problems)}')
    return by_model


def _short(value: object) -> str:
    """A hash cut to what tells it from another."""
    text = str(value)
    return f'{text[:12]}...' if isinstance(value, str) and len(text) == 64 else text
