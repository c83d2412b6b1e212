"""Folders in COCO format, the embedded scenes, and the configs of detection data."""

import copy
import json
import logging
import os
import pickle
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import DATASETS, DefaultScope
from mmengine.runner import Runner
from PIL import Image

import dynp_plugins.openmmlab  # noqa: F401
from dynp_plugins import UserError
from dynp_plugins.datasets import digit_scenes
from dynp_plugins.openmmlab.config_files import load_config
from tests.conftest import REPOSITORY
from tests.datasets.made_coco import made_content, make_coco, make_pictures

BASES = REPOSITORY / 'configs' / '_base_' / 'datasets'
OWN = REPOSITORY / (
    'configs/detection/dyn_perceiver/retinanet_dyn-perceiver-regnety-tiny_fpn_coco-files.py'
)
BCCD = Path(os.environ.get('DYNP_BCCD', REPOSITORY.parent / 'shared' / 'data' / 'bccd'))
PIPELINE = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    dict(type='mmdet.Resize', scale=(80, 60), keep_ratio=True),
    dict(type='mmdet.LoadAnnotations', with_bbox=True),
    dict(type='mmdet.PackDetInputs', meta_keys=('img_id', 'ori_shape', 'instances')),
]
SPLITS = ('train', 'calibration', 'test')


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('mmdet'):
        yield


@pytest.fixture
def warnings():
    """What mmengine's logger warns of; it hands nothing on to the loggers pytest watches."""
    messages = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: messages.append(record.getMessage())
    logger = MMLogger.get_current_instance()
    logger.addHandler(handler)
    yield messages
    logger.removeHandler(handler)


def coco_files(root, **settings):
    config = dict(
        type='CocoFiles',
        data_root=str(root),
        ann_file='boxes.json',
        data_prefix='images',
        pipeline=PIPELINE,
    )
    return DATASETS.build(config | settings)


def instances(dataset):
    return [dataset.get_data_info(i)['instances'] for i in range(len(dataset))]


def test_pictures_boxes_and_classes_are_those_of_the_json(tmp_path):
    make_coco(tmp_path)
    dataset = coco_files(tmp_path, test_mode=True)
    assert dataset.metainfo['classes'] == ('cat', 'dog')
    assert len(dataset) == 3
    info = dataset.get_data_info(1)
    assert info['img_path'] == str(tmp_path / 'images' / 'b.jpg')
    assert (info['img_id'], info['width'], info['height']) == (2, 24, 36)
    assert info['instances'] == [
        {'bbox': [1.5, 2.5, 9.5, 10.5], 'bbox_label': 0, 'ignore_flag': 0, 'area': 64}
    ]
    assert dataset.get_cat_ids(0) == [0, 1]
    sample = dataset[0]
    assert sample['inputs'].shape == (3, 60, 80)
    truth = sample['data_samples'].gt_instances
    # In pixels of the original, as the boxes are loaded behind the resize.
    assert truth.bboxes.tensor.tolist() == [[2, 3, 12, 15], [20, 0, 40, 30]]
    assert truth.labels.tolist() == [0, 1]
    assert sample['data_samples'].ori_shape == (30, 40)


def test_given_classes_number_the_boxes_whatever_the_order_of_the_json(tmp_path, warnings):
    make_coco(tmp_path)
    turned = coco_files(tmp_path, metainfo=dict(classes=('dog', 'cat')))
    assert turned.metainfo['classes'] == ('dog', 'cat')
    assert [turned.get_cat_ids(i) for i in range(3)] == [[1, 0], [1], [0]]
    one = coco_files(tmp_path, metainfo=dict(classes=('dog',)), data_prefix=dict(img='images'))
    assert [one.get_cat_ids(i) for i in range(3)] == [[0], [], [0]]
    assert 'no class of the dataset, left out: cat' in warnings[0]
    more = coco_files(tmp_path, metainfo=dict(classes=('bird', 'cat', 'dog')))
    assert [more.get_cat_ids(i) for i in range(3)] == [[1, 2], [1], [2]]
    with pytest.raises(UserError, match=r'no category bird, .* but dog: make the names agree'):
        coco_files(tmp_path, metainfo=dict(classes=('bird', 'cat')))


def test_crowds_and_ignored_boxes_are_to_be_ignored(tmp_path):
    content = made_content()
    content['annotations'][0]['iscrowd'] = 1
    content['annotations'][1]['ignore'] = 1
    make_coco(tmp_path, content)
    flags = [[i['ignore_flag'] for i in image] for image in instances(coco_files(tmp_path))]
    assert flags == [[1, 1], [0], [0]]


