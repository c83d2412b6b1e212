"""Results that are hard to show: hostile strings, several test sets, many models, little to say."""

import dataclasses

from benchmarks.curve_records import Gallery, OperatingPoint
from benchmarks.results import FileRecord, SplitRecord, TrainingRecord

from ..made_up_results import (
    made_up_model,
    made_up_results,
    sha256,
    static_model,
    video_fields,
)

EVIL = '</script><script>alert(1)</script><img src=x onerror=alert(2)>"\'&amp; %{x} var(--ink)'


def evil_results():
    """Everything that is a string is hostile."""
    exit_gmacs = {f'{EVIL}{k}': g for k, g in enumerate((4e-3, 8e-3))}
    model = made_up_model(
        EVIL,
        exit_gmacs=exit_gmacs,
        source=EVIL,
        task=EVIL,
        dataset=EVIL,
        weights=EVIL,
        confidence=EVIL,
        method=EVIL,
        training=TrainingRecord(EVIL, 3, EVIL, 0.1, 4),
        config=FileRecord(EVIL, EVIL),
        checkpoint=FileRecord(EVIL, EVIL),
        calibration=SplitRecord(EVIL, 600, EVIL),
        test=SplitRecord(EVIL, 1000, EVIL),
    )
    point = model.points[10]
    settings = {EVIL: EVIL, 'seed': [EVIL]}
    pictures = [
        dataclasses.replace(picture, source=EVIL, label=EVIL, prediction=f'{EVIL}{i}')
        for i, picture in enumerate(model.gallery.pictures)
    ]
    model = dataclasses.replace(
        model,
        operating_points=[OperatingPoint(EVIL, EVIL, settings, EVIL, point)],
        gallery=Gallery(point.target_gmacs, pictures),
        latency=dataclasses.replace(
            model.latency, config_sha256=EVIL, weights_sha256=EVIL, measure=EVIL
        ),
    )
    other = made_up_model(task=EVIL, test=SplitRecord('test', 1000, EVIL))
    results = made_up_results(
        model, other, created=EVIL, command=EVIL, versions={EVIL: EVIL}, git_commit=EVIL
    )
    machine = dataclasses.replace(
        results.timing.machine,
        device=EVIL,
        kind=EVIL,
        dtype=EVIL,
        memory_format=EVIL,
        versions={EVIL: EVIL},
        states={EVIL: EVIL},
    )
    return dataclasses.replace(
        results,
        comparisons=[dataclasses.replace(pair, refusal=EVIL) for pair in results.comparisons],
        timing=dataclasses.replace(results.timing, machine=machine, created=EVIL, command=EVIL),
    )


def imagenet_results():
    """Two networks on ImageNet, of about the size of the published ones, and a static one."""
    costs = dict(
        zip(('early', 'latent', 'feature', 'merged'), (0.459, 1.065, 1.228, 1.298), strict=True)
    )
    data = {
        'dataset': 'ImageNet data/imagenet',
        'input_shape': [3, 224, 224],
        'test': SplitRecord('val', 50_000, sha256('ImageNet')),
    }
    return made_up_results(
        made_up_model('dyn-perceiver_regnety-800mf', exit_gmacs=costs, skill=-0.8, **data),
        made_up_model(
            'msdnet_step4',
            exit_gmacs={f'block {k + 1}': 0.35 + 0.35 * k for k in range(5)},
            skill=-1.3,
            seed=3,
            **data,
        ),
        static_model('static:timm/regnety_008', gmacs=0.8, skill=-0.4, **data),
    )


def two_test_sets():
    """Image classification and action recognition in one call; each has a scale of its own."""
    video = video_fields(name='Nagoya actions', test=SplitRecord('test', 240, sha256('videos')))
    return made_up_results(
        made_up_model('dyn-perceiver_regnety-tiny'),
        static_model('resnet18_narrow'),
        made_up_model('tsm_dyn-perceiver', scale=420.0, skill=-0.2, seed=5, **video),
    )


def many_models(models=10, exits=10):
    """As many models with as many exits each."""
    return made_up_results(
        *(
            made_up_model(
                f'network-{i}_with-a-rather-long-name_digits',
                exit_gmacs={f'exit {k + 1}': (3 + i + 2 * k) * 1e-3 for k in range(exits)},
                skill=0.25 * i - 1,
                seed=i,
            )
            for i in range(models)
        )
    )


def bare_results():
    """One network of which only the curve is known."""
    model = made_up_model(operating_points=False, gallery=False, latency=False, training=None)
    exits = [
        dataclasses.replace(exit, test_top5_percent=None, reliability=[]) for exit in model.exits
    ]
    return made_up_results(dataclasses.replace(model, exits=exits), git_commit=None)
