"""Training and testing a detector through the Runner, on a made-up folder in COCO format."""

import json
import logging
import re
from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS, DefaultScope
from mmengine.runner import Runner

from dynp_plugins import UserError
from dynp_plugins.checkpoints import load_checkpoint_file
from dynp_plugins.openmmlab import runs
from dynp_plugins.openmmlab.config_files import load_config
from dynp_plugins.openmmlab.detectors import build_detector
from dynp_plugins.openmmlab.hooks import check_class_count
from tests.made_detection_set import UNFORMATTED, make_detection_set, write_json
from tests.openmmlab.recorded_losses import read_losses

CONFIG = 'configs/detection/dyn_perceiver/retinanet_dyn-perceiver-regnety-tiny_fpn_coco-files.py'
BATCHES = 3  # of three pictures


@pytest.fixture(scope='module')
def boxes(tmp_path_factory):
    """A folder of pictures with boxes of two classes."""
    return make_detection_set(tmp_path_factory.mktemp('boxes'))


@pytest.fixture(scope='module', autouse=True)
def surroundings(boxes):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('DATA_ROOT', str(boxes))
        patch.setenv('SIZE', '64')
        patch.setattr(*UNFORMATTED)
        yield


def small_config(work_dir, epochs=2, **hook):
    """The config of one's own files, with an average of the weights and three small batches."""
    config = load_config(CONFIG)
    config.work_dir = str(work_dir)
    config.log_level = 'WARNING'
    config.train_cfg.update(max_epochs=epochs, val_interval=100)
    config.param_scheduler[0].end = BATCHES
    config.train_dataloader.update(batch_size=3, num_workers=0)
    for name in ('val_dataloader', 'calibration_dataloader', 'test_dataloader'):
        config[name].update(batch_size=5, num_workers=0)
    for name in ('train_dataloader', 'val_dataloader', 'calibration_dataloader', 'test_dataloader'):
        dataset = config[name].dataset  # serialising collects all garbage of the process
        dataset.get('dataset', dataset).serialize_data = False
    config.model.bbox_head.feat_channels = config.model.bbox_head.in_channels = 16
    config.model.neck.out_channels = 16
    config.model.test_cfg.score_thr = 0.0  # so few steps teach nothing
    average = dict(type='mmpretrain.EMAHook', momentum=0.1, evaluate_on_origin=True)
    config.custom_hooks = [average, dict(type='WriteLosses', **hook)]
    return config


