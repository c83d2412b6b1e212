"""RANet's backbone: sub-networks from the lowest resolution to the highest, each with its exits.

Paper: "Resolution Adaptive Networks for Efficient Inference", arXiv 2003.07326 (CVPR 2020). The
architecture is the published one; how it is cut into steps, the names and the code are ours.
"""

import itertools
import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from ..errors import UserError
from .contract import ExitBackbone, State, check_images
from .dense_layers import (
    STEM_STRIDES,
    ConvNormAct,
    check_exit_resolution,
    init_conv_network,
    numbered_exits,
    stem_layers,
)
from .ranet_blocks import FusionBlock, NormalBlock, Prefix

_STEP_MODES = ('even', 'lg')


class RANetBackbone(ExitBackbone):
    """Sub-networks of rising resolution; each fuses the features of the one before it.

    Sub-network ``s`` has ``num_blocks + block_step * s`` blocks. As many as the one before has are
    fusion blocks; the others follow, and behind each of them is an exit.

    No switch makes the steps lazy, for there is nothing to leave out: in the published order of
    execution, whatever has run when an exit answers is needed by that very exit or by one before.
    The input maps are made from the highest resolution to the lowest, each of the one before it;
    sub-network ``s`` reads the features of all layers of sub-network ``s - 1``; and everything
    else of that one has been needed by its own last exit. So the comparable published counts are
    those of our steps. Millions of multiply-adds (convolutions, linear layers) up to each exit:

    - ``ranet_cifar_1233`` at 32x32: 15.74, 31.17, 44.46, 50.15, 60.31, 63.30, 89.52, 94.25
    - ``ranet_imagenet_c32`` at 224x224: 245, 630, 858, 1039, 1866, 2157, 2729, 2823
    - ``ranet_imagenet_c64`` at 224x224: 432, 886, 1150, 1349, 2275, 2584, 3228, 3326

    The authors' counter adds one per input of a ReLU, kernel elements per output of a pooling and
    one per bias of a linear layer, 0.2 to 0.7 % in all. Only resizes of a map to the size it has
    are left out; they change no value and no such count.

    Args:
        stem: ``cifar``, a 3x3 convolution, or ``imagenet``, a 7x7 one and pooling, to a quarter of
            the resolution.
        scale_list: The resolution each sub-network starts from: 1 is the lowest, each further
            number twice the one before. Starts at 1 and rises by 0 or 1.
        growth_factor: Per sub-network, multiplies ``channels`` and ``growth_rate``.
        bottleneck_factor: Per sub-network, the width of its bottlenecks, see `BottleneckConv`.
        channels: Channels of the input maps.
        growth_rate: Channels that each layer appends.
        num_blocks: Blocks of the first sub-network.
        block_step: Further blocks of each further sub-network.
        step: Layers of the first block.
        step_mode: ``even``: every block has ``step`` layers; ``lg``: the b-th has ``b * step``.
        compress_factor: Fraction of a fusion layer's new channels that come from the sub-network
            before.
        reduction: Fraction of the channels that a transition keeps.

    Raises:
        UserError: A setting that is not possible.
    """

    def __init__(
        self,
        stem: str,
        scale_list: Sequence[int],
        growth_factor: Sequence[int],
        bottleneck_factor: Sequence[int],
        channels: int,
        growth_rate: int,
        num_blocks: int,
        block_step: int,
        step: int,
        step_mode: str,
        compress_factor: float,
        reduction: float,
    ):
        super().__init__()
        _check_choices(stem, step_mode)
        _check_numbers(
            channels=channels,
            growth_rate=growth_rate,
            num_blocks=num_blocks,
            block_step=block_step,
            step=step,
        )
        _check_fractions(compress_factor, reduction)
        _check_lists(scale_list, growth_factor, bottleneck_factor)
        _check_fusion(growth_rate, growth_factor, compress_factor)
        counts = [num_blocks + block_step * s for s in range(len(scale_list))]
        widths = [channels * factor for factor in growth_factor]

        self.first_layers = _first_layers(stem, scale_list, widths)
        self.sub_networks = nn.ModuleList()
        for s, scale in enumerate(scale_list):
            # Numbers of blocks; a sub-network of scale n halves its map n - 1 times, at the end of
            # as many of the last blocks whose number is that of a sub-network before.
            down = counts[:s][s - (scale - 1) :]
            transitions = {math.floor(i * counts[s] / scale) for i in range(1, scale)}
            blocks = nn.ModuleList()
            source = Prefix(0, widths[s])
            for b in range(1, counts[s] + 1):
                settings = dict(
                    source=source,
                    growth=growth_rate * growth_factor[s],
                    bottleneck_factor=bottleneck_factor[s],
                    reduction=reduction if b in transitions else None,
                )
                if s > 0 and b <= counts[s - 1]:
                    block = FusionBlock(
                        low_features=self.sub_networks[s - 1][b - 1].features,
                        compress_factor=compress_factor,
                        low_bottleneck_factor=bottleneck_factor[s - 1],
                        down=b in down,
                        **settings,
                    )
                else:
                    layers = step if step_mode == 'even' else step * b
                    block = NormalBlock(num_layers=layers, **settings)
                blocks.append(block)
                source = block.output
            self.sub_networks.append(blocks)

        # Per exit: its sub-network, and the first and last index of the blocks that its step runs.
        # The first exit of a sub-network comes behind its fusion blocks and the first normal one.
        self._steps: list[tuple[int, int, int]] = []
        for s, count in enumerate(counts):
            fusions = counts[s - 1] if s else 0
            self._steps += [(s, i if i > fusions else 0, i) for i in range(fusions, count)]
        self.exit_names = numbered_exits(len(self._steps))
        self.exit_channels = tuple(
            self.sub_networks[s][last].output.channels for s, _, last in self._steps
        )
        self.image_size = 32 if stem == 'cifar' else 224
        self._stride = STEM_STRIDES[stem] * 2 ** (scale_list[-1] - 1)
        init_conv_network(self)

    def start(self, images: Tensor) -> State:
        """The input map ``input0``, ``input1``, ... (B, C, H, W) of each sub-network.

        Raises:
            UserError: The images are too small or too large for the classifiers.
        """
        check_images(images)
        check_exit_resolution('RANet', images, self._stride)
        maps = [images.contiguous(memory_format=self.memory_format)]
        for layer in self.first_layers:
            maps.append(layer(maps[-1]))
        return {f'input{s}': x for s, x in enumerate(reversed(maps[1:]))}

    def step(self, k: int, state: State) -> tuple[State, Tensor]:
        """See `ExitBackbone.step`.

        The state holds the input maps of the sub-networks to come and, as ``map0``, ``map1``, ...,
        those of the current sub-network: all of them for the next sub-network to read, or only the
        last one where none follows.
        """
        s, first, last = self._steps[k]
        maps, low_maps = _maps(state), []
        if first == 0:
            maps, low_maps = [state[f'input{s}']], maps
        for block in self.sub_networks[s][first : last + 1]:
            maps[-1:] = block(maps[-1], low_maps)
        feature = maps[-1]
        if s == len(self.sub_networks) - 1:
            maps = maps[-1:] if k < len(self._steps) - 1 else []
        inputs = {f'input{t}': state[f'input{t}'] for t in range(s + 1, len(self.sub_networks))}
        return {**inputs, **{f'map{i}': x for i, x in enumerate(maps)}}, feature


