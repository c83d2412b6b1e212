"""The video configs: networks, recipes, and data sets from folders of the standard layouts."""

import argparse
import ast
import functools
import itertools
import re
import textwrap
from pathlib import Path

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DATASETS, PARAM_SCHEDULERS, DefaultScope

from benchmarks.input_shapes import config_input_shape
from benchmarks.macs import exit_costs
from dynp_plugins import UserError, create_model
from dynp_plugins.checkpoints.loading import to_classifier_keys
from dynp_plugins.openmmlab import runs
from dynp_plugins.openmmlab.classifiers import build_classifier, multi_exit_network
from dynp_plugins.openmmlab.config_files import load_config
from dynp_plugins.openmmlab.run_options import ConfigOptions
from tests.config_networks import layers_of, network_without_data
from tests.made_video_sets import TEST, TRAIN, make_video_sets

REPOSITORY = Path(__file__).parents[1]
ACTION = REPOSITORY / 'configs' / 'action'
BASES = REPOSITORY / 'configs' / '_base_' / 'datasets'
# By the end of a config's name: type and folder of the data, classes, share held out.
DATA = {
    'sthv1': ('FrameFolders', 'data/sthv1', 174, 0.1),
    'sthv2': ('VideoFiles', 'data/sthv2', 174, 0.05),
    'k400': ('VideoFiles', 'data/kinetics400', 400, 0.05),
    'ucf101': ('VideoFiles', 'data/ucf101', 101, 0.1),
    'hmdb51': ('VideoFiles', 'data/hmdb51', 51, 0.1),
}
# By the number of epochs: those at which the learning rate falls.
FALLS = {50: (20, 40), 80: (30, 60), 100: (40, 80)}
CONFIGS = sorted(path for path in ACTION.rglob('*.py') if path.stem.rpartition('_')[2] in DATA)
DYN_PERCEIVERS = {
    'resnet50-0.375': ('dyn_perceiver_resnet50_0.375_t128', {}),
    'resnet50-0.5': ('dyn_perceiver_resnet50', dict(width=0.5)),
    'resnet50-0.625': ('dyn_perceiver_resnet50', dict(width=0.625)),
    'resnet50-0.75': ('dyn_perceiver_resnet50', dict(width=0.75)),
    'resnet18': ('dyn_perceiver_resnet18', {}),
    'resnet34': ('dyn_perceiver_resnet34', {}),
    'regnety-800mf': ('dyn_perceiver_regnety_800mf_t128', {}),
    'mobilenetv3-0.75': ('dyn_perceiver_mobilenetv3_0.75_t128', {}),
}
RIVALS = {
    ('tsm', 'resnet50'): 'mmaction.ResNetTSM',
    ('tsm', 'mobilenetv2'): 'mmaction.MobileNetV2TSM',
    ('tsn', 'resnet50'): 'mmaction.ResNet',
    ('tsn', 'mobilenetv2'): 'mmaction.MobileNetV2',
}
SSV1 = 'dyn_perceiver/dyn-perceiver_tsm-resnet50-0.375_8xb8-1x1x8-50e_sthv1'
SSV2 = 'dyn_perceiver/dyn-perceiver_tsm-resnet50-0.375_8xb8-1x1x8-50e_sthv2'
SMALL = 'dyn_perceiver/dyn-perceiver_tsm-mobilenetv3-0.75_8xb8-1x1x8-50e_sthv2'
TSM_R50 = 'tsm/tsm-resnet50_8xb8-1x1x8-50e_sthv1'
TINY = {
    'model.backbone.arch': 'regnety_tiny',
    'model.backbone.width': 1.0,
    'model.backbone.num_latents': 16,
    'model.backbone.depth_factor': (1 / 3, 1 / 3, 1 / 9, 1 / 3),
    'model.backbone.drop_path_rate': 0.0,
    'model.backbone.init_cfg': None,
    'model.cls_head.in_channels': (48, 96, 160, 256),
}

every_config = pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
every_data_set = pytest.mark.parametrize('data', DATA)


@functools.cache
def read(path):
    return load_config(path)


def one_config_of(data):
    return next(path for path in CONFIGS if path.stem.endswith(f'_{data}'))


@pytest.fixture(scope='module')
def made_videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp('video_sets')
    make_video_sets(folder)
    return folder


@pytest.fixture
def video_sets(made_videos, monkeypatch):
    """Being in a folder whose ``data`` has every data set."""
    monkeypatch.chdir(made_videos)
    return made_videos


