"""Detection tables: what they hold, files, and what they refuse."""

from dataclasses import fields, replace

import numpy as np
import pytest

from benchmarks.detection.table import DetectionTable, DetectionTableBuilder
from dynp_plugins import UserError
from dynp_plugins.early_exit import check_disjoint
from tests.benchmarks.detection.tables import CLASSES, made_up_image, random_images, table_of


def test_columns_image_by_image():
    images = [
        made_up_image([(2, 1, 2, 3, 4)], [(0.25, 1, 5, 6, 7, 8), (0.5, 0, 1, 1, 2, 2)]),
        made_up_image(number=1),
        made_up_image([(0, 0, 0, 9, 9), (1, 0, 0, 2, 2)], crowd=[1, 0], number=2, size=(30, 20)),
        made_up_image(found=[(0.125, 2, 0, 0, 1, 1)], number=3, macs=[1, 2, 3]),
    ]
    table = table_of(images)
    assert len(table) == 4
    assert table.first.tolist() == [0, 2, 2, 2, 3]
    assert table.scores.tolist() == [0.5, 0.25, 0.125]  # the highest of an image first
    assert table.labels.tolist() == [0, 1, 2]
    assert table.boxes[1].tolist() == [5, 6, 7, 8]
    assert table.image.tolist() == [0, 0, 3]
    assert table.true_image.tolist() == [0, 2, 2]
    assert table.areas.tolist() == [4, 81, 4]
    assert table.crowd.tolist() == [False, True, False]
    assert table.size.tolist() == [[640, 480], [640, 480], [30, 20], [640, 480]]
    assert table.macs.tolist() == [[7, 2, 1]] * 3 + [[1, 2, 3]]
    assert table.classes == list(CLASSES)


def test_no_more_detections_of_a_class_than_coco_looks_at():
    found = [(i / 200, int(i % 4 == 0), 0, 0, 5, 5) for i in range(150)]
    table = table_of([made_up_image(found=found), made_up_image(found=found, number=1)])
    assert np.bincount(table.labels[table.image == 0]).tolist() == [100, 38]
    assert table.scores[table.labels == 0].min() == np.float32(17 / 200)  # the 12 lowest are gone
    assert table.scores[table.labels == 1].min() == 0
    assert (np.diff(table.scores[table.image == 1]) <= 0).all()


@pytest.mark.parametrize('images', [0, 3])
def test_round_trip_without_pickle(tmp_path, images):
    table = table_of(random_images(images), scale=[320, 240])
    table.save(tmp_path / 'sub' / 'x.npz')
    loaded = DetectionTable.load(tmp_path / 'sub' / 'x.npz')
    for field in fields(table):
        np.testing.assert_array_equal(getattr(loaded, field.name), getattr(table, field.name))
    assert loaded.scores.dtype == np.float32
    assert sorted(path.name for path in (tmp_path / 'sub').iterdir()) == ['x.json', 'x.npz']


@pytest.mark.parametrize('kept', [0, 300, 1500])
def test_a_damaged_table_is_named(tmp_path, kept):
    table_of(random_images(3)).save(tmp_path / 'x.npz')
    (tmp_path / 'x.npz').write_bytes((tmp_path / 'x.npz').read_bytes()[:kept])
    with pytest.raises(UserError, match=r'x\.npz is not a readable detection table'):
        DetectionTable.load(tmp_path / 'x.npz')


def test_a_foreign_file(tmp_path):
    np.savez(tmp_path / 'x.npz', a=np.zeros(3))
    with pytest.raises(UserError, match='no detection table of version 1: run tools/budget_curve'):
        DetectionTable.load(tmp_path / 'x.npz')


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda t: {'scores': t.scores[1:]}, r'boxes is float32 \(\d+, 4\), not'),
        (lambda t: {'macs': t.macs[:, :2]}, 'macs is int64'),
        (lambda t: {'macs': t.macs.astype(float)}, 'macs is float64'),
        (lambda t: {'first': t.first[:-1]}, 'first does not cut'),
        (lambda t: {'first': t.first + 1}, 'first does not cut'),
        (lambda t: {'first_true': t.first_true[::-1]}, 'first_true does not cut'),
        (
            lambda t: {
                'first': np.repeat([0, t.first[-1]], [1, 5]),
                'labels': np.zeros_like(t.labels),
            },
            'more than 100 detections of a class',
        ),
        (lambda t: {'scores': t.scores[::-1]}, 'do not fall'),
        (lambda t: {'boxes': t.boxes * np.float32(np.nan)}, 'boxes hold a number that is NaN'),
        (lambda t: {'labels': t.labels + np.int16(2)}, 'labels are none of the 3 classes'),
        (lambda t: {'manifest': {'split': 'x', 'scale': []}}, 'the manifest lacks classes'),
    ],
)
def test_tables_that_do_not_fit_themselves(tmp_path, change, message):
    table = table_of(random_images(5))
    replace(table, **change(table)).save(tmp_path / 'x.npz')
    with pytest.raises(UserError, match=message):
        DetectionTable.load(tmp_path / 'x.npz')


def test_what_a_broken_detector_puts_out_is_refused():
    builder = DetectionTableBuilder(CLASSES)
    with pytest.raises(UserError, match=r'NaN or infinite.*/pictures/7\.jpg.*diverged'):
        builder.add(made_up_image(found=[(0.5, 0, 1, 1, float('nan'), 2)], number=7))
    with pytest.raises(UserError, match=r'detector finds an object with label 3.*only 3 classes'):
        builder.add(made_up_image(found=[(0.5, 3, 1, 1, 2, 2)]))
    with pytest.raises(UserError, match='annotation has an object with label 5'):
        builder.add(made_up_image(true=[(5, 1, 1, 2, 2)]))


def test_splits_that_share_images_are_refused_as_everywhere():
    calibration = table_of(random_images(3, first=10), split='calibration')
    check_disjoint(calibration, table_of(random_images(3)))
    with pytest.raises(UserError, match=r'overlap: 1 of the 4 test samples.*/pictures/10\.jpg'):
        check_disjoint(calibration, table_of(random_images(4, first=7)))


def test_whether_two_tables_know_the_same_objects():
    table = table_of(random_images(4))
    assert table.has_truth_of(table_of(random_images(4, skill=0)))
    assert not table.has_truth_of(table_of(random_images(4, first=1)))
    assert not table.has_truth_of(table_of(random_images(4), classes=['a', 'b', 'c']))
