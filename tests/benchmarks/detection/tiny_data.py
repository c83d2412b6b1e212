"""A folder of a few small images in COCO format, and a config of a tiny detector for it."""

import json
from pathlib import Path

import numpy as np
from mmengine.config import Config
from PIL import Image

from .tiny_detectors import detector_config

SIZES = ((60, 90), (90, 60), (60, 90), (40, 40))
"""(height, width) of the images. At the scale (96, 64) they become 64 x 96, 96 x 64 and 64 x 64, of
which 32 divides all sides."""


def write_images(folder: Path, sizes=SIZES) -> None:
    """Noise with one box each; ``folder/images`` and ``folder/instances.json``."""
    (folder / 'images').mkdir(parents=True)
    random = np.random.default_rng(0)
    images, annotations = [], []
    for number, (height, width) in enumerate(sizes, 1):
        pixels = random.integers(0, 256, (height, width, 3), np.uint8)
        Image.fromarray(pixels).save(folder / 'images' / f'{number}.png')
        images.append(
            {'id': number, 'file_name': f'{number}.png', 'width': width, 'height': height}
        )
        annotations.append(
            {
                'id': number,
                'image_id': number,
                'category_id': 1 + number % 3,
                'bbox': [4.0 * number, 5.0, 20.0, 24.0],
                'area': 480.0,
                'iscrowd': 0,
            }
        )
    categories = [{'id': k, 'name': f'thing {k}'} for k in (1, 2, 3)]
    content = {'images': images, 'annotations': annotations, 'categories': categories}
    (folder / 'instances.json').write_text(json.dumps(content))


def tiny_config(folder: Path, name: str, scale=(96, 64)) -> Path:
    """A config file of a detector in `tiny_detectors.MODELS`, all whose splits are those images."""
    pipeline = [
        {'type': 'LoadImageFromFile'},
        {'type': 'mmdet.Resize', 'scale': scale, 'keep_ratio': True},
        {'type': 'mmdet.LoadAnnotations', 'with_bbox': True},
        {
            'type': 'mmdet.PackDetInputs',
            'meta_keys': ('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'),
        },
    ]
    training = [*pipeline[:1], pipeline[2], {'type': 'mmdet.RandomCrop', 'crop_size': (32, 32)}]
    dataset = {
        'type': 'CocoFiles',
        'data_root': str(folder),
        'ann_file': 'instances.json',
        'data_prefix': 'images',
    }
    loader = {'batch_size': 2, 'num_workers': 0}
    test = {**loader, 'dataset': {**dataset, 'pipeline': pipeline, 'test_mode': True}}
    train = {
        **loader,
        'dataset': {
            'type': 'RepeatDataset',
            'times': 2,
            'dataset': {**dataset, 'pipeline': [*training, pipeline[3]]},
        },
    }
    model = detector_config(name)
    content = {
        'default_scope': 'mmdet',
        'custom_imports': {'imports': ['dynp_plugins.openmmlab']},
        'model': {**model, 'type': f'mmdet.{model["type"]}'},
        'train_dataloader': train,
        'calibration_dataloader': test,
        'test_dataloader': test,
    }
    path = folder / f'{name.lower()}.py'
    Config(content).dump(path)
    return path
