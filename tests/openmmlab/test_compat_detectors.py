"""mmdet's own RetinaNet, FCOS and Faster R-CNN configs train and predict on the stand-in ops."""

import importlib
from pathlib import Path

import mmdet.models  # registers the detectors
import pytest
import torch
import torchvision
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.structures import InstanceData

from tests.openmmlab.made_up_boxes import make_batch

CONFIGS = Path(mmdet.__file__).parent / '.mim' / 'configs'
ROI_ALIGN = {'roi_align_forward', 'roi_align_backward'}
DEFORM_CONV = {'modulated_deform_conv_forward', 'modulated_deform_conv_backward'}

# One config of each family, and every one that calls further ops; with the compiled ops it calls.
SHIPPED = {
    'retinanet/retinanet_r18_fpn_1x_coco.py': {'nms'},
    'fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py': {'nms'},
    'fcos/fcos_r50-dcn-caffe_fpn_gn-head-center-normbbox-centeronreg-giou_1x_coco.py': {
        'nms',
        *DEFORM_CONV,
    },
    'faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py': {'nms', *ROI_ALIGN},
    'faster_rcnn/faster-rcnn_r50_fpn_soft-nms_1x_coco.py': {'nms', 'softnms', *ROI_ALIGN},
}
IMAGE_SIZE = 96  # pixels


@pytest.fixture(autouse=True)
def one_thread():
    """So small tensors are slower on many threads, most of all where other work runs beside."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(params=SHIPPED, ids=lambda name: Path(name).stem)
def detector(request):
    """A detector of a shipped config, without pretrained weights, and the ops that it calls."""
    model = Config.fromfile(CONFIGS / request.param).model
    drop_pretrained_weights(model)
    # Untrained scores are low; without a threshold they reach the suppression at test time.
    model.test_cfg.get('rcnn', model.test_cfg).score_thr = 0.0
    model.test_cfg.get('rpn', model.test_cfg).nms_pre = 50  # and so many are enough
    torch.manual_seed(0)
    network = MODELS.build({**model, '_scope_': 'mmdet'})
    network.init_weights()
    return network, SHIPPED[request.param]


def drop_pretrained_weights(config) -> None:
    if isinstance(config, dict):
        if (config.get('init_cfg') or {}).get('type') == 'Pretrained':
            config['init_cfg'] = None
        for value in config.values():
            drop_pretrained_weights(value)


@pytest.fixture
def called_ops(monkeypatch):
    """The names of the compiled ops, or of their stand-ins, that are called during a test."""
    ext = importlib.import_module('mmcv._ext')
    called = set()

    def watch(name, op):
        def watched(*args, **kwargs):
            called.add(name)
            return op(*args, **kwargs)

        monkeypatch.setattr(ext, name, watched)

    for name in set().union(*SHIPPED.values()):
        watch(name, getattr(ext, name))
    return called


def test_shipped_config_trains_a_step_and_predicts(detector, called_ops):
    network, ops = detector
    network.train()
    trained = {name: p for name, p in network.named_parameters() if p.requires_grad}
    before = {name: p.detach().clone() for name, p in trained.items()}
    optimizer = torch.optim.SGD(network.parameters(), lr=0.001)

    data = network.data_preprocessor(make_batch(IMAGE_SIZE), training=True)
    loss, parts = network.parse_losses(network(**data, mode='loss'))
    loss.backward()
    optimizer.step()

    assert all(torch.isfinite(part) for part in parts.values())
    assert all(p.grad.isfinite().all() for p in trained.values())
    for part in ('backbone', 'neck', 'head'):
        names = [name for name in trained if part in name.split('.')[0]]
        assert any(trained[name].grad.any() for name in names), f'no gradient in the {part}'
        assert any(not trained[name].equal(before[name]) for name in names)

    network.eval()
    with torch.no_grad():
        predictions = network.test_step(make_batch(IMAGE_SIZE))

    assert called_ops == ops
    assert len(predictions) == 2
    for prediction in predictions:
        check_detections(prediction.pred_instances, is_suppressed='softnms' not in ops)


def check_detections(found: InstanceData, is_suppressed: bool) -> None:
    assert len(found) > 0
    assert found.bboxes.shape == (len(found), 4)
    assert found.bboxes.min() >= 0
    assert found.bboxes.max() <= IMAGE_SIZE
    assert ((found.scores >= 0) & (found.scores <= 1)).all()
    if is_suppressed:
        same_class = found.labels[:, None] == found.labels
        overlap = torchvision.ops.box_iou(found.bboxes, found.bboxes).fill_diagonal_(0)
        assert overlap[same_class].max() <= 0.6 + 1e-4  # the configs have 0.5 and 0.6
