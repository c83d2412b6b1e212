"""A network's start and its steps as modules with plain tensors in and out, for tracers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor, nn

from dynp_plugins.early_exit import fold_frames
from dynp_plugins.networks import MultiExitNetwork
from dynp_plugins.networks.shortcuts import without_shortcuts


class StartModule(nn.Module):
    """The ``start`` of a network: images in, the state's tensors out."""

    def __init__(self, network: MultiExitNetwork):
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.network.start(images).values())


class StepModule(nn.Module):
    """Step ``k`` of a network: the state's tensors and the logits so far in, all it makes out.

    Everything the step makes is returned, so that a tracer drops nothing as unused.
    """

    def __init__(self, network: MultiExitNetwork, k: int, state_keys: Sequence[str]):
        super().__init__()
        self.network = network
        self.k = k
        self.state_keys = state_keys

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        values, logits = tensors[: len(self.state_keys)], tensors[len(self.state_keys) :]
        state = dict(zip(self.state_keys, values, strict=True))
        state, exit_logits = self.network.step(self.k, state, logits)
        return (*state.values(), exit_logits)


@torch.no_grad()
def step_modules(
    network: MultiExitNetwork, input_shape: Sequence[int]
) -> Iterator[tuple[nn.Module, tuple[Tensor, ...]]]:
    """The start and then every step, each with the inputs that one black sample gives it.

    In each of them the network is called ``network``. It is used in the mode it is in and on the
    device it is on.

    Args:
        network: The network.
        input_shape: Of the sample: (channels, height, width) of a picture, or (frames, channels,
            height, width) of a video.
    """
    sample = torch.zeros(1, *input_shape, device=next(network.parameters()).device)
    images, _ = fold_frames(sample)
    yield StartModule(network), (images,)
    state, logits = network.start(images), []
    for k in range(len(network.exit_names)):
        yield StepModule(network, k, tuple(state)), (*state.values(), *logits)
        state, exit_logits = network.step(k, state, logits)
        logits.append(exit_logits)


@contextmanager
def as_in_inference(network: nn.Module, shortcuts: bool = False) -> Iterator[None]:
    """Put a network into eval mode for a while, as it is traced, without fused attention.

    Args:
        network: Its mode is restored.
        shortcuts: Whether it takes its shortcuts, instead of running as it was published.
    """
    training = network.training
    # What a module keeps of its weights in eval mode, as timm's LeViT does, it drops in train().
    network.train()
    network.eval()
    try:
        with without_fused_attention(), nullcontext() if shortcuts else without_shortcuts(network):
            yield
    finally:
        network.train(training)


@contextmanager
def without_fused_attention() -> Iterator[None]:
    """``nn.MultiheadAttention`` runs as the linear layers and products it consists of.

    Its fused operator says nothing of what it does.
    """
    fast_path = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast_path)