def broken():
    content = made_content()
    content['images'].append({'id': 4, 'file_name': 'z.png', 'width': 9, 'height': 9})
    content['annotations'][0]['bbox'] = [2, 3, 0, 12]
    content['annotations'][1]['bbox'] = [20, 0, 25, 30]
    content['annotations'][3]['category_id'] = 5
    return content


def test_what_is_wrong_stops_the_run_before_it_begins(tmp_path):
    path = make_coco(tmp_path, broken())
    with pytest.raises(UserError) as error:
        coco_files(tmp_path)
    text = str(error.value)
    assert text.startswith(f'{path} and its pictures have 4 errors:\n')
    for part in (
        f'missing picture, 1: put it there, or mend file_name or the folder of the pictures\n    '
        f'image 4 (z.png) is not in {tmp_path}/images',
        'empty box, 1: ',
        'annotation 2 (annotations[1]) of image 1 (a.png): bbox=[20, 0, 25, 30] reaches 5 pixels',
        'no category has the id 5',
        f'python tools/check_dataset.py {path} {tmp_path}/images tells all',
        "problems='skip'",
    ):
        assert part in text


def test_what_is_wrong_can_be_left_out(tmp_path, warnings):
    make_coco(tmp_path, broken())
    dataset = coco_files(tmp_path, problems='skip')
    assert [len(image) for image in instances(dataset)] == [1, 1, 0]
    assert instances(dataset)[0][0]['bbox'] == [20, 0, 40, 30]
    assert 'left out or mended, 4 errors' in warnings[0]
    for part in ('image 4 (z.png)', 'empty box', 'over the edge', 'id 5'):
        assert part in warnings[0]
    filtered = coco_files(tmp_path, problems='skip', filter_cfg=dict(filter_empty_gt=True))
    assert [filtered.get_data_info(i)['img_id'] for i in range(len(filtered))] == [1, 2]


def test_what_is_only_to_be_known_is_logged(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(
        'dynp_plugins.openmmlab.datasets.coco_files.print_log', lambda text, **_: told.append(text)
    )
    content = made_content()
    del content['annotations'][0]['area'], content['annotations'][3]
    path = make_coco(tmp_path, content)
    assert len(coco_files(tmp_path)) == 3
    assert told == [
        f'{path}, no errors but to be known: no area (1), image without boxes (1)',
    ]


def test_a_picture_damaged_inside_is_named_when_it_is_met(tmp_path, warnings):
    make_coco(tmp_path)
    path = tmp_path / 'images' / 'b.jpg'
    path.write_bytes(path.read_bytes()[:-100])
    dataset = coco_files(tmp_path)
    assert dataset[0]['inputs'].shape == (3, 60, 80)
    with pytest.raises(UserError, match=r"cannot read the picture .*b\.jpg: .*problems='skip'"):
        dataset[1]
    assert len(coco_files(tmp_path, problems='skip')) == 2
    assert 'b.jpg' in warnings[0]
    os.remove(path)
    with pytest.raises(UserError, match=r'cannot read the picture .*b\.jpg: does not exist'):
        dataset[1]


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(problems='ignore'), "problems='ignore': choose 'stop' or 'skip'"),
        (dict(pictures='some'), "pictures='some': choose 'names', 'headers' or 'pixels'"),
        (dict(data_prefix='pictures'), 'there is no picture folder .*pictures; set data_root'),
        (dict(ann_file='box.json'), r'no annotation file .*box\.json in .*; it has boxes\.json'),
    ],
)
def test_settings_that_cannot_work(tmp_path, settings, message):
    make_coco(tmp_path)
    with pytest.raises(UserError, match=message):
        coco_files(tmp_path, **settings)


def test_nothing_left_is_an_error(tmp_path):
    content = made_content()
    for image in content['images']:
        image['width'] = 1
    make_coco(tmp_path, content)
    with pytest.raises(UserError, match=r'no image is left; python tools/check_dataset\.py'):
        coco_files(tmp_path, problems='skip')


def test_a_dataset_survives_pickling(tmp_path):
    make_coco(tmp_path)
    dataset = pickle.loads(pickle.dumps(coco_files(tmp_path)))
    assert dataset[2]['data_samples'].gt_instances.labels.tolist() == [1]


@pytest.mark.slow  # a process of its own
def test_who_only_classifies_does_not_import_the_datasets_of_mmdet():
    code = (
        'import sys, dynp_plugins.openmmlab; from mmengine.registry import DATASETS; '
        "assert DATASETS.get('CocoFiles') and DATASETS.get('EmbeddedScenes'); "
        "print('mmdet.datasets' in sys.modules)"
    )
    answer = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.splitlines()[-1] == 'False'


def loaders(config):
    """The config's loaders, in this process; validation is on the calibration split."""
    assert config.val_dataloader == config.calibration_dataloader
    for split in SPLITS:
        loader = copy.deepcopy(config[f'{split}_dataloader'])
        loader.num_workers = 0
        yield split, Runner.build_dataloader(loader, seed=0)


