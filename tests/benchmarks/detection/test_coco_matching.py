"""Matching only near objects changes nothing, and spares pycocotools the rest."""

import numpy as np
import pytest
from pycocotools.cocoeval import COCOeval

from benchmarks.detection import coco_metrics
from tests.benchmarks.detection.tables import made_up_image, random_images, table_of

FAR = [
    made_up_image([(0, 0, 0, 40, 40)], [(0.9, 0, 300, 300, 340, 340)], number=100),
    made_up_image([(0, 0, 0, 40, 40)], number=101),
    made_up_image(found=[(0.9, 1, 0, 0, 40, 40), (0.9, 1, 0, 0, 8, 8)], number=102),
]


def run(table, kind, monkeypatch):
    name = f'{kind.__module__}:{kind.__name__}'
    backend = (coco_metrics.BACKENDS['pycocotools'][0], name)
    monkeypatch.setitem(coco_metrics.BACKENDS, 'pycocotools', backend)
    return coco_metrics._run(table, 'pycocotools')


@pytest.mark.parametrize(
    'images',
    [
        [*random_images(25), *FAR],
        [*random_images(25, ties=True, seed=2), *FAR],
        random_images(4, found=400, skill=0.1, classes=2),
    ],
    ids=['mixed', 'equal scores', 'more than COCO looks at'],
)
def test_all_results_are_those_of_pycocotools(images, monkeypatch):
    from benchmarks.detection.coco_matching import NearCOCOeval

    table = table_of(images)
    ours, theirs = (run(table, kind, monkeypatch) for kind in (NearCOCOeval, COCOeval))
    for name in ('precision', 'recall', 'scores'):
        np.testing.assert_array_equal(ours.eval[name], theirs.eval[name])
    one, other = (coco_metrics._matches(table, each) for each in (ours, theirs))
    np.testing.assert_array_equal(one.truth, other.truth)
    np.testing.assert_array_equal(one.ignored, other.ignored)


def test_pycocotools_is_given_what_is_near_an_object(monkeypatch):
    looked_at = []
    whole = COCOeval.evaluateImg

    def noted(self, image, label, *more):
        looked_at.append((image, label, len(self._dts[image, label])))
        return whole(self, image, label, *more)

    monkeypatch.setattr(COCOeval, 'evaluateImg', noted)
    coco_metrics.evaluate(table_of(FAR))
    with_detections = [(image, label, count) for image, label, count in looked_at if count]
    assert with_detections == []
    assert (3, 2) not in {(image, label) for image, label, _ in looked_at}
