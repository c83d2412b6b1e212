"""Results of detectors that look like measured ones, in every part that a report can show."""

import base64
import io
from itertools import combinations

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.detection_records import (
    PARTS,
    ClassAP,
    DetectionGallery,
    DetectionMetrics,
    DetectionPicture,
    DetectorComparison,
    DetectorResult,
    PartCost,
    PictureBox,
    ScaleLatency,
    ScalePoint,
)
from benchmarks.interval import Interval
from benchmarks.results import DETECTION, FileRecord, SplitRecord, TrainingRecord
from benchmarks.timing_records import Timing

from .made_up_results import made_up_results, sha256

SIZES = (128, 192, 256, 320, 384)
"""Shorter sides in pixels; images are a half longer."""

PART_SHARES = {'backbone': 0.55, 'neck': 0.15, 'head': 0.30}

NO_METRICS = DetectionMetrics(None, None, None, None, None, None)


def made_up_detector(
    name='retinanet_dyn-perceiver',
    cost=1.0,
    skill=0.0,
    sizes=SIZES,
    seed=0,
    classes=tuple(f'digit {k}' for k in range(10)),
    gallery=True,
    latency=True,
    **changes,
):
    """A `DetectorResult` of a detector that nobody has trained.

    Args:
        cost: Multiplies its MACs.
        skill: Points of mAP that are added.
        sizes: Shorter sides of its scales.
        gallery: Whether there is one; or the gallery. ``latency`` likewise.
        changes: Other fields of `DetectorResult` to set.
    """
    random = np.random.default_rng([seed, *name.encode(errors='replace')])
    points = _points(sizes, cost, skill, classes, latency, random)
    fields = {
        'name': name,
        'source': 'ours',
        'task': DETECTION,
        'dataset': 'embedded scenes',
        'detector': 'RetinaNet',
        'backbone': 'DynPerceiver regnety_tiny',
        'config': FileRecord('configs/detection/scenes/retinanet_dyn-perceiver.py', sha256(name)),
        'checkpoint': FileRecord('work_dirs/scenes/last.pth', sha256(f'{name} weights')),
        'weights': 'ema',
        'training': TrainingRecord('embedded scenes', 12, 'AdamW', 1e-3, 8),
        'calibration': SplitRecord('calibration', 150, sha256('calibration scenes')),
        'test': SplitRecord('test', 300, sha256('test scenes')),
        'classes': list(classes),
        'parameters': 2_431_882,
        'points': points,
    } | changes
    if gallery is True:
        gallery = made_up_gallery(_best(points).scale, classes, random)
    return DetectorResult(gallery=gallery or None, **fields)


def made_up_detection(*detectors, models=(), **changes):
    """`Results` of ``detectors``, or of one made-up detector, and of classifiers beside them."""
    detectors = list(detectors) or [made_up_detector()]
    fields = {
        'detectors': detectors,
        'detector_comparisons': made_up_detector_comparisons(detectors),
    } | changes
    if models:
        return made_up_results(*models, **fields)
    timed = any(point.latency for detector in detectors for point in detector.points)
    timing = made_up_results().timing if timed else None
    return made_up_results(**{'models': [], 'comparisons': [], 'timing': timing} | fields)


def three_detectors(**switches):
    """Three detectors of different cost on the same test split."""
    return made_up_detection(
        made_up_detector('retinanet_dyn-perceiver', skill=2.6, **switches),
        made_up_detector(
            'retinanet_regnety', cost=0.9, backbone='DynPerceiver regnety_tiny, plain', **switches
        ),
        made_up_detector(
            'retinanet_resnet18', cost=1.15, skill=-4, backbone='ResNet depth 18', **switches
        ),
    )


def coco_detector(name='retinanet_dyn-perceiver_coco', **changes):
    """A detector of 80 classes, tested on as many images as COCO's val2017 has."""
    names = ('person', *(f'thing {k}' for k in range(79)))
    fields = {
        'dataset': 'CocoFiles data/coco',
        'test': SplitRecord('val2017', 5000, sha256('val2017')),
        'sizes': (400, 600, 800),
        'cost': 9.0,
        'classes': names,
    }
    return made_up_detector(name, **fields | changes)


def made_up_detector_comparisons(detectors):
    """Every pair that was tested on the same images, each at its best scale."""
    return [
        _comparison(detectors, i, k)
        for i, k in combinations(range(len(detectors)), 2)
        if detectors[i].test.sha256 == detectors[k].test.sha256
    ]


def _comparison(detectors, i, k):
    one, other = (_best(detectors[n].points) for n in (i, k))
    difference = None
    if None not in (one.test.map_percent, other.test.map_percent):
        difference = one.test.map_percent - other.test.map_percent
    return DetectorComparison(
        model=i,
        baseline=k,
        scale=one.scale,
        baseline_scale=other.scale,
        cost_ratio=other.gmacs_mean / one.gmacs_mean,
        map_difference=difference,
        map_difference_interval=None
        if difference is None
        else Interval(difference - 2.4, difference + 2.3),
    )


def _best(points):
    """The best scale on the calibration split; the cheapest one where nothing is known there."""
    return ([point for point in points if point.chosen] or points[:1])[-1]


