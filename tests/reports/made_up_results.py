"""Results that look like measured ones, in every part that a report can show."""

import base64
import copy
import hashlib
import io
from itertools import combinations

import numpy as np
from PIL import Image

from benchmarks.curve_records import Gallery, GalleryPicture, OperatingPoint
from benchmarks.interval import Interval
from benchmarks.results import (
    ACTION,
    CLASSIFICATION,
    SCHEMA_VERSION,
    Comparison,
    FileRecord,
    ModelResult,
    Results,
    SplitRecord,
    TrainingRecord,
)
from benchmarks.statistics import Curve, accuracy_difference, cost_ratio
from benchmarks.statistics.envelope import common_accuracy, common_cost

from .made_up_curves import CLASSES, DRAWS, simulated_parts
from .made_up_latency import made_up_latency, made_up_timing

EXITS = {'early': 5.11e-3, 'latent': 9.4e-3, 'feature': 13.6e-3, 'merged': 14.7e-3}
"""GMACs by exit, of about the tiny network's size."""

SKILLS = (1.0, 2.1, 2.0, 2.5)
"""How much harder than chance a picture may be; the third exit is worse than the second."""


def sha256(text):
    return hashlib.sha256(text.encode(errors='replace')).hexdigest()


def made_up_model(
    name='dyn-perceiver_regnety-tiny_digits',
    scale=1.0,
    skill=0.0,
    exit_gmacs=None,
    seed=0,
    operating_points=True,
    gallery=True,
    latency=True,
    **changes,
):
    """A `ModelResult` of a simulated network.

    Args:
        scale: Multiplies the exits' MACs.
        skill: Added to every exit's skill.
        exit_gmacs: GMACs by exit; the four of Dyn-Perceiver by default. With one exit the curve
            has one point.
        operating_points: Whether there are any; or the list of them. ``gallery`` and ``latency``
            likewise.
        changes: Other fields of `ModelResult` to set.
    """
    exits = {key: gmacs * scale for key, gmacs in (exit_gmacs or EXITS).items()}
    skills = SKILLS if len(exits) == 4 else np.linspace(0.8, 2.5, len(exits))
    skills = tuple(skill + float(value) for value in skills)
    parts = simulated_parts(tuple(exits), tuple(exits.values()), skills, seed)
    records, statistics, points = copy.deepcopy(parts)
    fields = {
        'name': name,
        'source': 'ours',
        'task': CLASSIFICATION,
        'dataset': 'embedded digits',
        'config': FileRecord('configs/demo/dyn-perceiver_regnety-tiny_digits.py', sha256(name)),
        'checkpoint': FileRecord('work_dirs/demo/last.pth', sha256(f'{name} weights')),
        'weights': 'ema',
        'training': TrainingRecord('embedded digits', 8, 'AdamW', 4e-3, 64),
        'calibration': SplitRecord('calibration', 600, sha256('calibration')),
        'test': SplitRecord('test', 1000, sha256('test')),
        'confidence': 'max_softmax',
        'method': 'geometric',
        'input_shape': [3, 64, 64],
        'frames_per_clip': 1,
        'parameters': 431_882,
        'exits': records,
        'statistics': statistics,
        'points': points,
    } | changes
    if operating_points is True:
        operating_points = _operating_points(points) if len(exits) > 1 else []
    if gallery is True:
        shape = fields['input_shape']
        gallery = _gallery(exits, points, seed, frames=min(shape[0], 4) if len(shape) == 4 else 1)
    if latency is True:
        inputs = fields['config'], fields['checkpoint'], fields['input_shape']
        latency = made_up_latency(name, exits, points, *inputs, seed=seed)
    return ModelResult(
        operating_points=operating_points or [],
        gallery=gallery or None,
        latency=latency or None,
        **fields,
    )


def made_up_results(*models, **changes):
    """`Results` that hold ``models``, or one made-up model; ``changes`` are other fields to set."""
    models = list(models) or [made_up_model()]
    fields = {
        'schema_version': SCHEMA_VERSION,
        'created': '2025-03-14T09:26:53+00:00',
        'command': 'tools/budget_curve.py configs/demo/dyn-perceiver_regnety-tiny_digits.py '
        'work_dirs/demo/last.pth --out work_dirs/demo/report',
        'versions': {'python': '3.11.7', 'torch': '2.14.1', 'onedl-mmengine': '0.10.12'},
        'git_commit': '0123456789abcdef0123456789abcdef01234567-dirty',
        'models': models,
        'comparisons': _comparisons(models),
        'timing': made_up_timing(models),
    }
    return Results(**(fields | changes))


def three_models(**switches):
    """Three networks of different cost on the same test split; one has other exits."""
    other = {f'block {k + 1}': gmacs for k, gmacs in enumerate((4e-3, 7e-3, 10e-3, 13e-3, 16e-3))}
    return made_up_results(
        made_up_model('dyn-perceiver_regnety-tiny', **switches),
        made_up_model('dyn-perceiver_regnety-small', scale=1.45, skill=0.7, seed=1, **switches),
        made_up_model('msdnet_step2', exit_gmacs=other, skill=-0.3, seed=2, **switches),
    )


