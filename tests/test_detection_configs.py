"""Configs of detectors: parts fit each other and the data, and names say what they are."""

import ast
import copy
import functools
import re
from pathlib import Path

import pytest
import torch
from mmengine.dataset import Compose
from mmengine.optim import build_optim_wrapper
from mmengine.registry import (
    DATA_SAMPLERS,
    DATASETS,
    FUNCTIONS,
    HOOKS,
    MODELS,
    PARAM_SCHEDULERS,
    TRANSFORMS,
    DefaultScope,
)

from benchmarks.detection.scales import own_scale
from dynp_plugins.inference.pipeline_steps import innermost_dataset, step_name
from dynp_plugins.networks import DynPerceiverBackbone
from dynp_plugins.openmmlab.config_files import load_config
from dynp_plugins.openmmlab.detectors import box_heads, build_detector, is_detection_config
from tests.config_networks import is_detection_file

REPOSITORY = Path(__file__).parents[1]
DETECTION = REPOSITORY / 'configs' / 'detection'
CONFIGS = sorted(
    path
    for path in (REPOSITORY / 'configs').rglob('*.py')
    if '_base_' not in path.relative_to(REPOSITORY).parts and is_detection_file(path)
)
PUBLISHED_DATA = [path for path in CONFIGS if path.stem.endswith(('_coco', '_voc0712'))]
KINDS = {
    'retinanet': 'mmdet.RetinaNet',
    'fcos': 'mmdet.FCOS',
    'faster-rcnn': 'mmdet.FasterRCNN',
    'rtmdet-tiny': 'mmdet.RTMDet',
}
# By the end of a config's name: classes, and its root.
DATA = {'coco': (80, 'data/coco/'), 'voc0712': (20, 'data/VOCdevkit/')}

every_config = pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
every_published_config = pytest.mark.parametrize('path', PUBLISHED_DATA, ids=lambda path: path.stem)


@functools.cache
def read(path):
    return load_config(path)


@functools.cache
def detector_of(path):
    """The config's detector without numbers in its weights, so that the largest are quick."""
    with torch.device('meta'):
        return build_detector(read(path)).eval()


def sources(dataset):
    """The datasets that read files, inside those that cut or join them."""
    inside = dataset.get('datasets', [dataset.dataset] if 'dataset' in dataset else [])
    return [source for part in inside for source in sources(part)] or [dataset]


def test_there_are_configs():
    assert {path.parent.name for path in CONFIGS} >= {
        'bccd', 'demo', 'dyn_perceiver', 'embedded_scenes', 'static'
    }  # fmt: skip
    assert {path.stem.partition('_')[0] for path in CONFIGS} == KINDS.keys()


@every_config
def test_parts_fit_each_other_and_the_head_the_data(path):
    """Building compares the neck, and the strides of the heads."""
    config, detector = read(path), detector_of(path)
    assert is_detection_config(config)
    assert isinstance(detector.backbone, DynPerceiverBackbone)
    (head,) = box_heads(detector).values()
    for source in sources(config.train_dataloader.dataset):
        classes = source.get('metainfo', {}).get('classes')
        assert classes is None or len(classes) == head.num_classes
    divisor = config.data_preprocessor.pad_size_divisor
    assert divisor % max(detector.backbone.out_strides) == 0


@every_config
def test_network_is_the_one_that_the_name_says(path):
    config = read(path)
    kind, network = path.stem.split('_')[:2]
    assert config.model.type == KINDS[kind]
    match = re.fullmatch(r'(dyn-perceiver-)?(regnety|resnet18|mobilenetv3)-(.+)', network)
    backbone = detector_of(path).backbone
    assert (backbone.latent_depth > 0) == bool(match[1])
    size = match[3]
    if match[2] == 'regnety':
        assert backbone.arch == f'regnety_{size}'
    else:
        assert backbone.arch == match[2]
        assert size == 'narrow' or config.model.backbone.width == float(size)


@every_config
def test_config_declares_its_splits_and_how_to_run_it(path):
    config = read(path)
    assert config.default_scope == 'mmdet'
    assert config.calibration_dataloader.dataset != config.test_dataloader.dataset
    assert config.val_dataloader == config.calibration_dataloader, 'nothing watches the test split'
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    assert docstring
    if path.parent.name != 'demo':  # `make demo` runs those
        assert f'{path.stem}.py' in docstring


@every_published_config
def test_name_says_recipe_and_data(path):
    config = read(path)
    *_, recipe, data = path.stem.split('_')
    processes, batch, epochs = (8, 2, 12)
    if recipe != '1x':
        epochs = int(recipe.rpartition('-')[2].removesuffix('e'))
        processes, batch = map(int, re.search(r'_(\d+)xb(\d+)-', path.stem).groups())
    assert config.train_cfg.max_epochs == epochs
    assert config.train_dataloader.batch_size == batch
    assert config.auto_scale_lr.base_batch_size == processes * batch
    assert f'--nproc_per_node {processes} ' in ast.get_docstring(ast.parse(path.read_text()))
    classes, root = DATA[data]
    (head,) = box_heads(detector_of(path)).values()
    assert head.num_classes == classes
    for split in ('train', 'calibration', 'test'):
        for source in sources(config[f'{split}_dataloader'].dataset):
            assert source.data_root == root
    falls = next(s for s in config.param_scheduler if s.get('milestones') or s.get('T_max'))
    assert max(falls.get('milestones', [falls.get('end')])) <= epochs