def _points(sizes, cost, skill, classes, latency, random):
    found, best = [], -1.0
    for size in sizes:
        gmacs = cost * 3.1 * (size / 256) ** 2
        level = 46 + skill - 22 * np.log2(300 / size) ** 2
        calibration = _metrics(level + random.normal(0, 0.5))
        chosen = calibration.map_percent > best
        best = max(best, calibration.map_percent)
        test = _metrics(level - 0.6)
        found.append(
            ScalePoint(
                scale=[size * 3 // 2, size],
                calibration_gmacs_mean=gmacs * 1.01,
                calibration=calibration,
                chosen=chosen,
                gmacs_mean=gmacs,
                gmacs_std=0.06 * gmacs,
                gmacs_min=0.8 * gmacs,
                gmacs_max=1.1 * gmacs,
                parts=[_part(part, gmacs) for part in PARTS],
                test=test,
                map_interval=Interval(test.map_percent - 2.1, test.map_percent + 2.3),
                ap50_interval=Interval(test.ap50_percent - 2.6, test.ap50_percent + 2.4),
                classes=_classes(classes, test, random),
                latency=made_up_scale_latency(size, gmacs, random) if latency else None,
            )
        )
    return found


def _metrics(level):
    value = float(np.clip(level, 1, 90))
    return DetectionMetrics(
        value, min(value * 1.55, 98), value * 1.04, value * 0.55, value * 1.1, value * 1.25
    )


def _part(part, gmacs):
    mean = PART_SHARES[part] * gmacs
    return PartCost(part, mean, 0.06 * mean, 0.8 * mean, 1.1 * mean, 1.03 * mean)


def _classes(names, metrics, random):
    shifts = random.normal(0, 6, len(names))
    return [
        ClassAP(
            name,
            int(random.integers(20, 300)),
            float(np.clip(metrics.map_percent + shift, 0, 100)),
            float(np.clip(metrics.ap50_percent + shift, 0, 100)),
        )
        for name, shift in zip(names, shifts, strict=True)
    ]


def made_up_scale_latency(size, gmacs, random):
    """30 images, one at a time."""
    whole = 4 + 9.0 * gmacs
    samples = (whole * random.lognormal(0, 0.04, 30)).tolist()
    p50, p90, p99 = np.percentile(samples, [50, 90, 99]).tolist()
    timing = Timing(1, p50, p90, p99, p50, 1000 / p50, 210.0, samples)
    parts = {part: share * p50 for part, share in PART_SHARES.items()}
    return ScaleLatency([size * 3 // 2, size], 30, timing, parts)


def made_up_gallery(scale, classes, random, per_group=4, size=(192, 128)):
    """Scenes of a few blots, most of them found in the best pictures and few in the worst."""
    pictures = []
    for group, skill in (('best', 0.95), ('worst', 0.35)):
        for i in range(per_group):
            image, truth = _scene(random, size)
            boxes, right = [], 0
            for k, box in enumerate(truth):
                label = classes[int(random.integers(len(classes)))]
                found = k == 0 or random.random() < skill
                right += found
                boxes.append(PictureBox(box, label, 'found' if found else 'missed', None))
            detections = []
            for box in boxes:
                if box.kind == 'found':
                    moved = np.clip(np.array(box.box) + random.normal(0, 0.006, 4), 0, 1)
                    score = float(random.uniform(0.5, 0.99))
                    detections.append(PictureBox(moved.tolist(), box.label, 'right', score))
            wrong = [] if group == 'best' else _scene(random, size, 3, drawn=False)[1]
            for box in wrong:
                label = classes[int(random.integers(len(classes)))]
                score = float(random.uniform(0.3, 0.6))
                detections.append(PictureBox(box, label, 'wrong', score))
            if group == 'worst' and i == 0:
                boxes.append(PictureBox([0.7, 0.6, 0.98, 0.95], classes[-1], 'crowd', None))
            detections.sort(key=lambda box: -box.score)
            pictures.append(
                DetectionPicture(
                    group=group,
                    index=17 * i + 3,
                    source=f'data/scenes/{i:04d}.png' if i else '',
                    f1_percent=100 * 2 * right / (len(truth) + len(detections)),
                    image=image,
                    width=size[0],
                    height=size[1],
                    boxes=boxes + detections,
                )
            )
    return DetectionGallery(list(scale), 0.32, pictures)


def _scene(random, size, count=None, drawn=True):
    """A JPEG as a ``data:`` URL, and the boxes of what is on it."""
    width, height = size
    boxes = []
    for _ in range(count or int(random.integers(3, 8))):
        side = random.uniform(0.12, 0.4)
        left, top = random.uniform(0, 1 - side), random.uniform(0, 1 - side)
        boxes.append([left, top, left + side, top + side])
    if not drawn:
        return '', boxes
    ground = random.integers(60, 160, (height // 8, width // 8, 3), dtype=np.uint8)
    image = Image.fromarray(ground).resize(size)
    draw = ImageDraw.Draw(image)
    for left, top, right, bottom in boxes:
        corners = (left * width, top * height, right * width, bottom * height)
        draw.ellipse(corners, fill=tuple(int(c) for c in random.integers(0, 256, 3)))
    file = io.BytesIO()
    image.save(file, 'JPEG', quality=80)
    return 'data:image/jpeg;base64,' + base64.b64encode(file.getvalue()).decode(), boxes
