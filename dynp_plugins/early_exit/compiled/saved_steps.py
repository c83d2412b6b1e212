"""Saving the steps of a network as files, and loading them without the network."""

import logging
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from ...errors import UserError
from .backends import BackendOptions, Run
from .compiled_steps import (
    BATCH_SIZES,
    CompiledSteps,
    NetworkInterface,
    frozen_copy,
    on_threads,
    rising_sizes,
)
from .step_export import export_step
from .step_formats import StepFormat, step_format
from .step_graph import ExampleStep, example_steps

_logger = logging.getLogger(__name__)
_DTYPES = {'float32': torch.float32, 'bfloat16': torch.bfloat16}


@dataclass(frozen=True)
class TensorRecord:
    """What a step takes or gives.

    Attributes:
        name: Entry of the state, or ``logits of EXIT``.
        shape: Without the batch, which is the first dimension.
    """

    name: str
    shape: list[int]


@dataclass(frozen=True)
class StepRecord:
    """One step on disk.

    Attributes:
        exit_name: The exit that it leads to.
        inputs, outputs: In order.
        file: Holds it for batches of any size; None where it cannot be exported so.
        files_by_size: Otherwise the files by the number of samples in a batch.
    """

    exit_name: str
    inputs: list[TensorRecord]
    outputs: list[TensorRecord]
    file: str | None
    files_by_size: dict[str, str]


@dataclass(frozen=True)
class StepsRecord:
    """The steps of a network on disk.

    Attributes:
        backend: Name of their format, see `FORMATS`.
        dtype: Of the arithmetic.
        batch_sizes: Samples in the batches that they are run in.
        num_segments: Images of a sample that the network sees together.
        image_size: (height, width) of the images.
        steps: In order of execution.
    """

    backend: str
    dtype: str
    batch_sizes: list[int]
    num_segments: int
    image_size: list[int]
    steps: list[StepRecord]

    @property
    def exit_names(self) -> tuple[str, ...]:
        """In order of execution."""
        return tuple(step.exit_name for step in self.steps)

    def contradictions(self) -> Iterator[str]:
        """Why `load_steps` could not do with it, as far as can be told without the files.

        Raises:
            UserError: An unknown backend, or batch sizes that cannot be.
        """
        if self.dtype not in _dtype_names(self.backend):
            yield f'dtype is {self.dtype!r}, which {self.backend} has not'
        sizes = rising_sizes(self.batch_sizes)
        if not self.steps:
            yield 'there are no steps'
        for step in self.steps:
            if not step.outputs:
                yield f'the step to {step.exit_name} has no outputs'
            for size in sizes if step.file is None else ():
                if str(size) not in step.files_by_size:
                    yield f'the step to {step.exit_name} has no file for batches of {size}'


def save_steps(
    network: nn.Module,
    folder: Path,
    backend: str,
    dtype: str = 'float32',
    batch_sizes: Sequence[int] = BATCH_SIZES,
    image_size: int | Sequence[int] | None = None,
) -> StepsRecord:
    """Write every step of a network to files.

    A step is one graph for batches of any size, so that its weights are on disk once, and what runs
    it is made for the sizes when it is loaded. Where torch cannot export it so, there is a file for
    each size.

    Args:
        network: A `MultiExitNetwork` on the CPU.
        folder: Where the files go.
        backend: See `FORMATS`.
        dtype: Of the arithmetic, ``float32`` or ``bfloat16``; logits are float32 in any case.
        batch_sizes: Samples in the batches that the steps will be run in; a sample of a network
            that sees the frames of a clip together is a clip.
        image_size: Side of square images or (height, width); None for the network's own size.

    Raises:
        UserError: An unknown backend, sizes or types that cannot be, or a missing package.
    """
    form, names = step_format(backend), _dtype_names(backend)
    if dtype not in names:
        raise UserError(f'dtype={dtype!r}: for {backend} choose one of {", ".join(names)}')
    sizes = rising_sizes(batch_sizes)
    converted = _DTYPES[dtype] if form.converts else torch.float32
    network = frozen_copy(network, converted)
    size = network.backbone.image_size if image_size is None else image_size
    height, width = (size, size) if isinstance(size, int) else size

    def examples(samples: int) -> list[ExampleStep]:
        images = torch.zeros(samples * network.num_segments, 3, height, width)
        return example_steps(network, images, converted)

    records = []
    with torch.no_grad():
        # Two samples: what holds for one might hold for one alone.
        for k, (name, step) in enumerate(zip(network.exit_names, examples(2), strict=True)):
            stem = f'step{k}_{name}'
            file = _save_any_size(step, folder / f'{stem}{form.suffix}', form, network.num_segments)
            by_size = {}
            for samples in () if file else sizes:
                path = folder / f'{stem}_batch{samples}{form.suffix}'
                form.write(export_step(examples(samples)[k], None), path)
                by_size[str(samples)] = path.name
            exits_before = network.exit_names[:k]
            records.append(_record(step, name, exits_before, file, by_size))
    return StepsRecord(backend, dtype, list(sizes), network.num_segments, [height, width], records)


