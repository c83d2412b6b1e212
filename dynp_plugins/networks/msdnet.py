"""MSDNet's backbone: dense layers at several scales at once, with exits on the coarsest scale.

Paper: "Multi-Scale Dense Networks for Resource Efficient Image Classification", arXiv 1703.09844
(ICLR 2018), section 4. The architecture is the published one; how it is cut into steps, the names
and the code are ours.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..errors import UserError
from .contract import ExitBackbone, State, check_images, check_switches
from .dense_layers import (
    STEM_STRIDES,
    BottleneckConv,
    ConvNormAct,
    check_exit_resolution,
    init_conv_network,
    numbered_exits,
    stem_layers,
)
from .lazy_plan import StepPlan, lazy_steps
from .msdnet_settings import LayerPlan, check_settings, plan_layers


class DenseUnit(nn.Module):
    """A layer at the finest scale: (B, C, H, W) -> (B, C + new, H, W)."""

    def __init__(self, channels: int, new_channels: int, bottleneck_factor: int):
        super().__init__()
        self.normal = BottleneckConv(channels, new_channels, bottleneck_factor)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.normal(x)], 1)


class DownDenseUnit(nn.Module):
    """A layer at a coarser scale; half of what it adds comes from the next finer scale.

    Args:
        finer_channels: Width of the finer map (B, C', 2H, 2W).
        channels: Width of the unit's own map (B, C, H, W).
        new_channels: Channels added, an even number.
        finer_bottleneck_factor: For the convolutions on the finer map.
        bottleneck_factor: For those on the unit's own.
    """

    def __init__(
        self,
        finer_channels: int,
        channels: int,
        new_channels: int,
        finer_bottleneck_factor: int,
        bottleneck_factor: int,
    ):
        super().__init__()
        half = new_channels // 2
        self.down = BottleneckConv(finer_channels, half, finer_bottleneck_factor, stride=2)
        self.normal = BottleneckConv(channels, half, bottleneck_factor)

    def forward(self, finer: Tensor, x: Tensor) -> Tensor:
        return torch.cat([x, self.down(finer), self.normal(x)], 1)


@dataclass(frozen=True)
class ScaleRow:
    """The first layer, a dense layer or a transition, at all the scales where it exists.

    Attributes:
        name: ``first``, ``layer1``, ``transition7``; a transition has its layer's number.
        scales: Its scales, 0 being the finest of the network.
    """

    name: str
    scales: range

    def node(self, scale: int) -> str:
        """The name of the unit at ``scale`` and of the map it makes."""
        return f'{self.name}_scale{scale}'

    @property
    def nodes(self) -> tuple[str, ...]:
        return tuple(self.node(scale) for scale in self.scales)


class MSDNetBackbone(ExitBackbone):
    """MSDNet, cut at the exits behind its blocks; they are called ``exit1``, ``exit2``, ...

    Exits read the coarsest scale, so the finer maps of the last layers before an exit serve only
    later exits. Lazy steps put these off: every map is computed at the first exit that depends on
    it, and never if none does (the paper's "lazy evaluation", section 4). Otherwise a step
    computes its whole block at all scales, which is how the published counts are made. Multiply-
    adds up to each exit::

        msdnet_cifar_step2_b7, millions, 32x32 images
            by block    15.0  25.2  36.7  45.9  56.9  66.5  75.4
            lazy        13.2  23.2  35.7  44.8  55.6  66.5  75.4
            saved in %  11.4   7.9   2.8   2.5   2.3   0.0   0.0
        msdnet_imagenet_step4, millions, 224x224 images
            by block     337   682  1004  1250  1356
            lazy         254   611   960  1250  1356
            saved in %  24.8  10.3   4.3   0.0   0.0

    Args:
        stem: ``'cifar'``, a 3x3 convolution, or ``'imagenet'``, which divides the size by 4.
        num_blocks: Number of blocks and exits.
        base: Layers in the first block.
        step: Layers in a later block, or what they are counted from.
        step_mode: ``'even'``: ``step`` layers in each; ``'lin_grow'``: ``step * i + 1`` in the
            i-th later block.
        num_scales: Number of scales; each has half the size of the one before.
        channels: Width of the first layer.
        growth_rate: Channels each layer adds.
        growth_factor: Per scale, multiplies ``channels`` and ``growth_rate``.
        bottleneck_factor: Per scale, width of the 1x1 convolutions that read it, as a multiple of
            the 3x3 ones behind them.
        reduction: Share of the channels a transition keeps; with 0 there are no transitions.
        prune: When the finest scales end: ``'max'`` ends them at equal intervals, with a
            transition each; ``'min'`` only where no later exit could use them, with transitions
            after one and two thirds of the layers.
        lazy: Whether steps compute no more than their exit needs; may be set anew. Weights and
            answers are the same either way; gradients are too, unless `rescale_gradients` weights
            them by step.

    Raises:
        UserError: A setting that is not possible.
    """

    def __init__(
        self,
        stem: str,
        num_blocks: int,
        base: int,
        step: int,
        step_mode: str,
        num_scales: int,
        channels: int,
        growth_rate: int,
        growth_factor: Sequence[int],
        bottleneck_factor: Sequence[int],
        reduction: float,
        prune: str,
        lazy: bool = True,
    ):
        super().__init__()
        schedule = dict(
            num_blocks=num_blocks,
            base=base,
            step=step,
            step_mode=step_mode,
            num_scales=num_scales,
            reduction=reduction,
            prune=prune,
        )
        widths = dict(
            stem=stem,
            channels=channels,
            growth_rate=growth_rate,
            growth_factor=growth_factor,
            bottleneck_factor=bottleneck_factor,
        )
        check_settings(schedule | widths)
        self.num_scales = num_scales
        self.image_size = 32 if stem == 'cifar' else 224
        self.exit_stride = STEM_STRIDES[stem] * 2 ** (num_scales - 1)
        self.exit_names = numbered_exits(num_blocks)
        self.units = nn.ModuleDict()
        self.inputs: dict[str, tuple[str, ...]] = {}
        self._growth_factor = tuple(growth_factor)
        self._bottleneck_factor = tuple(bottleneck_factor)

        row, width = self._add_first_layer(stem, channels), channels
        self.blocks: tuple[tuple[ScaleRow, ...], ...] = ()
        exit_channels = []
        for layers in plan_layers(**schedule):
            rows = [] if self.blocks else [row]
            for layer in layers:
                row = self._add_layer(layer, row, width, growth_rate)
                width += growth_rate
                rows.append(row)
                if layer.with_transition:
                    row = self._add_transition(layer, row, width, reduction)
                    width = math.floor(reduction * width)
                    rows.append(row)
            self.blocks += (tuple(rows),)
            exit_channels.append(width * growth_factor[-1])
        self.exit_channels = tuple(exit_channels)
        self._exits = tuple(block[-1].node(num_scales - 1) for block in self.blocks)
        check_switches(lazy=lazy)
        self.lazy = lazy
        self._plans = {True: self._lazy_plan(), False: self._block_plan()}
        init_conv_network(self)

    def start(self, images: Tensor) -> State:
        """The maps of the first layer, images (B, 3, H, W) at every scale.

        The first exit depends on all of them: each scale is made from the one before, and the
        coarsest is part of what every exit reads.
        """
        check_images(images)
        check_exit_resolution('MSDNet', images, self.exit_stride)
        maps: State = {}
        x = images.contiguous(memory_format=self.memory_format)
        for name in self._plan[0].compute:
            maps[name] = x = self.units[name](x)
        return {name: maps[name] for name in self._plan[0].carry}

    def step(self, k: int, state: State) -> tuple[State, Tensor]:
        """See `ExitBackbone.step`; the feature is the coarsest map (B, C, H, W) of block ``k``."""
        plan, maps = self._plan[k + 1], dict(state)
        for name in plan.compute:
            maps[name] = self.units[name](*(maps[read] for read in self.inputs[name]))
        return {name: maps[name] for name in plan.carry}, maps[self._exits[k]]

    @property
    def _plan(self) -> tuple[StepPlan, ...]:
        return self._plans[self.lazy]

    def _lazy_plan(self) -> tuple[StepPlan, ...]:
        return lazy_steps(self.inputs, self.blocks[0][0].nodes, self._exits)

    def _block_plan(self) -> tuple[StepPlan, ...]:
        """Block by block at all scales, as the published code runs and counts.

        The last block's finer maps are handed on as well, though no exit depends on them, so that
        a cost counter sees them.
        """
        rows = [self.blocks[0][:1], self.blocks[0][1:], *self.blocks[1:]]
        return tuple(
            StepPlan(tuple(name for row in block for name in row.nodes), block[-1].nodes)
            for block in rows
        )

    def _add(self, node: str, unit: nn.Module, *inputs: str) -> None:
        self.units[node] = unit
        self.inputs[node] = inputs

    def _add_first_layer(self, stem: str, channels: int) -> ScaleRow:
        row = ScaleRow('first', range(self.num_scales))
        widths = [channels * factor for factor in self._growth_factor]
        self._add(row.node(0), stem_layers(stem, widths[0]))
        for scale in row.scales[1:]:
            unit = ConvNormAct(widths[scale - 1], widths[scale], stride=2)
            self._add(row.node(scale), unit, row.node(scale - 1))
        return row

    def _add_layer(
        self, layer: LayerPlan, before: ScaleRow, width: int, growth_rate: int
    ) -> ScaleRow:
        """Add a dense layer; ``width`` is that of the row before it at a growth factor of 1."""
        scales = range(self.num_scales - layer.kept_scales, self.num_scales)
        row = ScaleRow(f'layer{layer.number}', scales)
        growth, bottleneck = self._growth_factor, self._bottleneck_factor
        for scale in row.scales:
            new = growth_rate * growth[scale]
            if scale - 1 in before.scales:
                unit = DownDenseUnit(
                    width * growth[scale - 1],
                    width * growth[scale],
                    new,
                    bottleneck[scale - 1],
                    bottleneck[scale],
                )
                self._add(row.node(scale), unit, before.node(scale - 1), before.node(scale))
            else:
                unit = DenseUnit(width * growth[scale], new, bottleneck[scale])
                self._add(row.node(scale), unit, before.node(scale))
        return row

    def _add_transition(
        self, layer: LayerPlan, before: ScaleRow, width: int, reduction: float
    ) -> ScaleRow:
        """Add 1x1 convolutions that keep ``reduction`` of the channels at every scale."""
        kept_width = math.floor(reduction * width)
        if kept_width < 1:
            raise UserError(
                f'reduction={reduction!r} leaves none of {width} channels: give a larger share, or '
                'more channels'
            )
        row = ScaleRow(f'transition{layer.number}', before.scales)
        for scale in row.scales:
            factor = self._growth_factor[scale]
            unit = ConvNormAct(width * factor, kept_width * factor, kernel_size=1)
            self._add(row.node(scale), unit, before.node(scale))
        return row
