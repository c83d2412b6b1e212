"""Results that look like measured ones: simulated confidences, through the real protocol."""

import hashlib

import numpy as np

from benchmarks.results import (
    SCHEMA_VERSION,
    CurvePoint,
    ExitRecord,
    FileRecord,
    ModelResult,
    Results,
    SplitRecord,
    TrainingRecord,
)
from dynp_plugins.early_exit.thresholds import choose_exits, geometric_shares, quota_thresholds

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
    **changes,
):
    """A `ModelResult` of a simulated network.

    Args:
        scale: Multiplies the exits' MACs.
        skill: Added to every exit's skill.
        exit_gmacs: GMACs by exit; the four of Dyn-Perceiver by default.
        changes: Fields of `ModelResult` to set.
    """
    exits = {key: gmacs * scale for key, gmacs in (exit_gmacs or EXITS).items()}
    costs = np.array(list(exits.values()))
    skills = skill + np.array(SKILLS if len(exits) == 4 else np.linspace(0.8, 2.5, len(exits)))
    random = np.random.default_rng(seed)
    calibration, test = (_simulated(random, skills, count) for count in (600, 1000))
    points = []
    targets = np.linspace(costs[0], costs[-1], 33)
    for target, shares in zip(targets, geometric_shares(costs, targets), strict=True):
        thresholds = quota_thresholds(calibration[0], shares)
        points.append(_point(target, exits, thresholds, calibration, test))
    fields = {
        'name': name,
        'source': 'ours',
        'task': 'image classification',
        'dataset': 'embedded digits',
        'config': FileRecord('configs/demo/dyn-perceiver_regnety-tiny_digits.py', sha256(name)),
        'checkpoint': FileRecord('work_dirs/demo/last.pth', sha256(f'{name} weights')),
        'weights': 'ema',
        'training': TrainingRecord('embedded digits', 8, 'AdamW', 4e-3, 64),
        'calibration': SplitRecord('calibration', 600, sha256('calibration')),
        'test': SplitRecord('test', 1000, sha256('test')),
        'confidence': 'max_softmax',
        'input_shape': [3, 64, 64],
        'parameters': 431_882,
        'exits': [
            ExitRecord(
                name=exit,
                gmacs=gmacs,
                gflops=2 * gmacs,
                calibration_top1_percent=100 * float(calibration[1][:, k].mean()),
                test_top1_percent=100 * float(test[1][:, k].mean()),
                test_top5_percent=100 - 0.2 * (100 - 100 * float(test[1][:, k].mean())),
            )
            for k, (exit, gmacs) in enumerate(exits.items())
        ],
        'points': points,
    }
    return ModelResult(**(fields | changes))


def made_up_results(*models, **changes):
    """`Results` that hold ``models``, or one made-up model."""
    fields = {
        'schema_version': SCHEMA_VERSION,
        'created': '2025-03-14T09:26:53+00:00',
        'command': 'tools/budget_curve.py configs/demo/dyn-perceiver_regnety-tiny_digits.py '
        'work_dirs/demo/last.pth --out work_dirs/demo/report',
        'versions': {'python': '3.11.7', 'torch': '2.14.1', 'onedl-mmengine': '0.10.12'},
        'git_commit': '0123456789abcdef0123456789abcdef01234567-dirty',
        'models': list(models) or [made_up_model()],
    }
    return Results(**(fields | changes))


def three_models():
    """Three networks of different cost on the same test split; one has other exits."""
    other = {f'block {k + 1}': gmacs for k, gmacs in enumerate((4e-3, 7e-3, 10e-3, 13e-3, 16e-3))}
    return made_up_results(
        made_up_model('dyn-perceiver_regnety-tiny'),
        made_up_model('dyn-perceiver_regnety-small', scale=1.45, skill=0.7, seed=1),
        made_up_model('msdnet_step2', exit_gmacs=other, skill=-0.3, seed=2),
    )


def _simulated(random, skills, count):
    """Confidence and correctness (count, exits) of exits with the given skills."""
    difficulty, luck = random.normal(0, 1.6, (count, 1)), random.random((count, 1))
    logit = 2 * (np.array(skills) - difficulty) + random.normal(0, 0.7, (count, len(skills)))
    correct = luck < 0.1 + 0.9 / (1 + np.exp(-logit))
    confidence = 0.1 + 0.9 / (1 + np.exp(-logit - random.normal(0, 0.5, logit.shape)))
    return confidence, correct


def _point(target, exits, thresholds, calibration, test):
    """Apply thresholds to both splits, as a measured curve does."""
    costs, last = np.array(list(exits.values())), len(exits) - 1
    leaves = [choose_exits(confidence, thresholds) for confidence, _ in (calibration, test)]
    shares = np.bincount(leaves[1], minlength=len(exits)) / len(leaves[1])
    return CurvePoint(
        target_gmacs=float(target),
        calibration_gmacs_mean=float(costs[leaves[0]].mean()),
        calibration_top1_percent=_accuracy(calibration, leaves[0]),
        gmacs_mean=float(costs[leaves[1]].mean()),
        top1_percent=_accuracy(test, leaves[1]),
        exit_shares=dict(zip(exits, map(float, shares), strict=True)),
        thresholds={
            exit: float(thresholds[k]) if np.isfinite(thresholds[k]) else None
            for k, exit in enumerate(exits)
            if k < last
        },
    )


def _accuracy(split, leaves):
    return 100 * float(split[1][np.arange(len(leaves)), leaves].mean())