@every_published_config
def test_initial_weights_are_of_the_same_backbone(path):
    """Settings of the ImageNet config that the weights come from are those of the detector."""
    backbone = read(path).model.backbone
    assert backbone.init_cfg.prefix == 'backbone.'
    source = re.search(r'work_dirs/(.+)/epoch_300', backbone.init_cfg.checkpoint)
    if source:
        folder = REPOSITORY / 'configs' / 'classification' / 'dyn_perceiver'
        theirs = load_config(folder / f'{source[1]}.py').model.backbone
        for name in theirs:
            assert backbone[name] == theirs[name], name
    elif backbone.get('with_latent', True):
        name = Path(backbone.init_cfg.checkpoint).stem.removeprefix('dyn_perceiver_')
        arch, _, latents = name.rpartition('_t')
        width = f'_{backbone.width}' if 'width' in backbone else ''
        assert arch == f'{backbone.arch}{width}'
        assert int(latents) == backbone.num_latents
    assert detector_of(path).backbone.frozen_stages in (-1, 1)


@every_config
def test_pipelines_and_recipe_can_be_built(path):
    config = read(path)
    hooks = [hook for hook in config.get('custom_hooks', []) if 'pipeline' in hook]
    readers = [
        source
        for split in ('train', 'calibration', 'test')
        for source in sources(config[f'{split}_dataloader'].dataset)
    ]
    with DefaultScope.overwrite_default_scope('mmdet'):
        for entry in (*readers, *hooks):
            Compose(entry.pipeline)
        optimizer = build_optim_wrapper(detector_of(path), copy.deepcopy(config.optim_wrapper))
        for settings in config.param_scheduler:
            settings = copy.deepcopy(settings)
            if settings.pop('convert_to_iter_based', False):
                settings.pop('by_epoch')
            PARAM_SCHEDULERS.build(settings, default_args=dict(optimizer=optimizer))
    trained = [p for group in optimizer.optimizer.param_groups for p in group['params']]
    assert set(trained) >= {p for p in detector_of(path).parameters() if p.requires_grad}
    assert len(trained) == len(set(trained))


def types_in(entry):
    """Every ``type`` in a config, at any depth."""
    if isinstance(entry, dict):
        if isinstance(entry.get('type'), str):
            yield entry['type']
        for value in entry.values():
            yield from types_in(value)
    elif isinstance(entry, (list, tuple)):
        for value in entry:
            yield from types_in(value)


@every_config
def test_types_of_other_packages_are_scoped(path):
    config = copy.deepcopy(read(path))
    registries = (MODELS, DATASETS, TRANSFORMS, DATA_SAMPLERS, FUNCTIONS, HOOKS)
    known = {name for registry in registries for name in registry.module_dict}
    layers = {'BN', 'GN', 'SiLU', 'RoIAlign', 'nms', 'Pretrained'}  # of mmcv and mmengine
    splits = [config[f'{split}_dataloader'] for split in ('train', 'calibration', 'test')]
    parts = [config.model, config.data_preprocessor, config.get('custom_hooks', []), *splits]
    for name in types_in(parts):
        assert name.startswith(('mmdet.', 'mmpretrain.')) or name in known | layers, name


@every_config
def test_the_scale_of_a_config_is_among_its_operating_points(path):
    """And where pictures are padded to a square, all of them are squares."""
    config = read(path)
    own, scales = own_scale(config), [tuple(scale) for scale in config.get('test_scales', [])]
    assert own is None or not scales or own in scales
    steps = innermost_dataset(config.test_dataloader.dataset)['pipeline']
    if any(step_name(step) == 'Pad' and step.get('size') for step in steps):
        assert all(long == short for long, short in scales)


EXPECTED = re.compile(
    r'(?P<map>[\d.]+) mAP \(95 % interval (?P<interval>[\d.]+ to [\d.]+)\) at (?P<scale>\d+x\d+), '
    r'(?P<all>[\d.]+) GMACs of which (?P<backbone>[\d.]+) are the backbone'
)
MEASURED = [
    path
    for path in CONFIGS
    if 'Expected on' in (ast.get_docstring(ast.parse(path.read_text())) or '')
]


@pytest.mark.parametrize('path', MEASURED, ids=lambda path: path.stem)
def test_what_a_config_expects_is_what_the_table_beside_it_says(path):
    text = ' '.join(ast.get_docstring(ast.parse(path.read_text())).split())
    expected = EXPECTED.search(text).groupdict()
    table = path.with_name('README.md').read_text().replace('\N{MULTIPLICATION SIGN}', 'x')
    rows = [[cell.strip(' \\*') for cell in line.split('|')[1:-1]] for line in table.splitlines()]
    (row,) = [row for row in rows if row[:2] == [path.stem, expected['scale']]]
    assert row[4:6] == [expected['map'], expected['interval']]
    for cell, said in ((row[2], expected['backbone']), (row[3], expected['all'])):
        assert f'{float(cell):.3f}' == said
