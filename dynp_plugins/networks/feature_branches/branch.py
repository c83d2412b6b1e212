"""What Dyn-Perceiver needs to know of a CNN: a stem, four stages and their widths."""

from collections.abc import Sequence

from torch import nn


class FeatureBranch(nn.Module):
    """A CNN cut into a stem and four stages.

    Args:
        stem: Images (B, 3, H, W) to the input of the first stage.
        stages: The four stages.
        channels: (C1, .., C4, C5): what enters stage 1 .. 4, and what the last stage returns.
    """

    def __init__(self, stem: nn.Module, stages: Sequence[nn.Module], channels: Sequence[int]):
        super().__init__()
        if len(stages) != 4 or len(channels) != 5:
            raise ValueError(
                f'a feature branch has 4 stages and 5 widths, not {len(stages)} and {len(channels)}'
            )
        self.stem = stem
        self.stages = nn.ModuleList(stages)
        self.channels = tuple(channels)