def video_fields(frames=8, frames_per_clip=8, name='gestures', **changes):
    """Fields of a model that recognises actions in videos of so many frames."""
    return {
        'task': ACTION,
        'dataset': name,
        'input_shape': [frames, 3, 64, 64],
        'frames_per_clip': frames_per_clip,
        'calibration': SplitRecord('calibration', 600, sha256(f'{name} calibration')),
        'test': SplitRecord('test', 1000, sha256(name)),
        'training': TrainingRecord(name, 50, 'SGD', 0.01, 16),
    } | changes


def video_models(frames=16, **switches):
    """Three recognisers of actions in the same videos: two with temporal shift, one without."""
    return made_up_results(
        made_up_model('tsm_dyn-perceiver', scale=300, **video_fields(frames), **switches),
        static_model('tsm_resnet50', gmacs=4.4, **video_fields(frames), **switches),
        static_model(
            'tsn_mobilenet-v2', gmacs=0.4, skill=-1, **video_fields(frames, 1), **switches
        ),
    )


def static_model(name='static', gmacs=12e-3, **changes):
    """A network without early exits."""
    return made_up_model(name, exit_gmacs={'final': gmacs}, **{'skill': 1.5, **changes})


def made_up_comparison(models, i, k):
    """Models ``i`` and ``k`` compared; the bootstrap stands for 1000 test samples."""
    curves, calibrations, draws = [], [], []
    for number in (i, k):
        points = models[number].points
        calibration = [(p.calibration_gmacs_mean, p.calibration_top1_percent) for p in points]
        calibrations.append(Curve(*np.array(calibration).T))
        curves.append(Curve(*np.array([(p.gmacs_mean, p.top1_percent) for p in points]).T))
        shift = np.random.default_rng(number).normal(0, 0.7, (DRAWS, 1))
        draws.append(Curve(np.tile(curves[-1].costs, (DRAWS, 1)), curves[-1].accuracies + shift))
    names = (models[i].name, models[k].name)
    accuracy, cost = common_accuracy(*calibrations), common_cost(*calibrations)
    ratio = difference = None
    if 1 in (len(models[i].points), len(models[k].points)):
        ratio = cost_ratio(*curves, None, *draws, names=names)
    elif accuracy is not None:
        ratio = cost_ratio(*curves, accuracy, *draws, names=names)
    if cost is not None:
        difference = accuracy_difference(*curves, cost, *draws, names=names)
    reasons = ['no accuracy that both reach'] if ratio is None else [ratio.reason]
    reasons += ['no cost that both have'] if difference is None else [difference.reason]
    compared = ratio is not None and ratio.ratio is not None
    measured = difference is not None and difference.difference is not None
    return Comparison(
        model=i,
        baseline=k,
        top1_percent=ratio.accuracy if compared else None,
        cost_ratio=ratio.ratio if compared else None,
        cost_ratio_interval=_interval(ratio),
        gmacs=difference.cost if measured else None,
        top1_difference=difference.difference if measured else None,
        top1_difference_interval=_interval(difference),
        refusal='; '.join(filter(None, reasons)),
    )


def _interval(found):
    return None if found is None or found.low is None else Interval(found.low, found.high)


def _comparisons(models):
    return [
        made_up_comparison(models, i, k)
        for i, k in combinations(range(len(models)), 2)
        if (models[i].task, models[i].test.sha256) == (models[k].task, models[k].test.sha256)
        and models[i].points
        and models[k].points
    ]


def _operating_points(points):
    """One made by risk control, and one that came as a policy file."""
    risk = {'epsilon': 0.01, 'delta': 0.05, 'p_value': 'binomial', 'seed': 0}
    budget = {'budget_gmacs': points[6].target_gmacs}
    return [
        OperatingPoint(
            'loses at most 1 % of all samples', 'risk_control', risk, 'max_softmax', points[14]
        ),
        OperatingPoint('my_policy.json', 'pareto', budget, 'entropy', points[6]),
    ]


def _gallery(exits, points, seed, by_exit=3, frames=1):
    """A few coloured squares per exit, or so many of them side by side."""
    random = np.random.default_rng(seed)
    pictures = []
    for k, exit in enumerate(exits):
        for i in range(by_exit):
            label = (3 * k + i) % CLASSES
            right = i < by_exit - 1 or k == 0
            predicted = label if right else (label + 1) % CLASSES
            index = 100 * k + i
            pictures.append(
                GalleryPicture(
                    exit=exit,
                    index=index,
                    source=f'data/digits/{index:04d}.png' if i else '',
                    label=f'digit {label}',
                    prediction=f'digit {predicted}',
                    right=right,
                    confidence=0.99 - 0.05 * i - 0.1 * k / len(exits),
                    frames=frames,
                    image=_picture(random, frames),
                )
            )
    return Gallery(points[len(points) // 2].target_gmacs, pictures)


def _picture(random, frames=1):
    """A small PNG as a ``data:`` URL: a blot on a ground of another colour; it moves to the right.

    A frame of a video is as large as those that are measured.
    """
    side = 24 if frames == 1 else 64
    ground, blot = random.integers(0, 256, (2, 3))
    rows, columns = np.mgrid[:side, :side] - side * random.uniform(0.33, 0.67, (2, 1, 1))
    shown = [(rows**2 + (columns - 6 * k) ** 2 < 0.087 * side**2) for k in range(frames)]
    pixels = np.where(np.hstack(shown)[..., None], blot, ground).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, 'PNG')
    return 'data:image/png;base64,' + base64.b64encode(file.getvalue()).decode()
