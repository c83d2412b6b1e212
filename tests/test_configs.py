"""Configs of classifiers can be read; their network is the one the name says, and fits its data."""

import ast
import copy
import functools
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.dataset import Compose
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DATASETS, MODELS, TRANSFORMS, WEIGHT_INITIALIZERS, DefaultScope
from mmpretrain.datasets import CIFAR10
from mmpretrain.structures import DataSample
from PIL import Image

from benchmarks.input_shapes import config_input_shape
from benchmarks.split_batches import build_split
from dynp_plugins.early_exit import fold_frames
from dynp_plugins.openmmlab.classifiers import build_classifier
from dynp_plugins.openmmlab.config_files import load_config
from tests.config_networks import assert_same, is_detection_file, network_without_data

REPOSITORY = Path(__file__).parents[1]
CONFIGS = sorted(
    path
    for path in (REPOSITORY / 'configs').rglob('*.py')
    if '_base_' not in path.relative_to(REPOSITORY).parts and not is_detection_file(path)
)
CLASSIFICATION = REPOSITORY / 'configs' / 'classification'
NAMED = [
    path
    for path in CONFIGS
    if path.is_relative_to(CLASSIFICATION) and not path.stem.endswith('_image-files')
]
# By the part of a config's name that stands for the network: name and settings for `create_model`.
RESNET = dict(drop_path_rate=0.2)
NETWORKS = {
    'dyn-perceiver_regnety-400mf': ('dyn_perceiver_regnety_400mf', {}),
    'dyn-perceiver_regnety-800mf': ('dyn_perceiver_regnety_800mf_t128', {}),
    'dyn-perceiver_regnety-1.6gf': ('dyn_perceiver_regnety_1.6gf', dict(depth_factor=(1, 1, 1, 2))),
    'dyn-perceiver_regnety-3.2gf': ('dyn_perceiver_regnety_3.2gf', dict(depth_factor=(1, 1, 1, 2))),
    'dyn-perceiver_resnet18': ('dyn_perceiver_resnet18', RESNET),
    'dyn-perceiver_resnet34': ('dyn_perceiver_resnet34', RESNET),
    'dyn-perceiver_resnet50-0.375': ('dyn_perceiver_resnet50_0.375_t128', RESNET),
    'dyn-perceiver_resnet50-0.5': ('dyn_perceiver_resnet50', dict(RESNET, width=0.5)),
    'dyn-perceiver_resnet50-0.625': ('dyn_perceiver_resnet50', dict(RESNET, width=0.625)),
    'dyn-perceiver_resnet50-0.75': ('dyn_perceiver_resnet50', dict(RESNET, width=0.75)),
    'dyn-perceiver_resnet50': ('dyn_perceiver_resnet50', RESNET),
    'dyn-perceiver_mobilenetv3-0.75': ('dyn_perceiver_mobilenetv3_0.75_t128', {}),
    **{
        f'dyn-perceiver_mobilenetv3-{width}': (
            'dyn_perceiver_mobilenetv3',
            dict(width=width, depth_factor=(1, 1, 1, 3)),
        )
        for width in (0.5, 1.0, 1.25, 1.5, 2.0)
    },
    'dyn-perceiver_regnety-tiny': (
        'dyn_perceiver_regnety_tiny',
        dict(num_latents=64, depth_factor=(1, 1, 1 / 3, 1)),
    ),
    'msdnet-step4': ('msdnet_imagenet_step4', {}),
    'msdnet-step6': ('msdnet_imagenet_step6', {}),
    'msdnet-step7': ('msdnet_imagenet_step7', {}),
    'msdnet-step2-b7': ('msdnet_cifar_step2_b7', {}),
    'msdnet-step2-b10': ('msdnet_cifar_step2_b10', {}),
    'msdnet-lingrow-b5': ('msdnet_cifar_lingrow_b5', {}),
    'ranet-c32': ('ranet_imagenet_c32', {}),
    'ranet-c64': ('ranet_imagenet_c64', {}),
    'ranet-1233': ('ranet_cifar_1233', {}),
    'static-regnety-400mf': ('static:torchvision/regnet_y_400mf', {}),
    'static-regnety-800mf': ('static:torchvision/regnet_y_800mf', {}),
    'static-regnety-1.6gf': ('static:torchvision/regnet_y_1_6gf', {}),
    'static-regnety-3.2gf': ('static:torchvision/regnet_y_3_2gf', {}),
    'static-resnet50': ('static:torchvision/resnet50', {}),
    'static-mobilenetv3-large': ('static:torchvision/mobilenet_v3_large', {}),
    'static-swin-tiny': ('static:torchvision/swin_t', {}),
    'static-efficientnet-b0': ('static:torchvision/efficientnet_b0', {}),
    'static-levit-128': ('static:timm/levit_128', {}),
    'static-levit-256': ('static:timm/levit_256', {}),
    'static-deit-small': ('static:timm/deit_small_patch16_224', {}),
    'static-crossvit-small': ('static:timm/crossvit_small_240', {}),
    'static-mobilevitv2-1.0': ('static:timm/mobilevitv2_100', {}),
}


