"""`compile_steps`: a network whose every step is a compiled graph of a few fixed batch sizes."""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ...errors import UserError
from ...networks.inference_form import inference_form
from .backends import BACKENDS, BackendOptions, Run
from .micro_batches import run_in_micro_batches
from .step_graph import IMAGES, example_steps

DTYPES = (torch.float32, torch.bfloat16, torch.float16)
BATCH_SIZES = (1, 4, 16)
"""The largest so small that what lies between two layers stays in the cache of a CPU; the others
for what early exit leaves over.
"""


def compile_steps(
    network: nn.Module,
    backend: str = 'inductor',
    dtype: torch.dtype = torch.float32,
    batch_sizes: Sequence[int] = BATCH_SIZES,
    threads: int | None = None,
    image_size: int | Sequence[int] | None = None,
) -> 'CompiledSteps':
    """Compile every step of a network for a few batch sizes.

    What is compiled is a copy in its `inference_form`: the network stays as it is, and later
    changes of its weights do not reach the copy. Batches of any size can be run; they are cut into
    batches of the given sizes, so that no graph is made for a size that the data happen to bring.

    Args:
        network: A `MultiExitNetwork`, on the device to run on.
        backend: ``eager``, ``inductor``, ``openvino`` or ``onnxruntime``, see `BACKENDS`.
        dtype: Of weights and arithmetic; logits are float32 in any case.
        batch_sizes: Samples in a graph's batch; a sample of a network that sees the frames of a
            clip together is a clip.
        threads: Threads of a CPU; None leaves the backend's own choice.
        image_size: Side of square images or (height, width); None for the network's own size.

    Raises:
        UserError: An unknown backend, sizes or types that cannot be, or a missing package.

    Example:
        >>> steps = compile_steps(network.eval(), backend='openvino', threads=1)
        >>> result = EarlyExitEngine(steps, policy)(images)
    """
    if backend not in BACKENDS:
        raise UserError(f'backend={backend!r}: choose one of {", ".join(BACKENDS)}')
    if dtype not in DTYPES:
        names = ', '.join(str(one) for one in DTYPES)
        raise UserError(f'dtype={dtype!r}: choose one of {names}')
    sizes = rising_sizes(batch_sizes)
    if threads is not None and (not isinstance(threads, int) or threads < 1):
        raise UserError(f'threads={threads!r}: give a whole number of at least 1')
    converted = dtype if backend in ('eager', 'inductor') else torch.float32
    network = frozen_copy(network, converted)
    size = network.backbone.image_size if image_size is None else image_size
    height, width = (size, size) if isinstance(size, int) else size
    device = next(network.parameters()).device
    options = BackendOptions(dtype, threads)
    graphs: list[dict[int, Run]] = [{} for _ in network.exit_names]
    output_keys: list[tuple[str, ...]] = []
    with torch.no_grad(), on_threads(threads):
        for batch_size in sizes:
            images = torch.zeros(batch_size * network.num_segments, 3, height, width, device=device)
            examples = example_steps(network, images, converted)
            output_keys = [example.output_keys for example in examples]
            for k, example in enumerate(examples):
                graphs[k][len(images)] = BACKENDS[backend](example, options)
    interface = NetworkInterface(tuple(network.exit_names), network.num_segments)
    return CompiledSteps(interface, backend, options, (height, width), graphs, output_keys)


def frozen_copy(network: nn.Module, dtype: torch.dtype) -> nn.Module:
    """A copy in its `inference_form`, in its own memory format, of ``dtype``."""
    return inference_form(network).to(dtype=dtype, memory_format=network.backbone.memory_format)


def rising_sizes(batch_sizes: Sequence[int]) -> tuple[int, ...]:
    """Sizes of batches, each once.

    Raises:
        UserError: There is none, or one is no whole number of at least 1.
    """
    sizes = tuple(sorted(set(batch_sizes)))
    if not sizes or not all(isinstance(size, int) and size >= 1 for size in sizes):
        raise UserError(f'batch_sizes={batch_sizes!r}: give whole numbers of at least 1')
    return sizes


