"""Published detectors stand beside ours on the same data, and on no other."""

import pytest

from benchmarks.results import SplitRecord
from reports.detection.published import COCO, published_detectors

from ..made_up_detectors import coco_detector, made_up_detector


def test_on_coco():
    assert published_detectors([made_up_detector(), coco_detector()]) == COCO
    assert published_detectors([coco_detector(dataset='mmdet.CocoDataset /data/COCO2017/')]) == COCO


@pytest.mark.parametrize(
    'changes',
    [
        {'dataset': 'CocoFiles data/bccd'},
        {'dataset': 'CocoDataset'},
        {'test': SplitRecord('test', 500, 'e' * 64)},
        {'classes': ('person', 'dog')},
    ],
)
def test_on_other_data(changes):
    assert published_detectors([coco_detector(**changes)]) == ()


def test_the_numbers_of_the_paper():
    ours = COCO[-1]
    assert (ours.backbone_gmacs, ours.map_percent) == (38.1, 40.2)
    assert (ours.ap_small_percent, ours.ap_medium_percent, ours.ap_large_percent) == (
        24.1,
        43.9,
        53.0,
    )
    by_name = {one.name: (one.backbone_gmacs, one.map_percent) for one in COCO}
    assert by_name['RegNet-Y-1.6GF'] == (33.4, 38.5)
    assert by_name['RegNet-Y-3.2GF'] == (66.0, 39.3)
    assert all('arXiv 2306.11248' in one.source and '1280x800' in one.source for one in COCO)