def test_every_data_set_has_configs():
    assert {path.stem.rpartition('_')[2] for path in CONFIGS} == DATA.keys()


@every_config
def test_network_is_the_one_that_the_name_says(path):
    config = read(path)
    network = network_without_data(config)
    family, _, rest = path.stem.rpartition('_8xb')[0].rpartition('_')
    kind, _, arch = rest.partition('-')
    if not family:
        assert config.model.backbone.type == RIVALS[kind, arch]
        assert config.model.cls_head.type == f'mmaction.{kind.upper()}Head'
        assert network.exit_names == ('final',)
    else:
        names = {
            'dyn-perceiver': DYN_PERCEIVERS,
            'msdnet': {'step4': ('msdnet_imagenet_step4', {})},
        }
        name, settings = names[family][arch]
        with torch.device('meta'):
            named = create_model(name, num_classes=config.model.cls_head.num_classes, **settings)
        assert layers_of(network) == layers_of(named)
        assert network.exit_names == named.exit_names
    assert network.num_segments == {'tsm': 8, 'tsn': 1}[kind]


@every_config
def test_name_says_batch_frames_epochs_and_data(path):
    config = read(path)
    match = re.search(r'_(\d+)xb(\d+)-1x1x(\d+)-(\d+)e_(\w+)$', path.stem)
    processes, batch, frames, epochs = map(int, match.groups()[:4])
    kind, root, classes, share = DATA[match[5]]
    assert config.train_dataloader.batch_size == batch
    assert config.auto_scale_lr.base_batch_size == processes * batch
    assert config.train_cfg.max_epochs == epochs
    test, train = config.test_dataloader.dataset, config.train_dataloader.dataset
    for source in (test, train.dataset):
        assert (source.type, source.data_root) == (kind, root)
        (sampling,) = (step for step in source.pipeline if step.type == 'mmaction.SampleFrames')
        assert (sampling.clip_len, sampling.num_clips) == (1, frames)
    assert (config.model.cls_head.num_classes, train.size) == (classes, share)
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    assert f'--nproc_per_node {processes} ' in docstring
    assert f'configs/action/{path.parent.name}/{path.name}' in docstring
    assert 'Not trained by us' in docstring.replace('\n', ' ')


@every_config
def test_flips_only_where_direction_does_not_matter(path):
    config = read(path)
    train = config.train_dataloader.dataset.dataset.pipeline
    flips = [step.get('flip_ratio') for step in train if 'Flip' in step.type]
    assert flips == ([] if path.stem.endswith(('sthv1', 'sthv2')) else [0.5])
    for split in (config.calibration_dataloader.dataset.dataset, config.test_dataloader.dataset):
        assert not [step for step in split.pipeline if 'Flip' in step.type]


@every_config
def test_every_exit_is_measured_by_samples_and_by_classes(path):
    config = read(path)
    own = config.model.backbone.type in ('DynPerceiver', 'MSDNet')
    names = ('MultiExitAccuracy', 'mmaction.AccMetric')
    assert config.test_evaluator.type == names[not own]
    if own:
        assert (config.test_evaluator.topk, config.test_evaluator.mean_class) == ((1, 5), True)
    else:
        assert set(config.test_evaluator.metric_list) == {
            'top_k_accuracy',
            'mean_class_accuracy',
        }