def _maps(state: State) -> list[Tensor]:
    return [state[f'map{i}'] for i in range(sum(name.startswith('map') for name in state))]


def _first_layers(stem: str, scale_list: Sequence[int], widths: Sequence[int]) -> nn.ModuleList:
    """One layer per sub-network, highest resolution first; each reads what the one before made."""
    layers = [stem_layers(stem, widths[-1])]
    for s in range(len(scale_list) - 2, -1, -1):
        stride = 1 if scale_list[s] == scale_list[s + 1] else 2
        layers.append(ConvNormAct(widths[s + 1], widths[s], stride=stride))
    return nn.ModuleList(layers)


def _check_choices(stem: Any, step_mode: Any) -> None:
    for name, value, choices in (
        ('stem', stem, tuple(STEM_STRIDES)),
        ('step_mode', step_mode, _STEP_MODES),
    ):
        if value not in choices:
            raise UserError(f'{name}={value!r}: give one of {", ".join(choices)}')


def _check_numbers(**settings: Any) -> None:
    for name, value in settings.items():
        if not isinstance(value, int) or value < 1:
            raise UserError(f'{name}={value!r}: give a whole number of at least 1')


def _check_fractions(compress_factor: Any, reduction: Any) -> None:
    if not isinstance(compress_factor, int | float) or not 0 < compress_factor < 1:
        raise UserError(
            f'compress_factor={compress_factor!r}: give a number between 0 and 1, such as 0.25'
        )
    if not isinstance(reduction, int | float) or not 0 < reduction <= 1:
        raise UserError(
            f'reduction={reduction!r}: give a number above 0 and at most 1, such as 0.5'
        )


def _check_lists(scale_list: Any, growth_factor: Any, bottleneck_factor: Any) -> None:
    for name, value in (
        ('scale_list', scale_list),
        ('growth_factor', growth_factor),
        ('bottleneck_factor', bottleneck_factor),
    ):
        if (
            not isinstance(value, Sequence)
            or not value
            or not all(isinstance(number, int) and number >= 1 for number in value)
        ):
            raise UserError(
                f'{name}={value!r}: give one whole number of at least 1 for each sub-network, such '
                'as (1, 2, 3)'
            )
        if len(value) != len(scale_list):
            raise UserError(
                f'{name}={tuple(value)} has {len(value)} entries, but '
                f'scale_list={tuple(scale_list)} has {len(scale_list)}: give one for each '
                'sub-network'
            )
    rises = [later - earlier for earlier, later in itertools.pairwise(scale_list)]
    if scale_list[0] != 1 or not set(rises) <= {0, 1}:
        raise UserError(
            f'scale_list={tuple(scale_list)}: start at 1 and let each entry be the one before it '
            'or one more, such as (1, 2, 3, 3)'
        )


def _check_fusion(growth_rate: int, growth_factor: Sequence[int], compress_factor: float) -> None:
    for factor in growth_factor[1:]:
        if math.floor(growth_rate * factor * compress_factor) < 1:
            raise UserError(
                f'compress_factor={compress_factor!r} of growth_rate * growth_factor = '
                f'{growth_rate * factor} new channels is less than one: make one of them larger'
            )
