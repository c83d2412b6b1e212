"""What a detector's backbone, neck and head cost: multiply-adds of the calls that really run.

A detector predicts through methods of its parts, not by one ``forward``, and what a two-stage one
runs depends on the image. So its calls are watched: every call of a submodule that no other
submodule has made is counted by fvcore, as in `benchmarks.macs`. What runs outside submodules, as
decoding boxes and suppressing overlapping ones do, has no multiply-adds.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.utils._pytree import TreeSpec, tree_flatten
from torch.utils.hooks import RemovableHandle

from ..detection_records import PARTS
from ..macs import multiply_adds
from ..split_batches import evaluating
from .submodule_calls import Counts, count_call, first_regions, on_the_line, region_count, shape_of

_SMALL = (1, 2, 3)
"""So many regions are counted to see whether a cost grows on a straight line."""


@dataclass(frozen=True)
class PartMacs:
    """What one part of a detector has cost.

    Attributes:
        macs: Multiply-adds of convolutions, linear layers and matrix products.
        other_ops: What fvcore counts of normalisation, pooling and interpolation.
    """

    macs: int = 0
    other_ops: int = 0

    @property
    def with_norm(self) -> int:
        """Both, as detection papers quote them."""
        return self.macs + self.other_ops

    def __add__(self, other: 'PartMacs') -> 'PartMacs':
        return PartMacs(self.macs + other.macs, self.other_ops + other.other_ops)


def part_macs(by_operator: Counter[str]) -> PartMacs:
    """From fvcore's counts."""
    macs = multiply_adds(by_operator)
    return PartMacs(macs, by_operator.total() - macs)


def part_of(name: str) -> str:
    """The part of a detector that a module belongs to, from its name in the detector."""
    first = name.partition('.')[0]
    return first if first in PARTS else 'head'


class _Call(NamedTuple):
    """One kind of call of a submodule.

    Attributes:
        module: Its name in the detector.
        structure: How its inputs are nested.
        leaves: Shapes of the tensors in them, and what else there is.
        regions: Image regions that a part of a RoI head looks at, which are not in the shapes;
            None for other modules.
    """

    module: str
    structure: TreeSpec
    leaves: tuple[Any, ...]
    regions: int | None


class PartCounter:
    """Counts what a detector's parts do while it predicts.

        with PartCounter(detector) as counter:
            detector.test_step(data)
            costs = counter.take()

    Calls of a kind that was seen before (the same module, inputs of the same shapes) are not
    counted again, also when the counter is entered a second time. In a RoI head, whose calls come
    with any number of regions, 1, 2 and 3 regions are counted; where these lie on a straight line
    (no layer mixes regions), the real number is taken from it, else the call itself is counted.

    A call is counted just before it runs, on copies of its inputs; the detector and the random
    numbers stay as they are. Calls of the data preprocessor are no part of the detector.

    Args:
        detector: A detector of mmdet, on any device, counted in the mode it is in.
    """

    def __init__(self, detector: nn.Module):
        self.detector = detector
        self._counts: dict[_Call, Counts] = {}
        self._calls: Counter[_Call] = Counter()
        self._handles: list[RemovableHandle] = []
        self._depth = 0
        self._regions: int | None = None

    def __enter__(self) -> 'PartCounter':
        self._depth = 0
        for name, module in self.detector.named_modules():
            if name and name.partition('.')[0] != 'data_preprocessor':
                self._handles += self._watch(name, module)
        return self

    def __exit__(self, *error: object) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def take(self) -> dict[str, PartMacs]:
        """Costs by part, in the order of `PARTS`, of all that ran since the last take.

        A part that the detector lacks costs nothing.
        """
        parts = dict.fromkeys(PARTS, PartMacs())
        for call, times in self._calls.items():
            once = part_macs(self._counts[call][call.module])
            parts[part_of(call.module)] += PartMacs(times * once.macs, times * once.other_ops)
        self._calls.clear()
        self._regions = None
        return parts

    @property
    def regions(self) -> int | None:
        """Regions that a two-stage detector has looked at since the last take, else None."""
        return self._regions

    def modules(self) -> Counts:
        """What every module has done since the last take, the modules in it included."""
        counts: Counts = defaultdict(Counter)
        for call, times in self._calls.items():
            words = call.module.split('.')
            above = ['.'.join(words[:end]) for end in range(1, len(words))]
            called = dict(self._counts[call])
            called |= dict.fromkeys(above, called[call.module])
            for name, by_operator in called.items():
                for operator, count in by_operator.items():
                    counts[name][operator] += times * count
        return dict(counts)

    def _watch(self, name: str, module: nn.Module) -> list[RemovableHandle]:
        def enter(module: nn.Module, args: tuple, kwargs: dict) -> None:
            self._depth += 1  # first: while a call is counted, its module runs
            if self._depth == 1:
                self._record(name, module, args, kwargs)

        def leave(*_: object) -> None:
            self._depth -= 1

        return [
            module.register_forward_pre_hook(enter, with_kwargs=True),
            module.register_forward_hook(leave, always_call=True),
        ]

    def _record(self, name: str, module: nn.Module, args: tuple, kwargs: dict) -> None:
        regions = region_count(args, kwargs) if name.startswith('roi_head.') else None
        self._regions = self._regions or regions
        kind = first_regions(args, kwargs, None if regions is None else 0)
        leaves, structure = tree_flatten(kind)
        call = _Call(name, structure, tuple(shape_of(leaf) for leaf in leaves), regions)
        if call not in self._counts:
            self._counts[call] = self._count(call, module, args, kwargs)
        self._calls[call] += 1

    def _count(self, call: _Call, module: nn.Module, args: tuple, kwargs: dict) -> Counts:
        if call.regions is None or call.regions <= max(_SMALL):
            return count_call(call.module, module, args, kwargs)
        small = [call._replace(regions=regions) for regions in _SMALL]
        try:
            for kind in small:
                if kind not in self._counts:
                    some = first_regions(args, kwargs, kind.regions)
                    self._counts[kind] = count_call(call.module, module, *some)
        except (RuntimeError, AssertionError):  # it refuses fewer regions than it was made for
            return count_call(call.module, module, args, kwargs)
        counts = on_the_line([self._counts[kind] for kind in small], call.regions)
        return counts or count_call(call.module, module, args, kwargs)