@pytest.fixture(scope='module')
def trained(surroundings, tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('trained')
    config = small_config(work_dir)
    config.train_cfg.val_interval = 2
    runs.train(config)
    return work_dir


@HOOKS.register_module()
class InterruptTraining(Hook):
    """Ends a run where a kill would: before an iteration."""

    def __init__(self, iteration):
        self.iteration = iteration

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == self.iteration:
            raise KeyboardInterrupt


def test_resuming_continues_with_the_same_losses(trained, tmp_path):
    """Interrupted in the second of two epochs, with random scales, crops and flips."""
    config = small_config(tmp_path)
    config.custom_hooks.append(dict(type='InterruptTraining', iteration=BATCHES + 1))
    with pytest.raises(KeyboardInterrupt):
        runs.train(config)
    runs.train(small_config(tmp_path), resume=runs.AUTO_RESUME)
    whole = read_losses(trained)
    assert sorted(whole) == list(range(2 * BATCHES))
    assert {'loss', 'loss_cls', 'loss_bbox'} <= whole[0].keys()
    assert read_losses(tmp_path) == whole
    first, last = (load_checkpoint_file(folder / 'epoch_2.pth') for folder in (trained, tmp_path))
    for kind in ('state_dict', 'ema_state_dict'):
        assert all(torch.equal(value, last[kind][key]) for key, value in first[kind].items())


def test_average_and_raw_weights_are_both_evaluated(trained):
    metrics = runs.test(small_config(trained), trained)
    for name in ('coco/bbox_mAP', 'coco/bbox_mAP_50', 'coco/cat_precision'):
        assert -1 <= metrics[name] <= 1
        assert f'{name}_origin' in metrics


def test_a_checkpoint_is_tested_as_it_was_validated(trained):
    """The calibration split stands in for the test split."""
    log = next(trained.glob('*/vis_data/scalars.json')).read_text().splitlines()
    validation = next(row for row in map(json.loads, log) if 'coco/bbox_mAP' in row)
    config = small_config(trained)
    config.test_dataloader = config.calibration_dataloader
    metrics = runs.test(config, trained)
    assert metrics['coco/bbox_mAP_50'] == validation['coco/bbox_mAP_50']


def test_classes_of_head_and_data_must_be_the_same_number(tmp_path):
    config = small_config(tmp_path)
    config.val_dataloader.dataset.dataset.metainfo.classes = ('cat',)
    message = r'validation split has 1 classes, but model\.bbox_head\.num_classes is 2: set it to 1'
    with pytest.raises(UserError, match=message):
        runs.train(config)
    assert not list(tmp_path.glob('*.pth'))
    detector = build_detector(config)
    for classes in (('cat',), ('cat', 'dog'), ('cat', 'dog', 'cow'), None):
        dataset = SimpleNamespace(metainfo=dict(classes=classes))
        if classes is None or len(classes) == 2:
            check_class_count(detector, dataset, 'training set')
        else:
            with pytest.raises(UserError, match=f'training set has {len(classes)} classes'):
                check_class_count(detector, dataset, 'training set')


def test_a_test_split_with_other_classes(trained, boxes):
    write_json(boxes / 'other.json', ('dog', 'cat'))
    config = small_config(trained)
    config.test_dataloader.dataset.update(
        ann_file='other.json', metainfo=dict(classes=('dog', 'cat'))
    )
    with pytest.raises(
        UserError, match=r'checkpoint has the classes cat, dog, but .* has dog, cat'
    ):
        runs.test(config, trained)


@pytest.mark.parametrize('in_channels', [[96, 159], [48, 48, 96, 160], 160], ids=str)
def test_parts_that_do_not_fit_stop_training_and_test(trained, tmp_path, in_channels):
    """Both build through the Runner, where some of these would end in an empty AssertionError."""
    message = rf'neck\.in_channels={re.escape(str(in_channels))} does not fit'
    config = small_config(trained)
    config.model.neck.in_channels = in_channels
    with pytest.raises(UserError, match=message):
        runs.test(config, trained)
    config = small_config(tmp_path)
    config.model.neck.in_channels = in_channels
    with pytest.raises(UserError, match=message):
        runs.train(config)


def test_strides_that_do_not_fit_stop_a_test_too(trained):
    config = small_config(trained)
    config.model.bbox_head.anchor_generator.strides = [4, 8, 16]
    with pytest.raises(UserError, match=r'strides=\[4, 8, 16\] does not fit'):
        runs.test(config, trained)


def test_weights_of_another_detector_are_refused(trained, tmp_path):
    config = small_config(tmp_path)
    config.model.backbone.num_latents = 24
    with pytest.raises(UserError, match=r'backbone\.latent: \(16, 16\)[\s\S]*another detector'):
        runs.test(config, trained)


def test_training_starts_from_the_backbone_of_another_run(trained, tmp_path):
    config = small_config(tmp_path, epochs=1)
    config.model.backbone.init_cfg = dict(
        type='Pretrained', checkpoint=str(trained / 'epoch_2.pth'), prefix='backbone.'
    )
    config.optim_wrapper.optimizer.lr = 0.0
    config.log_level = 'INFO'
    runs.train(config)
    before, after = (
        load_checkpoint_file(path)['state_dict']
        for path in (trained / 'epoch_2.pth', tmp_path / 'epoch_1.pth')
    )
    torch.testing.assert_close(after['backbone.latent'], before['backbone.latent'])
    different = 'bbox_head.retina_cls.weight'
    assert not torch.allclose(after[different], before[different])
    (log,) = tmp_path.glob('*/*.log')
    assert 'not used: neck (' in log.read_text()


def test_rtmdets_pipelines_run_and_are_switched(boxes):
    """Mosaics first, then single pictures; also with persistent workers and a cut dataset."""
    config = load_config(
        'configs/detection/dyn_perceiver/'
        'rtmdet-tiny_dyn-perceiver-mobilenetv3-0.75_8xb32-300e_coco.py'
    )
    config.train_dataloader.dataset.dataset.update(
        data_root=str(boxes), ann_file='train.json', data_prefix='images', filter_cfg=None,
        metainfo=dict(classes=('cat', 'dog')),
    )  # fmt: skip
    config.train_dataloader.update(batch_size=3, num_workers=1, persistent_workers=True)
    *_, settings = config.custom_hooks
    seen = []
    with DefaultScope.overwrite_default_scope('mmdet'):
        loader = Runner.build_dataloader(config.train_dataloader)
        hook = HOOKS.build(settings)
        for epoch in (0, settings.epoch - 1, settings.epoch, settings.epoch + 1):
            runner = SimpleNamespace(
                epoch=epoch, train_dataloader=loader, logger=logging.getLogger('test')
            )
            hook.before_train_epoch(runner)
            first = next(iter(loader))
            assert first['inputs'][0].shape == (3, 640, 640)
            pipeline = loader.dataset.dataset.pipeline
            seen.append({type(transform).__name__ for transform in pipeline.transforms})
            assert loader._iterator is not None
    assert ['CachedMosaic' in names for names in seen] == [True, True, False, False]
    assert ['CachedMixUp' in names for names in seen] == [True, True, False, False]
    assert all('YOLOXHSVRandomAug' in names for names in seen)
