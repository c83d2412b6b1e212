"""The files that a step can be saved in, and what runs them."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import signature
from pathlib import Path

import torch
from torch import Tensor
from torch.export import ExportedProgram
from torch.export.passes import move_to_device_pass

from ...errors import UserError
from .backends import (
    BackendOptions,
    Run,
    import_openvino,
    onnxruntime_run,
    openvino_model,
    openvino_run,
    require,
)


@dataclass(frozen=True)
class StepFormat:
    """A kind of files that hold a step.

    Attributes:
        suffix: Of the one that `read` takes.
        dtypes: Of the arithmetic that it can run in.
        converts: Whether weights are written in that type; otherwise what runs them converts.
        cpu_only: Whether it cannot run elsewhere.
        write: Writes an exported step; further files may come to lie beside it.
        read: Given the file, batch sizes in images, a device and options, what runs a batch of
            each size.
    """

    suffix: str
    dtypes: tuple[torch.dtype, ...]
    converts: bool
    cpu_only: bool
    write: Callable[[ExportedProgram, Path], None]
    read: Callable[[Path, Sequence[int], torch.device, BackendOptions], dict[int, Run]]


def _write_openvino(program: ExportedProgram, path: Path) -> None:
    model = openvino_model(program, any_batch=True)
    # The default would round the weights to float16.
    import_openvino().save_model(model, path, compress_to_fp16=False)


def _read_openvino(
    path: Path, sizes: Sequence[int], device: torch.device, options: BackendOptions
) -> dict[int, Run]:
    core, runs = import_openvino().Core(), {}
    for size in sizes:
        model = core.read_model(path)
        # For a size that is known it chooses other, quicker kernels.
        shapes = {value: value.get_partial_shape() for value in model.inputs}
        for shape in shapes.values():
            shape[0] = size
        model.reshape(shapes)
        runs[size] = openvino_run(model, options)
    return runs


def _write_onnx(program: ExportedProgram, path: Path) -> None:
    require('onnxscript', 'onnxruntime')
    torch.onnx.export(
        program, (), str(path), dynamo=True, verbose=False, external_data=False, optimize=True
    )


def _read_onnx(
    path: Path, sizes: Sequence[int], device: torch.device, options: BackendOptions
) -> dict[int, Run]:
    return dict.fromkeys(sizes, onnxruntime_run(path, options))


def _write_torch(program: ExportedProgram, path: Path) -> None:
    with warnings.catch_warnings():
        # Of weights that lie channels last it warns for the case that they are not on the CPU.
        warnings.filterwarnings('ignore', message='No complete tensor found in the group')
        torch.export.save(program, path)


def _read_torch(
    path: Path, sizes: Sequence[int], device: torch.device, options: BackendOptions
) -> dict[int, Run]:
    program = torch.export.load(path)
    if device.type != 'cpu':
        program = move_to_device_pass(program, device)
    # Its guards hold for the example that was exported, such as that there is not one clip alone;
    # whether other sizes give the right answers is measured when the steps are saved.
    can_leave_out = 'check_guards' in signature(program.module).parameters  # older torch has none
    module = program.module(**({'check_guards': False} if can_leave_out else {}))

    def run(inputs: tuple[Tensor, ...]) -> Sequence[Tensor]:
        return module(*inputs)

    return dict.fromkeys(sizes, run)


FORMATS: dict[str, StepFormat] = {
    'openvino': StepFormat(
        suffix='.xml',
        dtypes=(torch.float32, torch.bfloat16),
        converts=False,
        cpu_only=True,
        write=_write_openvino,
        read=_read_openvino,
    ),
    'onnx': StepFormat(
        suffix='.onnx',
        dtypes=(torch.float32,),
        converts=False,
        cpu_only=True,
        write=_write_onnx,
        read=_read_onnx,
    ),
    'torch_export': StepFormat(
        suffix='.pt2',
        dtypes=(torch.float32, torch.bfloat16),
        converts=True,
        cpu_only=False,
        write=_write_torch,
        read=_read_torch,
    ),
}
"""Formats by the names that ``tools/export.py --backend`` takes."""


def step_format(name: str) -> StepFormat:
    """The format of a name.

    Raises:
        UserError: There is none.
    """
    if name not in FORMATS:
        raise UserError(f'backend={name!r}: steps are saved for one of {", ".join(FORMATS)}')
    return FORMATS[name]
