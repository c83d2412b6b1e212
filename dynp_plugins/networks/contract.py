"""The contract of a multi-exit network: a backbone that advances in steps, and heads that read it.

One definition serves training, dynamic inference and cost counting, so they cannot drift apart.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import UserError
from .gradient_rescaling import scale_gradient

State = dict[str, Tensor]
"""What a backbone carries from step to step: batch-first tensors only, so that a batch can be
thinned by indexing every entry."""


def check_images(images: Tensor, channels: int = 3) -> None:
    """Refuse what no network can run on, such as a single or a grey picture, or bytes.

    Args:
        images: To be (B, channels, H, W), of any floating type.
        channels: What the network takes.

    Raises:
        UserError: They are something else.
    """
    if images.ndim != 4 or images.shape[1] != channels or not images.is_floating_point():
        type_name = str(images.dtype).removeprefix('torch.')
        raise UserError(
            f'images must be (B, {channels}, H, W) of floating point, not '
            f'{tuple(images.shape)} of {type_name}'
        )


def check_num_classes(num_classes: Any) -> None:
    """Refuse what is no number of classes.

    Raises:
        UserError: It is not a whole number of at least 1.
    """
    if not isinstance(num_classes, int) or isinstance(num_classes, bool) or num_classes < 1:
        raise UserError(f'num_classes={num_classes!r}: give a whole number of at least 1')


def check_switches(**switches: Any) -> None:
    """Refuse switches that are neither on nor off; a word such as 'false' would count as on.

    Raises:
        UserError: One is no bool.
    """
    for name, value in switches.items():
        if not isinstance(value, bool):
            raise UserError(f'{name}={value!r}: give True or False')


def check_exit_widths(in_channels: Sequence[int], exit_names: Sequence[str]) -> None:
    """Refuse heads that have not one width for each exit.

    Raises:
        UserError: There are more or fewer.
    """
    if len(in_channels) != len(exit_names):
        raise UserError(
            f'in_channels={tuple(in_channels)} has {len(in_channels)} widths, but the exits '
            f'are {tuple(exit_names)}: give one width for each exit'
        )


class ExitBackbone(nn.Module):
    """A feature extractor cut into steps, one per exit.

    Attributes:
        exit_names: The exits in order of execution. A later exit need not be a better one.
        exit_channels: Width of the feature each step hands to its head.
        image_size: Side of the square images that the network was designed for.
        num_segments: Images that the network sees together, the frames of one clip, which lie one
            behind the other in the batch; 1 where every image is on its own.
        memory_format: In which images enter, and all that follows then runs. With channels last,
            convolutions on CPUs, and on GPUs in half precision, are quicker, in training, too.
        rescale_gradients: Gradient rescaling in training: where n exits are still to come, exit
            ``k`` included, its gradient counts 1 / n and that of the later exits (n - 1) / n, so
            that the sum of many exits does not drown the early layers ("Improved Techniques for
            Training Adaptive Deep Networks", arXiv 1908.06294, section 3.2). What the heads hand
            to each other is not rescaled.
    """

    exit_names: tuple[str, ...]
    exit_channels: tuple[int, ...]
    image_size: int = 224
    num_segments: int = 1
    memory_format: torch.memory_format = torch.channels_last
    rescale_gradients: bool = False

    def start(self, images: Tensor) -> State:
        """Turn images (B, 3, H, W) into the state before the first step.

        Raises:
            UserError: See `check_images`.
        """
        raise NotImplementedError

    def step(self, k: int, state: State) -> tuple[State, Tensor]:
        """Run everything exit ``k`` needs beyond exit ``k - 1``.

        Args:
            k: Index into `exit_names`.
            state: The state `start` or the previous step returned; it is left untouched.

        Returns:
            The new state and exit ``k``'s feature, batch first.
        """
        raise NotImplementedError

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Run all steps and return the feature of every exit."""
        state = self.start(images)
        features = []
        for k in range(len(self.exit_names)):
            state, feature = self.step(k, state)
            if self.rescale_gradients:
                to_come = len(self.exit_names) - k
                feature = scale_gradient(feature, 1 / to_come)
                state = {
                    name: scale_gradient(value, 1 - 1 / to_come) for name, value in state.items()
                }
            features.append(feature)
        return tuple(features)


class ExitHeads(nn.Module):
    """One classifier per exit; a head may also read the logits of the exits before it."""

    exit_names: tuple[str, ...]
    in_channels: tuple[int, ...]

    def step(self, k: int, feature: Tensor, previous_logits: Sequence[Tensor]) -> Tensor:
        """Classify at exit ``k``.

        Args:
            k: Index into `exit_names`.
            feature: What the backbone's step ``k`` returned, batch first.
            previous_logits: Logits (B, classes) of the exits 0 .. k - 1.

        Returns:
            Logits (B, classes).
        """
        raise NotImplementedError

    def forward(self, features: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Turn the feature of every exit into the logits of every exit."""
        logits: list[Tensor] = []
        for k, feature in enumerate(features):
            logits.append(self.step(k, feature, logits))
        return tuple(logits)


class MultiExitNetwork(nn.Module):
    """A backbone with its heads.

    Example:
        >>> network = create_model('dyn_perceiver_regnety_tiny', num_classes=10).eval()
        >>> state, logits = network.start(images), []
        >>> for k, name in enumerate(network.exit_names):
        ...     state, exit_logits = network.step(k, state, logits)
        ...     logits.append(exit_logits)  # equals network(images)[k]

    Raises:
        UserError: The heads were built for other exits or widths than the backbone offers.
    """

    def __init__(self, backbone: ExitBackbone, heads: ExitHeads):
        super().__init__()
        if tuple(backbone.exit_names) != tuple(heads.exit_names):
            raise UserError(
                f'the backbone has the exits {backbone.exit_names}, the heads {heads.exit_names}'
            )
        if tuple(backbone.exit_channels) != tuple(heads.in_channels):
            raise UserError(
                f'the backbone offers exit_channels={backbone.exit_channels}, '
                f'the heads expect in_channels={heads.in_channels}'
            )
        self.backbone = backbone
        self.heads = heads

    @property
    def exit_names(self) -> tuple[str, ...]:
        return self.backbone.exit_names

    @property
    def num_segments(self) -> int:
        """Images that the network sees together, see `ExitBackbone`."""
        return self.backbone.num_segments

    def start(self, images: Tensor) -> State:
        """Turn images (B, 3, H, W) into the state before the first step."""
        return self.backbone.start(images)

    def step(self, k: int, state: State, previous_logits: Sequence[Tensor]) -> tuple[State, Tensor]:
        """Advance to exit ``k``: the new state and the logits (B, classes) of exit ``k``."""
        state, feature = self.backbone.step(k, state)
        return state, self.heads.step(k, feature, previous_logits)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """All exits: `start`, then every `step`; one (B, classes) tensor of logits per exit."""
        return self.heads(self.backbone(images))