def load_steps(
    record: StepsRecord, folder: Path, device: torch.device, threads: int | None = None
) -> CompiledSteps:
    """Make saved steps ready to run.

    Args:
        record: What `save_steps` returned.
        folder: Where the files are.
        device: To run on.
        threads: Threads of a CPU; None leaves the backend's own choice.

    Raises:
        UserError: An unknown backend, a missing package, or a file that cannot be loaded.
    """
    form = step_format(record.backend)
    if form.cpu_only and device.type != 'cpu':
        raise UserError(
            f"steps saved for {record.backend} run on CPUs, not on {device}: give device='cpu', or "
            'export with --backend torch_export'
        )
    options = BackendOptions(_DTYPES[record.dtype], threads)
    graphs: list[dict[int, Run]] = []
    with torch.no_grad(), on_threads(threads):
        for step in record.steps:
            runs: dict[int, Run] = {}
            for name, sizes in _sizes_by_file(step, record.batch_sizes).items():
                images = [size * record.num_segments for size in sizes]
                try:
                    runs |= form.read(folder / name, images, device, options)
                except UserError:
                    raise
                except Exception as error:  # the packages raise whatever they like
                    raise UserError(
                        f'{folder / name} cannot be loaded: {error}. Install the versions that '
                        'the manifest names, or export again with those that are installed'
                    ) from error
            graphs.append(runs)
    height, width = record.image_size
    return CompiledSteps(
        NetworkInterface(record.exit_names, record.num_segments),
        record.backend,
        options,
        (height, width),
        graphs,
        [tuple(value.name for value in step.outputs[:-1]) for step in record.steps],
    )


def _save_any_size(
    step: ExampleStep, path: Path, form: StepFormat, images_per_sample: int
) -> str | None:
    """Write a step for batches of any size; the file's name, or None if it cannot be exported."""
    try:
        program = export_step(step, images_per_sample)
    except Exception as error:  # torch raises whatever it likes where the size of a batch is fixed
        _logger.warning(
            'the step %s cannot be exported for batches of any size, so there will be a file, with '
            'all of its weights, for each batch size: %s',
            path.stem,
            textwrap.shorten(f'{type(error).__name__}: {error}', 300),
        )
        return None
    form.write(program, path)
    return path.name


def _dtype_names(backend: str) -> list[str]:
    dtypes = step_format(backend).dtypes
    return [name for name, value in _DTYPES.items() if value in dtypes]


def _sizes_by_file(step: StepRecord, batch_sizes: Sequence[int]) -> dict[str, list[int]]:
    if step.file is not None:
        return {step.file: list(batch_sizes)}
    return {step.files_by_size[str(size)]: [size] for size in batch_sizes}


def _record(
    step: ExampleStep,
    exit_name: str,
    exits_before: Sequence[str],
    file: str | None,
    files_by_size: dict[str, str],
) -> StepRecord:
    *entries, logits = step.graph(*step.inputs)
    names = [*step.graph.state_keys, *map(_logits_of, exits_before)]
    return StepRecord(
        exit_name=exit_name,
        inputs=_tensors(names, step.inputs),
        outputs=_tensors([*step.output_keys, _logits_of(exit_name)], [*entries, logits]),
        file=file,
        files_by_size=files_by_size,
    )


def _logits_of(exit_name: str) -> str:
    return f'logits of {exit_name}'


def _tensors(names: Sequence[str], values: Sequence[torch.Tensor]) -> list[TensorRecord]:
    pairs = zip(names, values, strict=True)
    return [TensorRecord(name, list(value.shape[1:])) for name, value in pairs]