class NetworkInterface(NamedTuple):
    """What is to be known of a network whose steps are graphs.

    Attributes:
        exit_names: In order of execution.
        num_segments: Images that it sees together, see `ExitBackbone`.
    """

    exit_names: tuple[str, ...]
    num_segments: int


class CompiledSteps:
    """The steps of a network in compiled graphs; made by `compile_steps`, or loaded from files.

    It is a `SteppedNetwork`: what runs a network step by step, such as `EarlyExitEngine` and
    `EarlyExitStream`, runs this one alike.

    Attributes:
        backend, dtype, threads: As given.
        image_size: (height, width) of the images it takes.
        batch_sizes: Images in its graphs' batches, rising.
    """

    def __init__(
        self,
        interface: NetworkInterface,
        backend: str,
        options: BackendOptions,
        image_size: tuple[int, int],
        graphs: Sequence[dict[int, Run]],
        output_keys: Sequence[tuple[str, ...]],
    ):
        self.backend, self.dtype, self.threads = backend, options.dtype, options.threads
        self.image_size = image_size
        self.exit_names, self.num_segments = interface
        self.batch_sizes = tuple(graphs[0])
        self._graphs = graphs
        self._output_keys = output_keys

    def only(self, batch_sizes: Sequence[int]) -> 'CompiledSteps':
        """The same steps with some of their graphs alone; nothing is compiled.

        Args:
            batch_sizes: Samples in a graph's batch, of those that the steps were compiled for.
        """
        sizes = sorted(size * self.num_segments for size in batch_sizes)
        graphs = [{size: of_step[size] for size in sizes} for of_step in self._graphs]
        steps = copy.copy(self)
        steps.batch_sizes, steps._graphs = tuple(sizes), graphs
        return steps

    def start(self, images: Tensor) -> dict[str, Tensor]:
        """The images (B, 3, H, W) alone: what begins with them belongs to the first step.

        Raises:
            UserError: They have another size than the graphs were made for.
        """
        if tuple(images.shape[2:]) != self.image_size:
            size = ' x '.join(map(str, self.image_size))
            raise UserError(
                f'images of shape {tuple(images.shape)}: these steps were compiled for images of '
                f'{size}; compile them again with image_size={tuple(images.shape[2:])}'
            )
        return {IMAGES: images}

    def step(
        self, k: int, state: dict[str, Tensor], previous_logits: Sequence[Tensor]
    ) -> tuple[dict[str, Tensor], Tensor]:
        """See `SteppedNetwork`; the state behind the last exit is empty."""
        inputs = (*state.values(), *previous_logits)
        with torch.no_grad(), on_threads(self.threads):
            *entries, logits = run_in_micro_batches(inputs, self.batch_sizes, partial(self._run, k))
        return dict(zip(self._output_keys[k], entries, strict=True)), logits

    def __call__(self, images: Tensor) -> tuple[Tensor, ...]:
        """The logits (B, classes) of all exits, one small batch after the other."""
        state = self.start(images)
        with torch.no_grad(), on_threads(self.threads):
            return run_in_micro_batches(tuple(state.values()), self.batch_sizes, self._run_all)

    def _run(self, k: int, size: int, inputs: tuple[Tensor, ...]) -> Sequence[Tensor]:
        return self._graphs[k][size](inputs)

    def _run_all(self, size: int, inputs: tuple[Tensor, ...]) -> Sequence[Tensor]:
        logits: list[Tensor] = []
        for k in range(len(self.exit_names)):
            *entries, exit_logits = self._run(k, size, inputs)
            logits.append(exit_logits)
            inputs = (*entries, *logits)
        return logits


@contextmanager
def on_threads(threads: int | None) -> Iterator[None]:
    """Torch runs on so many threads of the CPU for a while; None changes nothing."""
    before = torch.get_num_threads()
    if threads in (None, before):
        yield
        return
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
