"""Exports of configs answer like the configs, early exits included, and without OpenMMLab."""

import importlib.util
import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from dynp_plugins.early_exit import ALWAYS, ExitPolicy
from dynp_plugins.early_exit.compiled.step_formats import FORMATS
from dynp_plugins.inference import DynamicInferencer
from dynp_plugins.inference.exported import export_model
from dynp_plugins.inference.model_loading import load_model
from tests.conftest import REPOSITORY
from tests.inference.tiny_models import make_network, make_pictures, save_checkpoint, save_pictures
from tests.inference.tiny_videos import make_video

from .small_exports import SOURCE

pytestmark = pytest.mark.slow

FILES = 'classification/dyn_perceiver/dyn-perceiver_regnety-tiny_image-files.py'
TRASHNET = REPOSITORY.parent / 'shared/data/trashnet/images'
WITHOUT_OPENMMLAB = """
import json, sys

class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in ('mmengine', 'mmcv', 'mmpretrain', 'mmaction', 'mmdet', 'fvcore'):
            raise ImportError(f'{name} is not to be had')

sys.meta_path.insert(0, Refusing())
from dynp_plugins import DynamicInferencer

folder, *samples = sys.argv[1:]
for answer in DynamicInferencer(folder, device='cpu')(samples):
    print(json.dumps(answer | {'pred_scores': answer['pred_scores'].tolist()}))
"""


def median_policy(config, checkpoint, samples):
    """About half of the samples leave at the first exit."""
    names = DynamicInferencer(config, checkpoint, device='cpu').network.exit_names
    everybody = ExitPolicy(names, 'max_softmax', (0.0, *[ALWAYS] * (len(names) - 1)))
    first = DynamicInferencer(config, checkpoint, everybody, device='cpu')(samples)
    middle = float(np.median([answer['confidence'] for answer in first])) + 1e-4
    return ExitPolicy(names, 'max_softmax', (middle, 0.6, 0.8, ALWAYS))


def exported(config, checkpoint, policy, folder, backend, shape):
    model = load_model(config, checkpoint, 'cpu')
    export_model(
        model,
        folder,
        backend,
        shape,
        [1.0, 2.0, 3.0, 4.0],
        SOURCE,
        batch_sizes=(1, 4),
        policy=policy,
    )
    return folder


def check_same(found, expected):
    assert len({answer['exit_name'] for answer in expected}) > 1
    for ours, theirs in zip(found, expected, strict=True):
        assert theirs['error'] is None
        for key in ('exit_name', 'pred_label', 'pred_class', 'source', 'error'):
            assert ours[key] == theirs[key]
        np.testing.assert_allclose(ours['pred_scores'], theirs['pred_scores'], atol=1e-4)
        assert ours['confidence'] == pytest.approx(theirs['confidence'], abs=1e-4)


def without_openmmlab(folder, samples):
    done = subprocess.run(
        [sys.executable, '-c', WITHOUT_OPENMMLAB, str(folder), *samples],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope='module')
def pictures(tmp_path_factory):
    made = save_pictures(tmp_path_factory.mktemp('pictures'), make_pictures(8, 130, 150), '.jpg')
    return made + sorted(map(str, TRASHNET.glob('*/*1.jpg')))[:6]


@pytest.fixture(scope='module')
def picture_config(tmp_path_factory):
    folder = tmp_path_factory.mktemp('config')
    path = folder / 'files.py'
    path.write_text(
        f'_base_ = {str(REPOSITORY / "configs" / FILES)!r}\n'
        'model = dict(head=dict(num_classes=5))\ndata_preprocessor = dict(num_classes=5)\n'
    )
    return path, save_checkpoint(make_network(), folder / 'tiny.pth')


@pytest.mark.parametrize('backend', FORMATS)
def test_pictures(backend, picture_config, pictures, tmp_path):
    package = {'openvino': 'openvino', 'onnx': 'onnxruntime'}.get(backend, 'torch')
    if importlib.util.find_spec(package) is None:
        pytest.skip(f'{package} is not installed')
    policy = median_policy(*picture_config, pictures)
    folder = exported(*picture_config, policy, tmp_path / 'out', backend, (3, 112, 112))
    expected = DynamicInferencer(*picture_config, policy, device='cpu')(pictures)
    check_same(DynamicInferencer(folder, device='cpu')(pictures, batch_size=5), expected)
    check_same(without_openmmlab(folder, pictures), expected)


def test_videos(video_config, video_checkpoint, videos, tmp_path):
    policy = median_policy(video_config, video_checkpoint, videos)
    folder = exported(
        video_config, video_checkpoint, policy, tmp_path / 'out', 'torch_export', (4, 3, 32, 32)
    )
    inferencer = DynamicInferencer(video_config, video_checkpoint, policy, device='cpu')
    expected = inferencer(videos)
    again = DynamicInferencer(folder, device='cpu')
    check_same(again(videos, batch_size=4), expected)
    check_same(without_openmmlab(folder, videos), expected)
    (array,) = again(make_video(9, 40, 50))
    (same,) = inferencer(make_video(9, 40, 50))
    assert array['pred_label'] == same['pred_label']


def test_a_network_by_name(pictures, tmp_path):
    network = make_network()
    checkpoint = save_checkpoint(network, tmp_path / 'tiny.pth')
    name = 'dyn_perceiver_regnety_tiny'
    policy = median_policy(name, checkpoint, pictures)
    folder = exported(name, checkpoint, policy, tmp_path / 'out', 'torch_export', (3, 64, 64))
    expected = DynamicInferencer(name, checkpoint, policy, device='cpu')(pictures)
    check_same(DynamicInferencer(folder, device='cpu')(pictures, batch_size=3), expected)


@pytest.mark.skipif(not torch.cuda.is_available(), reason='there is no GPU')
def test_on_a_gpu(picture_config, pictures, tmp_path):
    policy = median_policy(*picture_config, pictures)
    folder = exported(*picture_config, policy, tmp_path / 'out', 'torch_export', (3, 112, 112))
    inferencer = DynamicInferencer(folder, device='cuda')
    expected = DynamicInferencer(*picture_config, policy, device='cpu')(pictures)
    assert {answer['error'] for answer in inferencer(pictures)} == {None}
    for ours, theirs in zip(inferencer(pictures), expected, strict=True):
        np.testing.assert_allclose(ours['pred_scores'], theirs['pred_scores'], atol=1e-2)
