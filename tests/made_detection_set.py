"""A folder of ten pictures of noise with boxes of two classes, in COCO format."""

import itertools
import json
from pathlib import Path
from typing import Any

from tests.datasets.made_coco import make_pictures

CLASSES = ('cat', 'dog')
PICTURES = 10
_BOXES = ([2, 3, 30, 32], [20, 10, 40, 30], [0, 0, 16, 20])

UNFORMATTED = ('yapf.yapflib.yapf_api.FormatCode', lambda text, **_: (text, False))
"""To be patched: mmengine formats the config five times per run, longer than a small run takes."""


def make_detection_set(folder: Path) -> Path:
    """Write ``train.json``, ``test.json`` and the pictures of both in ``images``."""
    make_pictures(folder / 'images', write_json(folder / 'train.json'))
    write_json(folder / 'test.json')
    return folder


def write_json(path: Path, classes: tuple[str, ...] = CLASSES) -> list[dict[str, Any]]:
    """Two boxes in every picture, each of its class; returns the entries of the pictures."""
    images = [
        {'id': i, 'file_name': f'{i}.png', 'width': 64, 'height': 48} for i in range(PICTURES)
    ]
    annotations = [
        {
            'id': i,
            'image_id': i % PICTURES,
            'category_id': i % len(classes),
            'bbox': box,
            'area': box[2] * box[3],
            'iscrowd': 0,
        }
        for i, box in zip(range(2 * PICTURES), itertools.cycle(_BOXES), strict=False)
    ]
    categories = [{'id': i, 'name': name} for i, name in enumerate(classes)]
    content = dict(images=images, annotations=annotations, categories=categories)
    path.write_text(json.dumps(content))
    return images