def learning_rates(config, batches):
    """At the start of every iteration, as mmengine's runner steps the schedulers."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], **sgd(config))
    schedulers = []
    for entry in config.param_scheduler:
        entry = dict(entry)
        kind = PARAM_SCHEDULERS.get(entry.pop('type'))
        if entry.pop('convert_to_iter_based', False):
            schedulers.append(kind.build_iter_from_epoch(optimizer, **entry, epoch_length=batches))
        else:
            schedulers.append(kind(optimizer, **entry))
    rates = []
    for _ in range(config.train_cfg.max_epochs):
        for _ in range(batches):
            rates.append(optimizer.param_groups[0]['lr'])
            optimizer.step()
            for scheduler in schedulers:
                if not scheduler.by_epoch:
                    scheduler.step()
        for scheduler in schedulers:
            if scheduler.by_epoch:
                scheduler.step()
    return rates


def sgd(config):
    settings = dict(config.optim_wrapper.optimizer)
    assert settings.pop('type') == 'SGD'
    return settings


@every_config
def test_learning_rate_warms_up_and_falls_twice(path):
    batches = 3
    config = read(path)
    rates = learning_rates(config, batches)
    top = config.optim_wrapper.optimizer.lr
    assert rates[0] == pytest.approx(top / 10)
    warm_up = rates[: 5 * batches]
    steps = [b - a for a, b in itertools.pairwise(warm_up)]
    assert min(steps) > 0
    assert max(steps) == pytest.approx(min(steps))
    first, second = (epoch * batches for epoch in FALLS[config.train_cfg.max_epochs])
    assert rates[5 * batches : first] == pytest.approx([top] * (first - 5 * batches))
    assert rates[first:second] == pytest.approx([top / 10] * (second - first))
    assert rates[second:] == pytest.approx([top / 100] * (len(rates) - second))


def test_tsm_recipe_of_something_something():
    for path in CONFIGS:
        if path.stem.endswith(('sthv1', 'sthv2')):
            config = read(path)
            assert config.train_cfg.max_epochs == 50
            settings = config.optim_wrapper.optimizer
            assert (settings.lr, settings.momentum, settings.weight_decay) == (0.01, 0.9, 5e-4)
            assert config.optim_wrapper.clip_grad.max_norm == 20
            if not path.stem.startswith(('tsn', 'msdnet')):
                assert config.model.cls_head.dropout_ratio == 0.5


@pytest.mark.parametrize('name', [SSV1, TSM_R50])
def test_classifiers_learn_faster_and_vectors_do_not_decay(name):
    config = read(ACTION / f'{name}.py')
    with torch.device('meta'):
        classifier = build_classifier(config)
    optimizer = build_optim_wrapper(classifier, config.optim_wrapper).optimizer
    names = {id(p): name for name, p in classifier.named_parameters()}
    groups = {names[id(g['params'][0])]: g for g in optimizer.param_groups}
    assert groups.keys() == set(names.values())
    for name, group in groups.items():
        faster = re.match(r'cls_head\.(heads\.classifiers|fc_cls)\.', name)
        assert group['lr'] == pytest.approx(0.05 if faster else 0.01), name
        free = group['params'][0].ndim == 1 or re.search(r'\.latent$|\.position_bias$', name)
        assert group['weight_decay'] == (0 if free else 5e-4), name


SPLITS = ('train', 'calibration', 'test')


def splits_of(config):
    """The three data sets of a config."""
    with DefaultScope.overwrite_default_scope(config.default_scope):
        return {split: DATASETS.build(config[f'{split}_dataloader'].dataset) for split in SPLITS}


def check_splits(config):
    """The splits have the right sizes, no video in common, and every class in each of them."""
    data = splits_of(config)
    assert len(data['train']) + len(data['calibration']) == 2 * TRAIN
    assert len(data['test']) == 2 * TEST
    key = 'frame_dir' if config.test_dataloader.dataset.type == 'FrameFolders' else 'filename'
    paths = {
        split: {dataset.get_data_info(i)[key] for i in range(len(dataset))}
        for split, dataset in data.items()
    }
    assert sum(map(len, paths.values())) == len(set.union(*paths.values())) == 2 * (TRAIN + TEST)
    for dataset in data.values():
        labels = {dataset.get_data_info(i)['label'] for i in range(len(dataset))}
        assert labels == {0, 1}
        assert len(dataset.metainfo['classes']) == 2
    return data


CHECKED = {}
"""The first class of splits that have been checked, by the data sets' settings: many are alike."""


@every_config
def test_splits_are_read_from_the_published_files(path, video_sets):
    config = read(path)
    settings = repr([config[f'{split}_dataloader'].dataset for split in SPLITS])
    if settings not in CHECKED:
        CHECKED[settings] = check_splits(load_config(path))['train'].metainfo['classes'][0]
    assert CHECKED[settings] in ('Moving A down', 'Archery', 'brush_hair')


@every_data_set
def test_splits_are_read_from_the_lists_of_mmaction2_as_the_docstring_says(
    data, video_sets, tmp_path
):
    folder = DATA[data][1].removeprefix('data/')
    (base,) = BASES.glob(f'{folder}_bs*_8f224.py')
    docstring = ast.get_docstring(ast.parse(base.read_text()))
    block = re.search(r'in your copy of a config:\n\n((?:    .*\n?)+)', docstring)[1]
    text = f"_base_ = '{one_config_of(data).as_posix()}'\n{textwrap.dedent(block)}"
    (tmp_path / 'mine.py').write_text(text)
    config = load_config(tmp_path / 'mine.py')
    assert config.val_dataloader == config.calibration_dataloader
    for split in (config.train_dataloader.dataset.dataset, config.test_dataloader.dataset):
        assert split.ann_format is None
    assert check_splits(config)['train'].metainfo['classes'] == ('0', '1')


