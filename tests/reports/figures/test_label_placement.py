"""Names keep off each other, off lines and inside the area."""

import numpy as np
import pytest

from reports.figures.label_placement import NEAR, place_labels

AREA = (0.0, 0.0, 400.0, 260.0)


def corners(centres, sizes):
    return np.hstack([centres - sizes / 2, centres + sizes / 2])


def overlaps(a, b):
    return (a[:2] < b[2:]).all() and (b[:2] < a[2:]).all()


@pytest.mark.parametrize('seed', range(5))
def test_crowded_names_do_not_overlap(seed):
    random = np.random.default_rng(seed)
    marks = random.uniform((80, 60), (320, 200), (24, 2))
    sizes = np.column_stack([random.uniform(18, 46, 24), np.full(24, 10.0)])
    boxes = corners(place_labels(marks, sizes, marks, AREA), sizes)
    for i in range(24):
        assert (boxes[i, :2] >= AREA[:2]).all() and (boxes[i, 2:] <= AREA[2:]).all()
        assert not any(overlaps(boxes[i], boxes[k]) for k in range(i))
        covered = ((marks >= boxes[i, :2]) & (marks <= boxes[i, 2:])).all(1)
        assert not covered.any()


def test_a_lonely_name_stays_near():
    mark, size = np.array([[200.0, 130.0]]), np.array([[30.0, 10.0]])
    centre = place_labels(mark, size, mark, AREA)
    gap = np.maximum(np.abs(centre - mark) - size / 2, 0)
    assert 0 < np.linalg.norm(gap) <= NEAR + 1e-9


def test_a_name_in_the_corner_stays_inside():
    mark, size = np.array([[398.0, 2.0]]), np.array([[30.0, 10.0]])
    box = corners(place_labels(mark, size, mark, AREA), size)[0]
    assert (box[:2] >= AREA[:2]).all() and (box[2:] <= AREA[2:]).all()


def test_a_name_keeps_off_a_line():
    mark, size = np.array([[200.0, 130.0]]), np.array([[30.0, 10.0]])
    along = np.arange(0, 400, 1.0)
    line = np.column_stack([along, 130 - 0.3 * (along - 200)])  # through the usual place
    box = corners(place_labels(mark, size, np.vstack([mark, line]), AREA), size)[0]
    assert not ((line >= box[:2]) & (line <= box[2:])).all(1).any()
