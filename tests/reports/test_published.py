"""Published curves stand beside our curves on the same data, and on no other."""

import pytest

from reports.published import ANYTIME, BUDGETED, IMAGENET, SOMETHING_V1, published_curves

from .made_up_results import made_up_model, made_up_results


def curves(dataset, task='classification'):
    return published_curves(made_up_results(made_up_model(dataset=dataset, task=task)))


@pytest.mark.parametrize(
    'dataset',
    [
        'ImageNet',
        'ImageNet data/imagenet',
        'ImageNet data/imagenet/',
        'mmpretrain.ImageNet data/imagenet',
        'ImageNet /somewhere/with space/ILSVRC2012/raw',
        r'ImageNet D:\data\ImageNet-1k',
    ],
)
def test_imagenet(dataset):
    assert curves(dataset) == list(IMAGENET)
    assert curves(dataset, 'image classification') == list(IMAGENET)


@pytest.mark.parametrize(
    'dataset, task',
    [
        ('EmbeddedDigits', 'classification'),
        ('CIFAR100 data/cifar100', 'classification'),
        ('ImageNet21k data/imagenet', 'classification'),
        ('ImageNet data/tiny-imagenet', 'classification'),
        ('ImageNet data/imagenet100', 'classification'),
        ('ImageNet data/imagenet_subset', 'classification'),
        ('CustomDataset data/imagenet', 'classification'),
        ('MyImageNet data/imagenet', 'classification'),
        ('ImageNet data/imagenet', 'object detection'),
        ('', 'classification'),
        ('mmaction.VideoDataset data/sthv2/videos', 'action recognition'),
        ('mmaction.VideoDataset data/kinetics400', 'action recognition'),
        ('mmaction.VideoDataset data/sthv1/videos', 'classification'),
    ],
)
def test_other_data(dataset, task):
    assert curves(dataset, task) == []


@pytest.mark.parametrize(
    'dataset',
    ['mmaction.RawframeDataset data/sthv1/rawframes', 'VideoDataset data/something-something-v1'],
)
def test_something_something(dataset):
    assert curves(dataset, 'action recognition') == list(SOMETHING_V1)


def test_curves_of_some_models():
    results = made_up_results(made_up_model(), made_up_model('other', dataset='ImageNet'))
    assert published_curves(results, [0]) == []
    assert published_curves(results, [1]) == published_curves(results) == list(IMAGENET)


def test_every_curve_says_its_source_and_rises_in_cost():
    for curve in IMAGENET + SOMETHING_V1:
        assert 'arXiv 2306.11248' in curve.source
        costs = [cost for cost, _ in curve.points]
        assert costs == sorted(set(costs)) and costs[0] > 0
        assert all(20 < top1 < 90 for _, top1 in curve.points)
        assert len(curve.exits) == (len(curve.points) if curve.kind == ANYTIME else 0)
    assert len({curve.name for curve in IMAGENET + SOMETHING_V1}) == 14


def test_some_numbers():
    by_name = {curve.name: curve for curve in IMAGENET + SOMETHING_V1}
    regnet = by_name['Dyn-Perceiver, RegNet']
    assert regnet.kind == BUDGETED and len(regnet.points) == 13
    assert dict(regnet.points)[3.4] == 82.05 and '0.1 point' in regnet.source
    assert by_name['MSDNet'].points == ((1.0, 71.3), (1.5, 73.7), (2.0, 74.2))
    released = by_name['ResNet50 x0.375']
    assert dict(zip(released.exits, released.points, strict=True)) == {
        'early': (0.619, 72.93),
        'latent': (1.007, 77.52),
        'feature': (1.122, 74.32),
        'merged': (1.190, 77.70),
    }
    assert 'order' in released.source  # of the columns is not certain
    assert by_name['TSM, ResNet-50'].points == ((32.7, 45.6),)
