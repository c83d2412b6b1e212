"""One pass of a detector over a split: boxes, objects, costs, and what is refused."""

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData
from PIL import Image
from torch import nn

from benchmarks.detection.coco_metrics import evaluate
from benchmarks.detection.detection_pass import run_detection_pass
from benchmarks.detection.scales import with_scale
from benchmarks.provenance import picture_digest
from benchmarks.trained_model import load_trained_model
from dynp_plugins import UserError
from tests.benchmarks.detection.tiny_runs import write_detector, write_scenes


class Sighted(nn.Module):
    """A detector that is told what is there, and blurs it; its backbone is one convolution."""

    def __init__(self, dataset, noise=2.0, classes=3):
        super().__init__()
        self.backbone = nn.Conv2d(3, 2, 1)
        self.bbox_head = nn.Identity()
        self.bbox_head.num_classes = classes
        self.dataset = dataset
        self.noise = noise
        self.seen = []

    def test_step(self, data):
        (inputs,), (sample,) = data['inputs'], data['data_samples']
        self.backbone(inputs[None].float())
        generator = torch.Generator().manual_seed(len(self.seen))
        instances = self.dataset.get_data_info(len(self.seen))['instances']
        self.seen.append((sample, tuple(inputs.shape)))
        boxes = torch.tensor([one['bbox'] for one in instances]).float().repeat(3, 1)
        sample.pred_instances = InstanceData(
            bboxes=boxes + self.noise * torch.randn(boxes.shape, generator=generator),
            scores=torch.rand(len(boxes), generator=generator),
            labels=torch.tensor([one['bbox_label'] for one in instances]).repeat(3),
        )
        return [sample]


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp('detector')
    return load_trained_model(*write_detector(folder, write_scenes(folder / 'data')))


def loader(model, scale=(64, 48)):
    return model.build_splits(['test'], with_scale(model.config, scale))['test']


@pytest.fixture(scope='module')
def found(model):
    """The table, and what the detector was shown."""
    data = loader(model)
    detector = Sighted(data.dataset)
    return run_detection_pass(detector, data, 'test', (64, 48)), detector, data.dataset


def test_the_objects_are_those_of_the_json(found):
    table, _, dataset = found
    assert len(table) == len(dataset) == 6
    assert table.classes == ['ant', 'bee', 'cat']
    for i in range(6):
        info = dataset.get_data_info(i)
        rows = slice(table.first_true[i], table.first_true[i + 1])
        assert table.true_boxes[rows].tolist() == [one['bbox'] for one in info['instances']]
        assert table.true_labels[rows].tolist() == [one['bbox_label'] for one in info['instances']]
        assert table.crowd[rows].tolist() == [bool(one['ignore_flag']) for one in info['instances']]
        assert table.size[i].tolist() == [info['width'], info['height']]
        assert table.source[i] == info['img_path']
        pixels = np.asarray(Image.open(info['img_path']))
        assert table.picture[i].tobytes() == picture_digest(pixels)
    sides = table.true_boxes[:, 2:] - table.true_boxes[:, :2]
    np.testing.assert_allclose(table.areas, 0.75 * sides.prod(1))  # the json says so
    assert 0 < table.crowd.sum() < len(table.crowd)


def test_the_metrics_are_those_of_mmdet(found, model):
    """Given the same detections, mmdet's own metric says the same, to its three digits."""
    from mmdet.evaluation import CocoMetric

    table, detector, dataset = found
    metric = CocoMetric(ann_file=dataset.ann_file, metric='bbox')
    metric.dataset_meta = dataset.metainfo
    metric.process({}, [sample.to_dict() for sample, _ in detector.seen])
    expected = metric.evaluate(size=len(detector.seen))
    metrics = evaluate(table).metrics
    for name, value in (
        ('mAP', metrics.map_percent),
        ('mAP_50', metrics.ap50_percent),
        ('mAP_75', metrics.ap75_percent),
        ('mAP_s', metrics.ap_small_percent),
    ):
        assert value / 100 == pytest.approx(expected[f'coco/bbox_{name}'], abs=6e-4)
    assert 0.1 < metrics.map_percent / 100 < 0.9


def test_each_image_has_its_own_cost(found):
    """One image at a time, of its own size: 6 multiply-adds for each pixel."""
    table, detector, _ = found
    shapes = [shape for _, shape in detector.seen]
    assert len(set(shapes)) > 1
    assert table.macs[:, 0].tolist() == [6 * height * width for _, height, width in shapes]
    assert not table.macs[:, 1:].any()


def test_the_same_images_at_another_scale(found, model):
    table, _, _ = found
    data = loader(model, (128, 96))
    larger = Sighted(data.dataset)
    other = run_detection_pass(larger, data, 'test', (128, 96))
    assert other.manifest['index_sha256'] == table.manifest['index_sha256']
    assert other.manifest['scale'] == [128, 96]
    assert other.has_truth_of(table)
    assert np.array_equal(other.boxes, table.boxes)  # in pixels of the original image
    assert (other.macs[:, 0] > 3 * table.macs[:, 0]).all()


def test_the_detector_comes_back_as_it_was(model):
    data = loader(model)
    detector = Sighted(data.dataset).train()
    run_detection_pass(detector, data, 'test', (64, 48))
    assert detector.training
    assert not detector.backbone._forward_hooks


def test_classes_that_do_not_fit(model, monkeypatch):
    data = loader(model)
    monkeypatch.setattr('dynp_plugins.openmmlab.hooks.is_detector', lambda model: True)
    message = 'the test split has 3 classes, but model.bbox_head.num_classes is 80'
    with pytest.raises(UserError, match=message):
        run_detection_pass(Sighted(data.dataset, classes=80), data, 'test', (64, 48))


def test_a_detector_that_computes_nan(model):
    weights = model.detector.bbox_head.retina_cls.weight
    before = weights.detach().clone()
    with torch.no_grad():
        weights[0] = float('nan')
    try:
        with pytest.raises(UserError, match='computes NaN'):
            run_detection_pass(model.detector, loader(model), 'test', (64, 48))
    finally:
        with torch.no_grad():
            weights.copy_(before)
    data = loader(model)
    with pytest.raises(UserError, match=r'NaN or infinite boxes or scores on .*\.png'):
        run_detection_pass(Sighted(data.dataset, float('inf')), data, 'test', (64, 48))


def test_an_empty_split(model):
    data = torch.utils.data.DataLoader([])
    with pytest.raises(UserError, match='the test split is empty'):
        run_detection_pass(model.detector, data, 'test', (64, 48))
