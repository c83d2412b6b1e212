"""Published accuracy-cost curves, for data sets on which ours can be compared with them.

Every number carries its source. The same network differs by up to 1.6 points between papers.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.results import ModelResult, Results

_PAPER = 'Dynamic Perceiver, arXiv 2306.11248'
_READ_OFF = (
    f"{_PAPER}, upper envelope over models, read off the paper's figures "
    '(\N{PLUS-MINUS SIGN}0.1 point)'
)
_RELEASED = (
    f'{_PAPER}, released models; columns in the order they were released, the ablation table of '
    'the paper seems to order feature before latent'
)
_REPORTED = f'as reported in {_PAPER}'

BUDGETED, ANYTIME = 'budgeted', 'anytime'


@dataclass(frozen=True)
class PublishedCurve:
    """One published curve.

    Attributes:
        name: Of the network or family.
        source: Where the numbers come from, in words.
        points: (GMACs per sample, top-1 percent), by rising cost.
        kind: `BUDGETED`: dynamic inference at several budgets, or a static network. `ANYTIME`:
            every sample leaves at one exit.
        exits: Names of the points of an `ANYTIME` curve, else empty.
    """

    name: str
    source: str
    points: tuple[tuple[float, float], ...]
    kind: str = BUDGETED
    exits: tuple[str, ...] = ()


def _budgets(name: str, source: str, text: str) -> PublishedCurve:
    """A curve from ``GMACs:top-1`` pairs."""
    pairs = (pair.split(':') for pair in text.split())
    return PublishedCurve(name, source, tuple((float(x), float(y)) for x, y in pairs))


def _exits(name: str, gmacs: Sequence[float], top1: Sequence[float]) -> PublishedCurve:
    exits = ('early', 'latent', 'feature', 'merged')
    points = tuple(zip(gmacs, top1, strict=True))
    return PublishedCurve(name, _RELEASED, points, ANYTIME, exits)


IMAGENET = (
    _budgets(
        'Dyn-Perceiver, RegNet',
        _READ_OFF,
        '.40:75.4 .45:77.3 .50:78.2 .60:78.5 .75:78.8 .85:79.5 1.0:79.8 1.2:80.2 1.5:80.9 2.0:81.2 '
        '2.6:81.4 3.0:81.9 3.4:82.05',
    ),
    _budgets(
        'Dyn-Perceiver, ResNet',
        _READ_OFF,
        '.65:74.7 .80:76.9 1.0:77.6 1.3:78.5 1.6:78.9 2.0:79.1 2.2:79.6 2.6:79.8 3.0:79.96',
    ),
    _budgets(
        'Dyn-Perceiver, MobileNet',
        _READ_OFF,
        '.16:71.0 .20:74.2 .25:76.3 .30:77.2 .36:77.8 .40:78.7 .50:79.3 .75:80.1',
    ),
    _budgets('MSDNet', _READ_OFF, '1.0:71.3 1.5:73.7 2.0:74.2'),
    _budgets('RANet', _READ_OFF, '1.0:72.4 1.5:74.6 2.0:75.1'),
    _budgets('L2W-MSDNet', _READ_OFF, '1.0:74.3 1.5:76.2 2.0:76.8'),
    _exits('RegNetY-800MF', (0.459, 1.065, 1.228, 1.298), (68.62, 78.32, 79.15, 79.86)),
    _exits('ResNet50 x0.375', (0.619, 1.007, 1.122, 1.190), (72.93, 77.52, 74.32, 77.70)),
    _exits('MobileNetV3 x0.75', (0.098, 0.182, 0.207, 0.266), (53.13, 71.65, 71.89, 74.59)),
)
"""ImageNet-1k at 224x224; GMACs per image."""

SOMETHING_V1 = (
    _budgets('Dyn-Perceiver in TSM, small', _PAPER, '12.3:40.1 14:42.3 16:43.8 19:44.55'),
    _budgets('Dyn-Perceiver in TSM, medium', _PAPER, '18.9:42.7 21:44.1 24:44.95'),
    _budgets('Dyn-Perceiver in TSM, large', _PAPER, '26:45.3 28.5:45.76'),
    _budgets('TSM, ResNet-50', _REPORTED, '32.7:45.6'),
    _budgets('AdaFuse, TSN, ResNet-50', _REPORTED, '22.1:41.9'),
)
"""Something-Something V1, 8 frames of 224x224; GMACs per video."""


def published_curves(
    results: Results, indices: Sequence[int] | None = None
) -> list[PublishedCurve]:
    """What has been published on the data sets of some models; empty for other data.

    Args:
        results: What was measured.
        indices: Of the models that the curves are to stand beside; all of them by default.
    """
    chosen = range(len(results.models)) if indices is None else indices
    models = [results.models[i] for i in chosen]
    curves: list[PublishedCurve] = []
    for suits, published in ((_is_imagenet, IMAGENET), (_is_something_v1, SOMETHING_V1)):
        if any(suits(model) for model in models):
            curves += published
    return curves


def _is_imagenet(model: ModelResult) -> bool:
    """ImageNet-1k by mmpretrain's class, in a folder that does not sound like a part of it."""
    kind, folder = _dataset(model)
    known = re.fullmatch(r'|imagenet([-_]?1k)?|ilsvrc([-_]?2012)?', folder)
    return 'classification' in model.task and kind == 'ImageNet' and known is not None


def _is_something_v1(model: ModelResult) -> bool:
    """By the folder: the readers of videos and frames serve any data set."""
    _, folder = _dataset(model)
    known = re.fullmatch(r'(sth([-_]?sth)?|something([-_]?something)?)[-_]?v1', folder)
    return 'action' in model.task and known is not None


_GENERAL = {'', '.', 'raw', 'images', 'rawframes', 'frames', 'videos', 'train', 'val', 'test'}


def _dataset(model: ModelResult) -> tuple[str, str]:
    """(dataset class without its scope, last telling part of its folder in lower case)."""
    kind, _, folder = model.dataset.partition(' ')
    parts = [part for part in re.split(r'[\\/]+', folder.strip().lower()) if part not in _GENERAL]
    return kind.rpartition('.')[2], parts[-1] if parts else ''
