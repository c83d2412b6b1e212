"""Video models through the Runner: whole clips only, and weights to start from."""

import pytest
import torch
from mmengine.registry import DefaultScope

from benchmarks.exit_pass import run_exit_pass
from benchmarks.trained_model import load_trained_model
from dynp_plugins import UserError
from dynp_plugins.openmmlab import runs
from dynp_plugins.openmmlab.classifiers import build_classifier
from dynp_plugins.openmmlab.config_files import load_config
from tests.inference.tiny_videos import STEPS, make_video, save_video, write_config

TRAINING = """
train_dataloader = dict(
    batch_size=4, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(DATA, metainfo=dict(classes=['ant', 'bee', 'cat', 'dog', 'eel']), pipeline=STEPS))
train_cfg = dict(by_epoch=True, max_epochs=1)
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.01))
custom_hooks = [dict(type='ClassCountHook')]
test_cfg = dict()
test_evaluator = dict(type='MultiExitAccuracy', topk=(1,), mean_class=True)
"""


@pytest.fixture(autouse=True)
def scopes():
    """A Runner leaves its scope behind, in which later tests would look for their models."""
    before = dict(DefaultScope._instance_dict)
    yield
    DefaultScope._instance_dict.clear()
    DefaultScope._instance_dict.update(before)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Four videos and their list."""
    root = tmp_path_factory.mktemp('videos')
    for i in range(4):
        save_video(root / f'{i}.mp4', make_video(seed=i))
    (root / 'list.txt').write_text(''.join(f'{i}.mp4 {i}\n' for i in range(4)))
    return root


def config_of(folder, frames):
    """A network that sees 4 frames together, and batches of 4 videos of ``frames`` frames."""
    steps = STEPS.replace('num_clips=4', f'num_clips={frames}')
    data = f"type='VideoFiles', data_root='{folder}', ann_file='list.txt'"
    text = TRAINING.replace('STEPS', steps).replace('DATA', data)
    path = write_config(folder / f'frames{frames}.py', steps, data, text)
    config = load_config(path, {'test_dataloader.batch_size': 4})
    config.work_dir = str(folder / f'run{frames}')
    config.log_level = 'WARNING'
    return config


@pytest.fixture(scope='module')
def weights(folder):
    torch.manual_seed(0)
    classifier = build_classifier(config_of(folder, 4))
    torch.save({'state_dict': classifier.state_dict()}, folder / 'weights.pth')
    return folder / 'weights.pth'


def test_whole_clips_are_trained_and_tested(folder, weights):
    runner = runs.train(config_of(folder, 8))
    assert runner.iter == 1
    metrics = runs.test(config_of(folder, 8), weights)
    assert metrics['accuracy/merged_mean1'] == metrics['accuracy/merged_top1']


@pytest.mark.parametrize('frames', [3, 6])
def test_parts_of_clips_are_refused_though_a_batch_has_whole_ones(folder, weights, frames):
    """Four videos of 3 frames are three clips of 4, each with frames of two videos."""
    message = rf'hands out {frames} frames of a video, but the network sees num_segments=4'
    with pytest.raises(UserError, match=f'the train split {message}'):
        runs.train(config_of(folder, frames))
    with pytest.raises(UserError, match=f'the test split {message}'):
        runs.test(config_of(folder, frames), weights)
    model = load_trained_model(
        folder / f'frames{frames}.py', weights, options={'test_dataloader.batch_size': 4}
    )
    (loader,) = model.build_splits(('test',)).values()
    with pytest.raises(UserError, match=f'the test split {message}'):
        run_exit_pass(model.classifier, loader, 'test')


def test_more_classes_in_the_data_than_in_the_head(folder):
    config = config_of(folder, 4)
    config.model.cls_head.num_classes = 3
    with pytest.raises(UserError, match=r'has 5 classes, but model\.cls_head\.num_classes is 3'):
        runs.train(config)


@pytest.mark.parametrize('latent_shift', [False, True])
def test_weights_of_pictures_are_a_start_for_videos(folder, latent_shift):
    config = config_of(folder, 4)
    config.model.backbone.num_segments = 1
    pictures = build_classifier(config)
    torch.save({'state_dict': pictures.state_dict()}, folder / 'pictures.pth')
    init_cfg = dict(type='Pretrained', checkpoint=f'{folder}/pictures.pth', prefix='backbone.')
    config.model.backbone.update(num_segments=4, latent_shift=latent_shift, init_cfg=init_cfg)
    videos = build_classifier(config)
    videos.init_weights()
    loaded = videos.backbone.state_dict()
    for name, value in pictures.backbone.state_dict().items():
        assert torch.equal(loaded[name], value), name
