"""A small detector on six made-up pictures a split, as files: config, weights and COCO folder."""

import json

import numpy as np
from PIL import Image

from tests.inference.tiny_detectors import CLASSES, make_detector, save_weights, write_config

SPLITS = {'calibration': 6, 'test': 6}

_DATA = """
custom_imports = dict(imports=['dynp_plugins.openmmlab'])
data_root = {root!r}
test_dataloader = dict(batch_size=4, dataset=dict(_delete_=True, {test}))
calibration_dataloader = dict(
    batch_size=2, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict({calibration}))
test_cfg = dict(type='TestLoop')
test_evaluator = dict(
    type='mmdet.CocoMetric', ann_file={root!r} + '/test.json', metric='bbox', format_only=False)
{text}
"""
_DATASET = """
    type='CocoFiles', data_root={root!r}, data_prefix=dict(img='images'),
    ann_file='{split}.json', test_mode=True, pipeline=[
        dict(type='LoadImageFromFile'),
        dict(type='Resize', scale=(64, 48), keep_ratio=True),
        dict(type='LoadAnnotations', with_bbox=True),
        dict(type='PackDetInputs', meta_keys=(
            'img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'))]"""


def write_scenes(folder, splits=SPLITS):
    """Pictures of coloured rectangles and their json, a crowd among them."""
    random, number = np.random.default_rng(0), 0
    (folder / 'images').mkdir(parents=True, exist_ok=True)
    for split, count in splits.items():
        images, annotations = [], []
        for i in range(1, count + 1):
            number += 1
            width, height = [(64, 48), (48, 64), (80, 40)][number % 3]
            pixels = random.integers(60, 120, (height, width, 3), dtype=np.uint8)
            for _ in range(random.integers(1, 4)):
                label = int(random.integers(len(CLASSES)))
                left, top = random.integers(0, 24, 2).tolist()
                w, h = random.integers(8, 16, 2).tolist()
                pixels[top : top + h, left : left + w] = 0
                pixels[top : top + h, left : left + w, label] = 250
                annotations.append(
                    {
                        'id': len(annotations) + 1,
                        'image_id': i,
                        'category_id': label + 1,
                        'bbox': [left, top, w, h],
                        'area': w * h * 0.75,
                        'iscrowd': int(number % 4 == 0),
                    }
                )
            name = f'{number}.png'
            Image.fromarray(pixels).save(folder / 'images' / name)
            images.append({'id': i, 'file_name': name, 'width': width, 'height': height})
        categories = [{'id': k, 'name': name} for k, name in enumerate(CLASSES, 1)]
        content = {'images': images, 'annotations': annotations, 'categories': categories}
        (folder / f'{split}.json').write_text(json.dumps(content))
    return folder


def write_detector(folder, data, name='tiny', text=''):
    """Its config and its checkpoint."""
    base = write_config(folder / f'{name}_base.py')
    datasets = {s: _DATASET.format(root=str(data), split=s) for s in ('calibration', 'test')}
    config = folder / f'{name}.py'
    config.write_text(
        f'_base_ = {str(base)!r}\n' + _DATA.format(root=str(data), text=text, **datasets)
    )
    weights = folder / f'{name}.pth'
    if not weights.exists():
        save_weights(make_detector(config), weights, dataset_meta={'classes': CLASSES})
    return config, weights