def file_names(dataset):
    return [Path(dataset.get_data_info(i)['img_path']).name for i in range(len(dataset))]


def test_embedded_scenes_are_loaded_by_their_config(tmp_path, monkeypatch):
    monkeypatch.setenv('DYNP_CACHE', str(tmp_path))
    monkeypatch.setattr(digit_scenes, 'DEFAULT_SIZES', {'train': 6, 'calibration': 2, 'test': 3})
    monkeypatch.setattr(
        digit_scenes.load_digit_scenes, '__kwdefaults__', {'sizes': digit_scenes.DEFAULT_SIZES}
    )
    config = Config.fromfile(BASES / 'embedded_scenes.py')
    config.train_dataloader.batch_size = 2
    assert not any('Flip' in step['type'] for step in config.train_pipeline)
    lengths = {}
    for split, loader in loaders(config):
        lengths[split] = len(loader.dataset)
        assert loader.dataset.metainfo['classes'] == tuple('0123456789')
        batch = next(iter(loader))
        assert all(max(image.shape[1:]) <= 128 for image in batch['inputs'])
        if split != 'train':
            # Scenes keep their size.
            for image, sample in zip(batch['inputs'], batch['data_samples'], strict=True):
                assert image.shape[1:] == sample.ori_shape
                boxes = [instance['bbox'] for instance in sample.instances]
                assert sample.gt_instances.bboxes.tensor.tolist() == boxes
    assert lengths == {'train': 6, 'calibration': 2, 'test': 3}


def test_own_folders_need_neither_class_names_nor_numbers(tmp_path, monkeypatch):
    content = made_content()
    names = [f'{i:02}.png' for i in range(20)]
    content['images'] = [
        {'id': i, 'file_name': name, 'width': 40, 'height': 48} for i, name in enumerate(names, 1)
    ]
    make_pictures(tmp_path / 'photos', content['images'])
    (tmp_path / 'all.json').write_text(json.dumps(content))
    make_coco(tmp_path / 'new', made_content() | {'categories': content['categories'][::-1]})
    for name, value in {
        'DATA_ROOT': tmp_path,
        'TRAIN': 'all.json',
        'IMAGES': 'photos',
        'TEST': 'new/boxes.json',
        'TEST_IMAGES': 'new/images',
        'SIZE': '64',
    }.items():
        monkeypatch.setenv(name, str(value))
    config = load_config(OWN)
    assert config.model.bbox_head.num_classes == 2
    assert config.classes == ('cat', 'dog')
    assert 'importlib' not in config.pretty_text
    files = {}
    for split, loader in loaders(config):
        assert loader.dataset.metainfo['classes'] == ('cat', 'dog')
        files[split] = file_names(loader.dataset)
        assert sum(len(batch['inputs']) for batch in loader) == len(files[split])
    assert len(files['calibration']) == 2
    assert sorted(files['calibration'] + files['train']) == names
    assert files['test'] == ['a.png', 'b.jpg', 'c.png']


def test_own_folders_config_can_be_read_without_data(tmp_path, monkeypatch):
    monkeypatch.setenv('DATA_ROOT', str(tmp_path))
    config = load_config(OWN)
    assert config.model.bbox_head.num_classes == 1
    with pytest.raises(UserError, match=r'no annotation file .*train\.json'):
        DATASETS.build(config.train_dataloader.dataset)
    (tmp_path / 'train.json').write_text('[]')
    with pytest.raises(UserError, match=r'train\.json is no COCO file for detection'):
        load_config(OWN)


@pytest.mark.skipif(not BCCD.is_dir(), reason=f'no BCCD at {BCCD} (set DYNP_BCCD)')
def test_bccd_is_read_as_published(monkeypatch):
    monkeypatch.setenv('DATA_ROOT', str(BCCD))
    config = Config.fromfile(BASES / 'bccd.py')
    boxes = {}
    for split, loader in loaders(config):
        assert loader.dataset.metainfo['classes'] == ('RBC', 'WBC', 'Platelets')
        boxes[split] = sum(map(len, instances(loader.dataset)))
        batch = next(iter(loader))
        if split != 'train':
            assert {image.shape[1:] for image in batch['inputs']} == {config.scale[::-1]}
    assert boxes == {'train': 2804, 'calibration': 1137, 'test': 945}