@dataclass(frozen=True)
class PartCosts:
    """One part's cost for one image.

    Attributes:
        part: One of `PARTS`.
        cost: What it has computed.
        parameters: Numbers in its parameters, trained or frozen.
        by_operator: The cost, split by operator.
    """

    part: str
    cost: PartMacs
    parameters: int
    by_operator: dict[str, int]


@dataclass(frozen=True)
class ModuleCosts:
    """One module's cost for one image, the modules in it included.

    Attributes:
        name: Its name in the detector; ``''`` is the detector itself.
        cost: What has been computed in its ``forward``, or in that of modules in it.
        parameters: Numbers in its parameters.
    """

    name: str
    cost: PartMacs
    parameters: int

    @property
    def depth(self) -> int:
        """0 for the detector, 1 for its backbone, and so on."""
        return self.name.count('.') + 1 if self.name else 0


@dataclass(frozen=True)
class DetectorCosts:
    """What a detector costs for one image, to the boxes.

    Attributes:
        size: (height, width) of the image as the backbone gets it.
        parts: In the order of `PARTS`.
        modules: Every module that computes or has parameters, in the order of their definition.
        proposals: Regions that the second stage of a two-stage detector has looked at, which
            depend on image and weights; None for others.
    """

    size: tuple[int, int]
    parts: tuple[PartCosts, ...]
    modules: tuple[ModuleCosts, ...]
    proposals: int | None

    @property
    def costs(self) -> dict[str, PartMacs]:
        """By part."""
        return {part.part: part.cost for part in self.parts}

    @property
    def total(self) -> PartMacs:
        """Of all parts."""
        return sum(self.costs.values(), PartMacs())

    @property
    def parameters(self) -> int:
        """Of all parts."""
        return sum(part.parameters for part in self.parts)


@torch.no_grad()
def detector_costs(detector: nn.Module, size: tuple[int, int]) -> DetectorCosts:
    """Count one black image.

    Args:
        detector: A detector of mmdet, on any device; its mode is restored.
        size: (height, width) of the image as the network gets it; it is not resized or padded.

    Raises:
        UserError: It runs an operator that nobody has priced.
    """
    with evaluating(detector), PartCounter(detector) as counter:
        _predict_black_image(detector, size)
        proposals, counts, costs = counter.regions, counter.modules(), counter.take()
    parameters = part_parameters(detector)
    by_operator: dict[str, Counter[str]] = {part: Counter() for part in PARTS}
    for name, found in counts.items():
        if '.' not in name:
            by_operator[part_of(name)] += found
    parts = (
        PartCosts(part, costs[part], parameters[part], dict(sorted(by_operator[part].items())))
        for part in PARTS
    )
    counts[''] = sum(by_operator.values(), Counter())
    return DetectorCosts(tuple(size), tuple(parts), _module_costs(detector, counts), proposals)


def _module_costs(detector: nn.Module, counts: Counts) -> tuple[ModuleCosts, ...]:
    costs = [
        ModuleCosts(
            name,
            part_macs(counts.get(name, Counter())),
            sum(parameter.numel() for parameter in module.parameters()),
        )
        for name, module in detector.named_modules()
    ]
    return tuple(cost for cost in costs if cost.parameters or cost.cost.macs)


def part_parameters(detector: nn.Module) -> dict[str, int]:
    """Numbers in the parameters of each of `PARTS`, trained or frozen."""
    numbers = dict.fromkeys(PARTS, 0)
    for name, parameter in detector.named_parameters():
        numbers[part_of(name)] += parameter.numel()
    return numbers


def _predict_black_image(detector: nn.Module, size: tuple[int, int]) -> None:
    # Whoever has a detector has imported mmdet; others need not wait for it.
    from mmdet.structures import DetDataSample

    like = next(detector.parameters())
    shapes = dict.fromkeys(('img_shape', 'ori_shape', 'pad_shape', 'batch_input_shape'), size)
    sample = DetDataSample(metainfo={'img_id': 0, 'scale_factor': (1.0, 1.0), **shapes})
    detector.predict(like.new_zeros(1, 3, *size), [sample])
