"""Detection tables made at random, for tests of what is computed from them."""

import hashlib

import numpy as np

from benchmarks.detection.table import DetectionTableBuilder, ImageDetections

CLASSES = ('red', 'white', 'platelet')


def made_up_image(
    true=(), found=(), crowd=None, areas=None, number=0, size=(640, 480), macs=(7, 2, 1)
):
    """An image with what is there and what is found.

    Args:
        true: (label, left, top, right, bottom) each.
        found: (score, label, left, top, right, bottom) each.
        crowd: By true object; False by default.
        areas: Likewise; those of the boxes by default.
        number: Images of other numbers are others.
    """
    true = np.array(true, float).reshape(-1, 5)
    found = np.array(found, float).reshape(-1, 6)
    boxes = true[:, 1:]
    return ImageDetections(
        boxes=found[:, 2:].astype(np.float32),
        scores=found[:, 0].astype(np.float32),
        labels=found[:, 1].astype(int),
        true_boxes=boxes,
        true_labels=true[:, 0].astype(int),
        crowd=np.zeros(len(true), bool) if crowd is None else np.array(crowd, bool),
        areas=(boxes[:, 2:] - boxes[:, :2]).prod(1) if areas is None else np.array(areas, float),
        size=size,
        source=f'/pictures/{number}.jpg',
        picture=hashlib.sha256(str(number).encode()).digest()[:16],
        macs=macs,
        other_ops=[1, 0, 0],
    )


def table_of(images, classes=CLASSES, **manifest):
    """A table with the manifest that a pass and `measure_detector` write."""
    builder = DetectionTableBuilder(classes)
    for image in images:
        builder.add(image)
    pictures = b''.join(image.picture for image in images)
    return builder.build(
        **{
            'split': 'test',
            'scale': [640, 480],
            'model': 'net',
            'index_sha256': hashlib.sha256(pictures).hexdigest(),
            'config_sha256': 'c' * 64,
            'weights_sha256': 'w' * 64,
            **manifest,
        }
    )


def random_images(images=12, found=30, seed=0, skill=0.6, classes=3, ties=False, first=0, cost=1):
    """Images of up to seven objects, and detections of a simulated detector.

    What is there depends on ``seed`` and ``first`` alone; ``skill`` is the share of the detections
    that are aimed at an object, and makes them more exact.

    Args:
        ties: Scores are rounded to few values, as often of boxes in different images.
        first: Number of the first image.
        cost: Multiplies the MACs.
    """
    pictures, random = np.random.default_rng([seed, first]), np.random.default_rng(seed + 1)
    made = []
    for i in range(images):
        objects = pictures.integers(0, 8)
        corner = pictures.uniform(0, 400, (objects, 2)).round(1)
        side = np.exp(pictures.uniform(2.5, 5.5, (objects, 2))).round(1)
        true = np.hstack([pictures.integers(classes, size=(objects, 1)), corner, corner + side])
        boxes = np.empty((0, 6))
        for _ in range(found):
            if objects and random.random() < skill:
                label, *box = true[random.integers(objects)]
                size = np.tile(np.subtract(box[2:], box[:2]), 2)
                shift = random.normal(0, 0.02 + 0.15 * (1 - skill), 4) * size
                box, score = box + shift, random.beta(4, 2)
                label = label if random.random() < 0.9 else random.integers(classes)
            else:
                left, top = random.uniform(0, 400, 2)
                box = [left, top, left + random.uniform(5, 200), top + random.uniform(5, 200)]
                label, score = random.integers(classes), random.beta(2, 4)
            score = round(score, 1) if ties else score
            boxes = np.vstack([boxes, [score, label, *box]])
        if ties:  # none within one class of one image
            _, kept = np.unique(boxes[:, :2], axis=0, return_index=True)
            boxes = boxes[kept]
        made.append(
            made_up_image(
                true,
                boxes,
                crowd=pictures.random(objects) < 0.1,
                number=first + i,
                macs=(cost * (700 + 10 * (i % 3)), cost * 200, cost * 100),
            )
        )
    return made
