"""A small folder of pictures with boxes in COCO format, for tests to break."""

import copy
import json

import numpy as np
from PIL import Image

CONTENT = {
    'images': [
        {'id': 1, 'file_name': 'a.png', 'width': 40, 'height': 30},
        {'id': 2, 'file_name': 'b.jpg', 'width': 24, 'height': 36},
        {'id': 3, 'file_name': 'c.png', 'width': 32, 'height': 32},
    ],
    'annotations': [
        {'id': 1, 'image_id': 1, 'category_id': 7, 'bbox': [2, 3, 10, 12], 'area': 120},
        {'id': 2, 'image_id': 1, 'category_id': 4, 'bbox': [20, 0, 20, 30], 'area': 500},
        {'id': 3, 'image_id': 2, 'category_id': 7, 'bbox': [1.5, 2.5, 8, 8], 'area': 64},
        {'id': 4, 'image_id': 3, 'category_id': 4, 'bbox': [0, 0, 32, 32], 'area': 1024},
    ],
    'categories': [{'id': 7, 'name': 'cat'}, {'id': 4, 'name': 'dog'}],
}


def made_content():
    """A copy of the content, for a test to change."""
    return copy.deepcopy(CONTENT)


def make_pictures(folder, images=CONTENT['images']):
    """The picture of every entry, of the size that the entry has."""
    rng = np.random.RandomState(0)
    for image in images:
        path = folder / image['file_name']
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.randint(0, 256, (image['height'], image['width'], 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)


def make_coco(root, content=None, name='boxes.json'):
    """Pictures in ``root/images``, and the json beside; returns the path of the json."""
    content = made_content() if content is None else content
    make_pictures(root / 'images')
    path = root / name
    path.write_text(json.dumps(content))
    return path