def test_coco_in_its_standard_layout(tmp_path, monkeypatch):
    for part, number in (('train2017', 60), ('val2017', 3)):
        images = [
            {'id': i, 'file_name': f'{i:012}.jpg', 'width': 40, 'height': 48}
            for i in range(1, number + 1)
        ]
        make_pictures(tmp_path / 'data/coco' / part, images)
        content = made_content() | {'images': images}
        content['annotations'] += [
            {'id': 9, 'image_id': 1, 'category_id': 4, 'bbox': [3, 3, 0, 5], 'area': 0}
        ]
        path = tmp_path / 'data/coco/annotations' / f'instances_{part}.json'
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content))
    monkeypatch.chdir(tmp_path)
    config = Config.fromfile(BASES / 'coco_detection.py')
    assert Path(config.test_evaluator.ann_file).is_file()
    assert 'ann_file' not in config.val_evaluator
    files = {split: file_names(loader.dataset) for split, loader in loaders(config)}
    assert len(files['calibration']) == 2
    held_out = set(files['calibration'])
    # Trained on are the others, of which only three have boxes.
    with_boxes = {f'{i:012}.jpg' for i in (1, 2, 3)}
    assert set(files['train']) == with_boxes - held_out
    assert len(files['test']) == 3


def make_voc(folder, lists):
    """Pictures of 50 x 40 with a box each, the even ones difficult."""
    rng = np.random.RandomState(0)
    for part in ('Annotations', 'ImageSets/Main', 'JPEGImages'):
        (folder / part).mkdir(parents=True)
    for name, stems in lists.items():
        (folder / 'ImageSets/Main' / f'{name}.txt').write_text('\n'.join(stems) + '\n')
        for number, stem in enumerate(stems):
            pixels = rng.randint(0, 256, (40, 50, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / 'JPEGImages' / f'{stem}.jpg')
            root = ET.Element('annotation')
            size, thing = ET.SubElement(root, 'size'), ET.SubElement(root, 'object')
            box = ET.SubElement(thing, 'bndbox')
            for parent, key, value in (
                (size, 'width', 50),
                (size, 'height', 40),
                (thing, 'name', 'dog'),
                (thing, 'difficult', int(number % 2 == 0)),
                (box, 'xmin', 3),
                (box, 'ymin', 5),
                (box, 'xmax', 40),
                (box, 'ymax', 39),
            ):
                ET.SubElement(parent, key).text = str(value)
            ET.ElementTree(root).write(folder / 'Annotations' / f'{stem}.xml')


def test_voc_in_its_standard_layout(tmp_path, monkeypatch):
    devkit = tmp_path / 'data/VOCdevkit'
    make_voc(
        devkit / 'VOC2007',
        {'trainval': [f'{i:06}' for i in range(20)], 'test': [f'{i:06}' for i in range(20, 23)]},
    )
    make_voc(devkit / 'VOC2012', {'trainval': [f'2008_{i:06}' for i in range(10)]})
    monkeypatch.chdir(tmp_path)
    config = Config.fromfile(BASES / 'voc0712.py')
    files = {}
    for split, loader in loaders(config):
        files[split] = file_names(loader.dataset)
        assert loader.dataset.metainfo['classes'].index('dog') == 11
        info = loader.dataset.get_data_info(0)
        assert info['instances'][0]['bbox'] == [2, 4, 39, 38]
        assert info['instances'][0]['bbox_label'] == 11
        assert {i['ignore_flag'] for image in instances(loader.dataset) for i in image} <= {0, 1}
        batch = next(iter(loader))
        assert all(tuple(image.shape) == (3, 600, 750) for image in batch['inputs'])
    assert len(files['calibration']) == 3
    assert len(set(files['train'] + files['calibration'])) == 30
    assert sum(name.startswith('2008') for name in files['calibration']) == 1
    assert files['test'] == ['000020.jpg', '000021.jpg', '000022.jpg']


def test_metrics_count_only_the_pictures_of_the_part(tmp_path, monkeypatch):
    """A part in which every box is found has an mAP of 1, whatever the other parts hold."""
    from mmdet.evaluation import CocoMetric

    make_coco(tmp_path)
    config = dict(
        type='HeldOut',
        part='held_out',
        size=1 / 3,
        dataset=dict(
            type='CocoFiles',
            data_root=str(tmp_path),
            ann_file='boxes.json',
            data_prefix='images',
            pipeline=PIPELINE,
            test_mode=True,
        ),
    )
    part = DATASETS.build(config)
    assert len(part) == 1
    metric = CocoMetric(metric='bbox')
    metric.dataset_meta = part.metainfo
    sample = part[0]['data_samples'].to_dict()
    sample['pred_instances'] = {
        'bboxes': sample['gt_instances']['bboxes'].tensor,
        'labels': sample['gt_instances']['labels'],
        'scores': torch.ones(len(sample['gt_instances']['labels'])),
    }
    metric.process({}, [sample])
    assert metric.evaluate(1)['coco/bbox_mAP'] == 1.0
