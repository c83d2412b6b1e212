"""What each image costs, and that a detector is watched only where that is not known."""

import pytest
import torch
from mmdet.structures import DetDataSample

from benchmarks.detection.image_costs import ImageCosts
from benchmarks.detection.part_costs import PartCounter, detector_costs

from .tiny_detectors import build


def image(height, width):
    sample = DetDataSample(
        metainfo={'img_id': 0, 'ori_shape': (height, width), 'img_shape': (height, width)}
        | {'scale_factor': (1.0, 1.0)}
    )
    generator = torch.Generator().manual_seed(height)
    pixels = torch.randint(256, (3, height, width), generator=generator, dtype=torch.uint8)
    return pixels, sample


@pytest.fixture
def watched(monkeypatch):
    """As often as a detector's modules are watched."""
    times, enter = [], PartCounter.__enter__

    def counted(self):
        times.append(self)
        return enter(self)

    monkeypatch.setattr(PartCounter, '__enter__', counted)
    return times


@torch.no_grad()
def test_only_the_first_image_of_a_size_is_watched(watched):
    detector = build('RetinaNet').eval()
    costs = ImageCosts(detector)
    sizes = [(64, 96), (64, 64), (64, 96), (60, 90), (64, 64)]
    found = [costs.detect(*image(*size)) for size in sizes]
    assert len(watched) == 3
    assert all(sample.pred_instances.bboxes.shape[1] == 4 for sample, _ in found)
    padded = [(64, 96), (64, 64), (64, 96), (64, 96), (64, 64)]
    assert [of_parts for _, of_parts in found] == [
        detector_costs(detector, size).costs for size in padded
    ]
    assert not detector.backbone._forward_hooks


@torch.no_grad()
def test_a_detector_with_two_stages_is_watched_on_every_image(watched):
    """What it costs depends on what is in the image."""
    costs = ImageCosts(build('FasterRCNN').eval())
    of_parts = [costs.detect(*image(64, 96))[1] for _ in range(2)]
    assert len(watched) == 2
    assert of_parts[0] == of_parts[1]
    assert of_parts[0]['head'].macs > 0
