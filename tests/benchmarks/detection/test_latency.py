"""Times of detectors whose parts take invented time."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.detection.latency import (
    ROUND_IMAGES,
    DetectorContestant,
    images_needed,
    measure_detectors,
    time_parts,
)
from benchmarks.detection.timed_detectors import PreparedImage, TimedDetector
from benchmarks.detection_records import PARTS
from benchmarks.timing import RoundLimits, WallClock
from dynp_plugins.errors import UserError

CPU = torch.device('cpu')


class World:
    """Invented time, and what was run in it."""

    def __init__(self):
        self.now, self.log = 0.0, []

    @property
    def clock(self):
        return WallClock(lambda: self.now)


class Part(nn.Module):
    """Takes some seconds for every pixel, and a third of a second besides."""

    def __init__(self, world, seconds):
        super().__init__()
        self.world, self.seconds = world, seconds

    def forward(self, inputs):
        self.world.now += 1 / 3 + self.seconds * inputs.shape[-1]
        return inputs


class Sample:
    def __init__(self, index):
        self.index, self.found = index, []

    def clone(self):
        return copy.deepcopy(self)


class Detector(nn.Module):
    """Runs its parts, then takes two more seconds to find boxes."""

    def __init__(self, world, name='net', backbone=1.0, neck=0.5, head=0.25, looks=1):
        super().__init__()
        self.world, self.name, self.looks = world, name, looks
        self.backbone = Part(world, backbone)
        if neck is not None:
            self.neck = Part(world, neck)
        self.bbox_head = Part(world, head)
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, inputs, samples, mode):
        assert mode == 'predict'
        assert not torch.is_grad_enabled()
        (sample,) = samples
        assert sample.found == []  # a fresh one every time
        sample.found.append('box')
        self.world.log.append((self.name, inputs.shape[-1], sample.index))
        for _ in range(self.looks):
            inputs = self.backbone(inputs)
        inputs = self.neck(inputs) if hasattr(self, 'neck') else inputs
        self.bbox_head(inputs)
        self.world.now += 2


@pytest.fixture
def world(monkeypatch):
    monkeypatch.setattr('benchmarks.detection.latency.peak_memory_mb', lambda run, network, x: 7.0)
    return World()


def timed(detector, width=4, images=8, index=None):
    prepared = [
        PreparedImage(i, torch.zeros(1, 3, 2, width), Sample(i)) for i in index or range(images)
    ]
    key = (detector.name, f'{detector.name} config', f'{detector.name} weights')
    return TimedDetector(*key, detector, (width, 2), prepared)


def milliseconds(backbone, neck, head):
    return pytest.approx([1000 * backbone, 1000 * neck, 1000 * head])


def test_what_follows_the_neck_is_the_head(world):
    image = torch.zeros(1, 3, 2, 4)
    one = time_parts(Detector(world), image, Sample(0), world.clock)
    assert one == milliseconds(4 + 1 / 3, 2 + 1 / 3, 1 + 1 / 3 + 2)
    without = time_parts(Detector(world, neck=None), image, Sample(0), world.clock)
    assert without == milliseconds(4 + 1 / 3, 0, 1 + 1 / 3 + 2)
    twice = time_parts(Detector(world, looks=2), image, Sample(0), world.clock)
    assert twice == milliseconds(8 + 2 / 3, 2 + 1 / 3, 1 + 1 / 3 + 2)


def test_the_clock_is_taken_off_again_also_after_an_error(world):
    detector = Detector(world)
    time_parts(detector, torch.zeros(1, 3, 2, 4), Sample(0), world.clock)
    detector.bbox_head = None
    with pytest.raises(TypeError):
        time_parts(detector, torch.zeros(1, 3, 2, 4), Sample(0), world.clock)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in detector.modules())


def test_detectors_and_scales_take_turns_on_the_same_images(world):
    one, other = Detector(world, 'one'), Detector(world, 'other', backbone=2.0)
    scales = [timed(one, 4), timed(one, 8), timed(other, 4)]
    measured = measure_detectors(scales, RoundLimits(5, 2), CPU, world.clock)
    runs = [(name, width) for name, width, index in world.log if index in (0, 4)]
    a, b, c = ('one', 4), ('one', 8), ('other', 4)
    assert runs == [a, b, c] * 3 + [b, c, a, c, a, b, a, b, c, b, c, a]
    images = [index for name, width, index in world.log if (name, width) == ('one', 8)]
    assert images == [*range(8)] * 3 + [*range(4)]  # two rounds of warm-up, then the same again
    assert [(m.name, m.config_sha256, m.weights_sha256) for m in measured] == [
        ('one', 'one config', 'one weights'),
        ('other', 'other config', 'other weights'),
    ]
    (small, large), (wide,) = (m.points for m in measured)
    assert (small.scale, large.scale, wide.scale) == ([4, 2], [8, 2], [4, 2])
    for point, seconds in (
        (small, (4 + 1 / 3, 2 + 1 / 3, 3 + 1 / 3)),
        (large, (8 + 1 / 3, 4 + 1 / 3, 4 + 1 / 3)),
        (wide, (8 + 1 / 3, 2 + 1 / 3, 3 + 1 / 3)),
    ):
        assert list(point.parts_ms) == list(PARTS)
        assert list(point.parts_ms.values()) == milliseconds(*seconds)
        assert point.timing.p50_ms == pytest.approx(1000 * sum(seconds))
        assert point.timing.ms_per_image == point.timing.p50_ms
        assert (point.timing.batch_size, point.timing.batches_per_round) == (1, ROUND_IMAGES)
        assert len(point.timing.samples_ms) == 5 * ROUND_IMAGES
        assert point.timing.peak_memory_mb == 7.0
        assert point.images == 8
        assert point.data is None


def test_parts_are_medians_over_images_of_all_sizes(world):
    detector = Detector(world)
    model = timed(detector, images=8)
    widths = [1, 2, 3, 4, 5, 6, 7, 100]
    for image, width in zip(model.images, widths, strict=True):
        object.__setattr__(image, 'inputs', torch.zeros(1, 3, 2, width))
    (latency,) = measure_detectors([model], RoundLimits(6, 2), CPU, world.clock)
    (point,) = latency.points
    assert point.parts_ms['backbone'] == pytest.approx(1000 * (4.5 + 1 / 3), abs=1e-3)
    rounds = np.reshape(point.timing.samples_ms, (6, ROUND_IMAGES))
    assert point.timing.ms_per_image == pytest.approx(np.median(rounds.mean(1)))
    assert point.timing.p50_ms == pytest.approx(1000 * (1.75 * 4.5 + 3), abs=1e-3)


@pytest.mark.parametrize(
    ('images', 'rounds'),
    [
        (3, [[0, 1, 2]] * 4),
        (4, [[0, 1, 2, 3]] * 4),
        (6, [[0, 1, 2, 3], [4, 5, 0, 1]] * 2),
    ],
)
def test_few_images_are_used_again(world, images, rounds):
    run = DetectorContestant(timed(Detector(world), images=images), CPU, world.clock)
    assert [run(number).index.tolist() for number in range(4)] == rounds


def test_no_more_images_are_read_than_run():
    assert images_needed(RoundLimits(50, 4)) == 4 * ROUND_IMAGES
    assert images_needed(RoundLimits(50, 0)) == ROUND_IMAGES


def test_nothing_to_time(world):
    assert measure_detectors([], RoundLimits(5, 1), CPU, world.clock) == []


def test_the_largest_image_decides_on_memory(world, monkeypatch):
    seen = []
    monkeypatch.setattr(
        'benchmarks.detection.latency.peak_memory_mb',
        lambda run, network, inputs: seen.append(inputs.shape[-1]) or run(),
    )
    model = timed(Detector(world), images=4)
    object.__setattr__(model.images[2], 'inputs', torch.zeros(1, 3, 2, 9))
    measure_detectors([model], RoundLimits(5, 0), CPU, world.clock)
    assert seen == [9]


def test_a_detector_that_cannot_run_in_a_format(world):
    class Refuses(Detector):
        def forward(self, inputs, samples, mode):
            if inputs.dtype == torch.float16:
                raise RuntimeError('not implemented for Half')
            return super().forward(inputs, samples, mode)

    model = timed(Refuses(world))
    ready = model.prepared(CPU, torch.bfloat16, channels_last=True)
    assert {image.inputs.dtype for image in ready.images} == {torch.bfloat16}
    assert ready.images[0].inputs.is_contiguous(memory_format=torch.channels_last)
    assert model.detector.weight.dtype == torch.bfloat16
    with pytest.raises(UserError, match=r'net cannot run at 4x2 in float16 on cpu: not impl.*--dt'):
        model.prepared(CPU, torch.float16, channels_last=False)