@every_data_set
def test_pipelines_turn_videos_into_eight_frames(data, video_sets):
    config = load_config(one_config_of(data))
    for dataset in splits_of(config).values():
        sample = dataset[0]
        assert sample['inputs'].shape == (8, 3, 224, 224)
        assert sample['inputs'].dtype == torch.uint8
        name = sample['data_samples'].get('frame_dir' if data == 'sthv1' else 'filename')
        assert Path(name).exists()


@pytest.mark.parametrize(('data', 'pattern'), [('ucf101', r'_g(\d+)_'), ('hmdb51', r'Film_(\d+)!')])
def test_videos_of_one_origin_are_on_one_side(data, pattern, video_sets):
    data = splits_of(load_config(one_config_of(data)))
    origins = []
    for dataset in (data['train'], data['calibration']):
        infos = [dataset.get_data_info(i) for i in range(len(dataset))]
        origins.append({(re.search(pattern, i['filename'])[1], i['label']) for i in infos})
        assert len(infos) > len(origins[-1])  # origins have several videos
    assert not origins[0] & origins[1]


@pytest.mark.parametrize('name', [SSV1, SSV2, 'tsm/tsm-mobilenetv2_8xb8-1x1x8-50e_sthv2'])
def test_training_and_testing_run(name, video_sets, tmp_path):
    config = load_config(ACTION / f'{name}.py', TINY if 'dyn-perceiver' in name else {})
    config.work_dir, config.log_level = str(tmp_path), 'WARNING'
    config.train_cfg.max_epochs = 1
    config.param_scheduler = None
    for split in ('train', 'val', 'test'):
        loader = config[f'{split}_dataloader']
        loader.update(batch_size=2, num_workers=0, num_batch_per_epoch=1)
    runner = runs.train(config)
    assert runner.iter == 1
    losses = runner.message_hub.log_scalars['train/loss'].data[0]
    assert all(0 < loss < 100 for loss in losses)
    config = load_config(ACTION / f'{name}.py', TINY if 'dyn-perceiver' in name else {})
    config.work_dir, config.log_level = str(tmp_path), 'WARNING'
    config.test_dataloader.update(batch_size=2, num_workers=0)
    metrics = runs.test(config, tmp_path)
    if 'dyn-perceiver' in name:
        expected = {
            f'accuracy/{exit}_{kind}'
            for exit in ('early', 'latent', 'feature', 'merged')
            for kind in ('top1', 'top5', 'mean1')
        }
    else:
        expected = {'acc/top1', 'acc/top5', 'acc/mean1'}
    assert metrics.keys() == expected


def test_starts_from_a_converted_checkpoint(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    classifier = build_classifier(load_config(ACTION / f'{SMALL}.py'))
    name = 'dyn_perceiver_mobilenetv3_0.75_t128'
    with pytest.raises(UserError, match=rf'checkpoints/{name}\.pth'):
        classifier.init_weights()
    released = create_model(name)  # for pictures of 1000 classes
    (tmp_path / 'checkpoints').mkdir()
    weights = {'state_dict': to_classifier_keys(released.state_dict())}
    torch.save(weights, tmp_path / 'checkpoints' / f'{name}.pth')
    classifier.init_weights()
    loaded = classifier.backbone.state_dict()
    for key, value in released.backbone.state_dict().items():
        assert torch.equal(loaded[key], value), key


def test_tsm_on_resnet50_costs_what_is_published():
    config = read(ACTION / f'{TSM_R50}.py')
    (cost,) = exit_costs(multi_exit_network(build_classifier(config)), config_input_shape(config))
    assert 0.98 * 32.7e9 < cost.macs < 1.02 * 33e9  # arXiv 2306.11248 and arXiv 1811.08383


def test_two_clips_of_three_crops_as_the_docstring_says():
    docstring = ast.get_docstring(ast.parse((BASES / 'clips_8f224.py').read_text()))
    written = re.findall(r'test_dataloader\S+=\S+', docstring)
    assert len(written) == 3
    for name, texts in ((SSV2, written), (SSV1, [one_step_earlier(text) for text in written])):
        parser = argparse.ArgumentParser()
        parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions)
        options = parser.parse_args(['--cfg-options', *texts]).cfg_options
        config = load_config(ACTION / f'{name}.py', options)
        assert config_input_shape(config) == (6 * 8, 3, 256, 256)


def one_step_earlier(option):
    """For a pipeline that has no `OpenVideo`."""
    return re.sub(r'\.(\d)\.', lambda match: f'.{int(match[1]) - 1}.', option)