every_config = pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
named_configs = pytest.mark.parametrize('path', NAMED, ids=lambda path: path.stem)
configs_of_files = pytest.mark.parametrize(
    'path',
    [path for path in CONFIGS if path.stem.endswith(('_in1k', '_image-files'))],
    ids=lambda path: path.stem,
)


@functools.cache
def read(path):
    return load_config(path)


@functools.cache
def network_of(path):
    """The config's network without numbers in its weights, so that the largest are quick."""
    return network_without_data(read(path))


def scoped_types(entry):
    """Every ``type`` in a config, at any depth."""
    if isinstance(entry, dict):
        if isinstance(entry.get('type'), str):
            yield entry['type']
        for value in entry.values():
            yield from scoped_types(value)
    elif isinstance(entry, (list, tuple)):
        for value in entry:
            yield from scoped_types(value)


def test_there_are_configs():
    folders = {path.parent.name for path in CONFIGS}
    assert folders >= {'demo', 'dyn_perceiver', 'msdnet', 'ranet', 'static', 'tsm', 'tsn'}


@every_config
def test_network_takes_the_samples_of_the_test_split(path):
    config, network = read(path), network_of(path)
    num_classes = config.model.get('head', config.model.get('cls_head')).num_classes
    assert network.heads.in_channels == network.backbone.exit_channels
    samples = torch.empty(2, *config_input_shape(config), device='meta')
    images, frames = fold_frames(samples)
    with torch.no_grad():
        logits = network(images)
    assert [y.shape for y in logits] == [(2 * frames, num_classes)] * len(network.exit_names)
    assert frames % network.num_segments == 0
    if frames == 1:
        assert config.data_preprocessor.num_classes == num_classes


@named_configs
def test_network_is_the_one_that_the_name_says(path):
    name, settings = NETWORKS[path.stem.rsplit('_', 2)[0]]
    num_classes = read(path).model.head.num_classes
    assert_same(network_of(path), name, num_classes=num_classes, **settings)


@every_config
def test_config_declares_its_splits_and_how_to_run_it(path):
    config = read(path)
    assert config.calibration_dataloader.dataset != config.test_dataloader.dataset
    assert config.val_dataloader == config.calibration_dataloader, 'nothing watches the test split'
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    assert docstring
    if path.parent.name != 'demo':  # `make demo` runs those
        assert f'{path.stem}.py' in docstring


@every_config
def test_training_and_calibration_split_are_parts_of_the_same_data(path):
    config = read(path)
    train, calibration = config.train_dataloader.dataset, config.calibration_dataloader.dataset
    if train.type != 'HeldOut':
        assert (train.split, calibration.split) == ('train', 'calibration')
        return
    assert (train.part, calibration.part) == ('rest', 'held_out')
    assert train.size == calibration.size
    ignored = ('pipeline', 'test_mode')
    sources = [
        {key: value for key, value in part.dataset.items() if key not in ignored}
        for part in (train, calibration)
    ]
    assert sources[0] == sources[1]


@named_configs
def test_name_says_batch_epochs_and_data(path):
    config = read(path)
    match = re.search(r'_(\d+)xb(\d+)-(\d+)e_(in1k|cifar10|cifar100)$', path.stem)
    processes, batch, epochs = map(int, match.groups()[:3])
    data = {
        'in1k': ('mmpretrain.ImageNet', 'data/imagenet', 1000, 50_000),
        'cifar10': ('mmpretrain.CIFAR10', 'data/cifar10', 10, 5_000),
        'cifar100': ('mmpretrain.CIFAR100', 'data/cifar100', 100, 5_000),
    }[match[4]]
    assert config.train_dataloader.batch_size == batch
    assert config.auto_scale_lr.base_batch_size == processes * batch
    assert config.train_cfg.max_epochs == epochs
    test, train = config.test_dataloader.dataset, config.train_dataloader.dataset
    for source in (test, train.dataset):
        assert (source.type, source.data_root) == data[:2]
    assert (config.model.head.num_classes, train.size) == data[2:]
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    assert (f'--nproc_per_node {processes} ' in docstring) == (processes > 1)


@every_config
def test_types_of_other_packages_are_scoped(path):
    config = copy.deepcopy(read(path))
    datasets = [config[f'{split}_dataloader'].dataset for split in ('train', 'calibration', 'test')]
    for dataset in datasets[1:]:
        pipeline = dataset.get('dataset', dataset).pipeline
        if pipeline[0].type == 'LoadImageFromFile':  # mmpretrain's inferencers know no other name
            del pipeline[0]
    registries = (MODELS, DATASETS, TRANSFORMS, WEIGHT_INITIALIZERS)
    known = {
        name
        for registry in registries
        for name, kind in registry.module_dict.items()
        if registry is WEIGHT_INITIALIZERS or kind.__module__.startswith('dynp_plugins.')
    }
    for name in scoped_types([config.model, config.data_preprocessor, *datasets]):
        assert name.startswith(('mmpretrain.', 'mmaction.')) or name in known, name


