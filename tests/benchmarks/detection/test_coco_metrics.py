"""Average precision from tables: closed forms, and both backends alike."""

import sys

import numpy as np
import pytest

from benchmarks.detection.coco_metrics import BACKENDS, FASTER, evaluate
from benchmarks.detection.map_bootstrap import map_draws
from dynp_plugins import UserError
from tests.benchmarks.detection.tables import made_up_image, random_images, table_of

SMALL, MEDIUM, LARGE = (0, 10, 10, 30, 30), (1, 100, 100, 150, 150), (2, 200, 200, 400, 400)


def backend(name):
    if name == FASTER:
        pytest.importorskip('faster_coco_eval')
    return name


@pytest.fixture(params=BACKENDS)
def each(request):
    return backend(request.param)


def rounded(metrics):
    """All six; COCO divides by what is seen plus the smallest number."""
    return [value if value is None else round(value, 9) for value in vars(metrics).values()]


def found(box, score=0.9):
    return (score, *box)


def test_everything_found(each):
    true = [SMALL, MEDIUM, LARGE]
    table = table_of([made_up_image(true, [found(box) for box in true])])
    assert rounded(evaluate(table, each).metrics) == [100] * 6


def test_nothing_found(each):
    table = table_of([made_up_image([SMALL, LARGE])])
    found_none = evaluate(table, each)
    assert rounded(found_none.metrics) == [0, 0, 0, 0, None, 0]
    assert [one.ap_percent for one in found_none.classes] == [0, None, 0]
    assert [one.objects for one in found_none.classes] == [1, 0, 1]
    assert found_none.matches.truth.shape == (10, 0)


def test_nothing_there(each):
    table = table_of([made_up_image(found=[found(LARGE)]), made_up_image(number=1)])
    assert rounded(evaluate(table, each).metrics) == [None] * 6


def test_no_images(each):
    with pytest.raises(UserError, match='the test split is empty'):
        evaluate(table_of([]), each)


def test_a_false_positive_ahead_halves_the_precision(each):
    wrong = found((1, 500, 100, 550, 150), 0.95)
    table = table_of([made_up_image([MEDIUM], [found(MEDIUM), wrong])])
    assert evaluate(table, each).metrics.map_percent == pytest.approx(50)
    behind = table_of([made_up_image([MEDIUM], [found(MEDIUM), (0.1, *wrong[1:])])])
    assert evaluate(behind, each).metrics.map_percent == pytest.approx(100)


def test_half_of_the_objects(each):
    """All precision 1 up to recall .5: 51 of the 101 recalls."""
    table = table_of([made_up_image([MEDIUM], [found(MEDIUM)]), made_up_image([MEDIUM], number=1)])
    assert evaluate(table, each).metrics.map_percent == pytest.approx(100 * 51 / 101)


def test_iou_thresholds(each):
    """An IoU of 0.72 is enough up to .70: half of the ten thresholds, .75 not."""
    table = table_of([made_up_image([(0, 0, 0, 100, 100)], [(0.9, 0, 0, 0, 72, 100)])])
    metrics = evaluate(table, each).metrics
    assert rounded(metrics) == [50, 100, 0, None, None, 50]


def test_objects_that_do_not_count(each):
    """Neither missed nor, with whatever is found on them, wrong."""
    image = made_up_image([MEDIUM, LARGE], [found(MEDIUM), found(LARGE, 0.99)], crowd=[0, 1])
    other = made_up_image([LARGE], crowd=[1], number=1)
    seen = evaluate(table_of([image, other]), each)
    assert rounded(seen.metrics) == [100, 100, 100, None, 100, None]
    assert [one.objects for one in seen.classes] == [0, 1, 0]
    assert seen.matches.ignored[0].tolist() == [True, False]
    assert seen.matches.truth[0].tolist() == [1, 0]


def test_sizes_go_by_the_annotated_area(each):
    image = made_up_image([LARGE], [found(LARGE)], areas=[500])
    metrics = rounded(evaluate(table_of([image]), each).metrics)
    assert metrics == [100, 100, 100, 100, None, None]


def test_more_than_100_detections_in_an_image(each):
    """COCO's limit is 100 of each class: all of 75 objects of two classes each are found."""
    true = [
        (label, 30 * i, 30 * j, 30 * i + 20, 30 * j + 20)
        for label in range(2)
        for i in range(label, 30, 2)
        for j in range(5)
    ]
    image = made_up_image(true, [found(box, 0.9 - i / 500) for i, box in enumerate(true)])
    table = table_of([image])
    assert len(true) == len(table.scores) == 150
    seen = evaluate(table, each)
    assert rounded(seen.metrics)[:3] == [100] * 3
    assert (seen.matches.truth >= 0).all()
    assert map_draws(table, seen.matches, 5).map_percent == pytest.approx(100)


def test_both_backends_give_the_same():
    backend(FASTER)
    table = table_of(random_images(20))
    ours, theirs = (evaluate(table, name) for name in BACKENDS)
    for one, other in zip(
        [ours.metrics, *ours.classes], [theirs.metrics, *theirs.classes], strict=True
    ):
        one, other = (
            [value for value in vars(record).values() if not isinstance(value, str)]
            for record in (one, other)
        )
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(ours.matches.truth, theirs.matches.truth)
    assert 20 < ours.metrics.map_percent < 80


def test_a_backend_that_is_not_there(monkeypatch):
    monkeypatch.setitem(sys.modules, 'faster_coco_eval', None)
    table = table_of(random_images(2))
    with pytest.raises(UserError, match='pip install faster-coco-eval'):
        evaluate(table, FASTER)
    with pytest.raises(UserError, match="no backend 'coco': choose pycocotools or faster"):
        evaluate(table, 'coco')


def test_nothing_is_printed(each, capfd):
    evaluate(table_of(random_images(2)), each)
    assert capfd.readouterr() == ('', '')
