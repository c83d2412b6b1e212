"""What runs a step's graph: torch itself, torch.compile, OpenVINO, ONNX Runtime.

A backend is a function that takes an `ExampleStep` and `BackendOptions` and returns what runs that
step for batches of exactly the example's size, in `Run`'s form.
"""

import importlib
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from ...errors import UserError
from .step_graph import ExampleStep

Run = Callable[[tuple[Tensor, ...]], Sequence[Tensor]]
"""A compiled step: its inputs in, its outputs out; they may be overwritten by its next call."""


@dataclass(frozen=True)
class BackendOptions:
    """How a step is to run.

    Attributes:
        dtype: Of the arithmetic, float32, bfloat16 or float16.
        threads: Threads of a CPU; None leaves it to the backend.
    """

    dtype: torch.dtype
    threads: int | None


def eager(step: ExampleStep, options: BackendOptions) -> Run:
    """Torch as it is, operator by operator."""
    return lambda inputs: step.graph(*inputs)


def inductor(step: ExampleStep, options: BackendOptions) -> Run:
    """``torch.compile`` with frozen weights; on a GPU with CUDA graphs."""
    on_gpu = step.inputs[0].device.type == 'cuda'
    settings = {'triton.cudagraphs': True} if on_gpu else {'freezing': True}
    # An exported graph has code of its own; of one and the same code only so many are compiled.
    graph = _exported(step).module()
    compiled = torch.compile(graph, fullgraph=True, dynamic=False, options=settings)

    def run(inputs: tuple[Tensor, ...]) -> Sequence[Tensor]:
        if not on_gpu:
            return compiled(*inputs)
        # A graph's outputs lie where the outputs of any other graph may come to lie.
        torch.compiler.cudagraph_mark_step_begin()
        return [value.clone() for value in compiled(*inputs)]

    try:
        run(step.inputs)
    except Exception as error:
        if 'compiler' not in str(error).lower():
            raise
        raise UserError(
            'backend="inductor" needs a C++ compiler for CPUs, which was not found or does not '
            'work (Debian and Ubuntu: apt install g++; or set CXX). '
            f'Torch says: {str(error).strip().splitlines()[0]}'
        ) from error
    return run


def openvino(step: ExampleStep, options: BackendOptions) -> Run:
    """OpenVINO on a CPU."""
    import_openvino()  # before the export, which takes a while
    _require_cpu('openvino', step)
    return openvino_run(openvino_model(_exported(step)), options)


def import_openvino() -> ModuleType:
    """The package, told to keep to itself what it does.

    It reports every conversion to its makers unless a user has declined; without its telemetry
    package it does not, and so that package is kept from it where it is imported here.
    """
    if 'openvino' not in sys.modules:
        sys.modules.setdefault('openvino_telemetry', None)  # an import of it fails
    return require('openvino', 'openvino')


def openvino_model(program: torch.export.ExportedProgram, any_batch: bool = False) -> Any:
    """An ``openvino.Model`` with the sizes of the program's example inputs.

    The conversion leaves them open, which makes every call slower.

    Args:
        program: Batch first.
        any_batch: Leave the size of the batch open.
    """
    model = import_openvino().convert_model(program)
    shapes = {}
    for value, example in zip(model.inputs, program.example_inputs[0], strict=True):
        shapes[value] = [-1 if any_batch else len(example), *example.shape[1:]]
    model.reshape(shapes)
    return model


def openvino_run(model: Any, options: BackendOptions) -> Run:
    """Run an ``openvino.Model`` on the CPU.

    Inputs are copied to where the graph was made to read them: with others it would begin every
    call by looking at them.

    Args:
        model: All its inputs have known sizes.
        options: How.
    """
    settings: dict[str, Any] = {
        'NUM_STREAMS': 1,
        'INFERENCE_PRECISION_HINT': 'bf16' if options.dtype == torch.bfloat16 else 'f32',
    }
    if options.threads is not None:
        settings['INFERENCE_NUM_THREADS'] = options.threads
    if _has_as_many_heads_as_tokens(model):
        # OpenVINO's fused attention (2026.4, bfloat16) then mixes up the two, without a word.
        settings['SNIPPETS_MODE'] = 'DISABLE'
    core = import_openvino().Core()
    request = core.compile_model(model, 'CPU', settings).create_infer_request()
    places = [torch.from_numpy(tensor.data) for tensor in request.input_tensors]

    def run(inputs: tuple[Tensor, ...]) -> Sequence[Tensor]:
        for place, value in zip(places, inputs, strict=True):
            place.copy_(value)
        request.infer()
        return [torch.from_numpy(tensor.data) for tensor in request.output_tensors]

    return run


def _has_as_many_heads_as_tokens(model: Any) -> bool:
    """Whether an ``openvino.Model`` has an attention of (B, heads, L, d) with L heads."""
    queries = (
        operation.input(0).get_partial_shape()
        for operation in model.get_ops()
        if operation.get_type_name() == 'ScaledDotProductAttention'
    )
    return any(shape[1] == shape[2] for shape in queries)


def onnxruntime(step: ExampleStep, options: BackendOptions) -> Run:
    """ONNX Runtime on a CPU."""
    require('onnxruntime', 'onnxruntime')
    require('onnxscript', 'onnxruntime')
    _require_cpu('onnxruntime', step)
    if options.dtype != torch.float32:
        raise UserError(
            'backend="onnxruntime" runs in float32 on CPUs; for bfloat16 choose openvino or '
            'inductor'
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'step.onnx'
        export_onnx(step, path)
        return onnxruntime_run(path, options)


def onnxruntime_run(path: Path, options: BackendOptions) -> Run:
    """Run an ONNX file on the CPU; the file is not needed afterwards."""
    runtime = require('onnxruntime', 'onnxruntime')
    settings = runtime.SessionOptions()
    settings.log_severity_level = 3
    if options.threads is not None:
        settings.intra_op_num_threads = options.threads
    session = runtime.InferenceSession(str(path), settings, providers=['CPUExecutionProvider'])
    names = [value.name for value in session.get_inputs()]

    def run(inputs: tuple[Tensor, ...]) -> Sequence[Tensor]:
        feed = dict(zip(names, (value.contiguous().numpy() for value in inputs), strict=True))
        return [torch.from_numpy(value) for value in session.run(None, feed)]

    return run


BACKENDS: dict[str, Callable[[ExampleStep, BackendOptions], Run]] = {
    'eager': eager,
    'inductor': inductor,
    'openvino': openvino,
    'onnxruntime': onnxruntime,
}
"""Backends by name."""


def export_onnx(step: ExampleStep, path: Path) -> None:
    """Write a step as an ONNX file, weights included."""
    torch.onnx.export(
        step.graph, step.inputs, str(path), dynamo=True, verbose=False, external_data=False
    )


def require(module: str, extra: str) -> ModuleType:
    """Import an optional package.

    Raises:
        UserError: It is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UserError(
            f'backend="{extra}" needs the package {module}, which cannot be imported ({error}): '
            f"pip install 'dynp-plugins[{extra}]', in a checkout pip install -e '.[{extra}]'"
        ) from error


def _exported(step: ExampleStep) -> torch.export.ExportedProgram:
    return torch.export.export(step.graph, step.inputs)


def _require_cpu(backend: str, step: ExampleStep) -> None:
    device = step.inputs[0].device
    if device.type != 'cpu':
        raise UserError(
            f'backend="{backend}" runs on CPUs, and the network is on {device}: move it with '
            'network.cpu(), or choose inductor'
        )