@configs_of_files
def test_inferencers_can_leave_out_the_loading_step(path):
    config = read(path)
    assert config.default_scope == 'mmpretrain'
    assert config.test_dataloader.dataset.pipeline[0].type == 'LoadImageFromFile'


@configs_of_files
def test_pipelines_turn_a_file_into_a_picture_of_the_network_size(path, tmp_path):
    config = read(path)
    pipelines = [config.train_dataloader.dataset, config.test_dataloader.dataset]
    pipelines = [data.get('dataset', data).pipeline for data in pipelines]
    picture = np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8)
    Image.fromarray(picture).save(tmp_path / 'picture.png')
    with DefaultScope.overwrite_default_scope(config.default_scope):
        for pipeline in pipelines:
            sample = Compose(pipeline)(dict(img_path=str(tmp_path / 'picture.png'), gt_label=3))
            assert sample['inputs'].shape == config_input_shape(config)
            assert sample['data_samples'].gt_label == 3


@pytest.fixture
def cifar(monkeypatch, tmp_path):
    """Made-up pictures in files like those of CIFAR; mmpretrain does not compare their hashes."""
    random = np.random.default_rng(0)
    for folder, labels, classes, files in (
        ('cifar-10-batches-py', 'labels', 10, [f'data_batch_{i}' for i in range(1, 6)]),
        ('cifar-100-python', 'fine_labels', 100, ['train']),
    ):
        (tmp_path / folder).mkdir()
        for name in [*files, 'test_batch' if classes == 10 else 'test']:
            count = 5500 // len(files) if name in files else 100
            content = {
                'data': random.integers(0, 255, (count, 3072), np.uint8),
                labels: [i % classes for i in range(count)],
            }
            (tmp_path / folder / name).write_bytes(pickle.dumps(content))
    monkeypatch.setattr(CIFAR10, '_check_integrity', lambda dataset: True)
    return tmp_path


@pytest.mark.parametrize('data', ['cifar10', 'cifar100'])
def test_cifar_splits(cifar, data):
    config = load_config(CLASSIFICATION / 'msdnet' / f'msdnet-step2-b7_1xb64-300e_{data}.py')
    config.calibration_dataloader.dataset.dataset.data_root = str(cifar)
    config.test_dataloader.dataset.data_root = str(cifar)
    config.train_dataloader.dataset.dataset.data_root = str(cifar)
    config.train_dataloader.sampler.shuffle = False
    loaders = {split: build_split(config, split) for split in ('train', 'calibration', 'test')}
    datasets = {split: loader.dataset for split, loader in loaders.items()}
    assert [len(dataset) for dataset in datasets.values()] == [500, 5000, 100]
    assert not set(datasets['train'].indices) & set(datasets['calibration'].indices)
    for dataset in datasets.values():
        assert len(dataset.metainfo['classes']) == config.model.head.num_classes
        assert dataset[0]['inputs'].shape == (3, 32, 32)
    # Crops and flips change a training picture from one reading to the next, and no other.
    for split, dataset in datasets.items():
        readings = {dataset[7]['inputs'].numpy().tobytes() for _ in range(8)}
        assert (len(readings) > 1) == (split == 'train')


@pytest.mark.parametrize(
    'name',
    [
        'dyn_perceiver/dyn-perceiver_regnety-tiny_1xb64-300e_cifar10',
        'msdnet/msdnet-lingrow-b5_1xb64-300e_cifar100',
        'ranet/ranet-1233_1xb64-300e_cifar10',
    ],
)
def test_a_training_step_changes_the_weights(name):
    torch.manual_seed(0)
    config = load_config(CLASSIFICATION / f'{name}.py')
    classifier = build_classifier(config).train()
    optimizer = build_optim_wrapper(classifier, config.optim_wrapper)
    before = {key: value.clone() for key, value in classifier.named_parameters()}
    size = classifier.head.num_classes
    batch = {
        'inputs': torch.randint(0, 255, (8, 3, 32, 32), dtype=torch.uint8),
        'data_samples': [DataSample().set_gt_label(label % size) for label in range(8)],
    }
    losses = classifier.train_step(batch, optimizer)
    assert torch.isfinite(losses['loss'])
    # The CNN's last norms start at zero, and what lies before them gets no gradient yet.
    moved = [not torch.equal(before[key], value) for key, value in classifier.named_parameters()]
    assert sum(moved) > 0.9 * len(moved)
