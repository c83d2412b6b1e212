"""Records of exits: mean class accuracy with its interval, and when there is a top-5."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.exit_records import exit_records
from tests.exit_tables import random_tables


def records(labels=None, **manifest):
    calibration, test = random_tables(samples=(60, 400), exits=3, **manifest)
    if labels is not None:
        test = replace(test, label=labels(test).astype(np.int32))
    return exit_records(calibration, test, [1.0, 2.0, 3.0]), test


def test_where_classes_are_balanced_it_is_the_top1():
    labels = np.arange(400) % 8
    found, test = records(lambda _: labels)
    by_class = np.stack([test.correct[labels == c].mean(0) for c in range(8)])
    assert by_class.std(0).min() > 0.01  # classes differ
    for exit, expected in zip(found, 100 * by_class.mean(0), strict=True):
        assert exit.mean_class_percent == pytest.approx(expected)
        assert exit.mean_class_percent == pytest.approx(exit.test_top1_percent)


def test_a_rare_hard_class_counts_as_much_as_a_common_easy_one():
    # Class 1: ten samples that the last exit has wrong; class 0: all others.
    def labels(test):
        hard = np.flatnonzero(~test.correct[:, 2])[:10]
        return np.isin(np.arange(len(test)), hard)

    found, test = records(labels)
    last, others = found[-1], test.correct[test.label == 0, 2]
    assert last.mean_class_percent == pytest.approx(50 * others.mean())
    assert last.mean_class_percent < last.test_top1_percent - 20
    interval = last.mean_class_interval
    assert interval.low < last.mean_class_percent < interval.high
    assert last.test_top1_interval.low < last.test_top1_percent < last.test_top1_interval.high


def test_one_class_alone_is_the_top1_with_its_interval():
    found, _ = records()
    for exit in found:
        assert exit.mean_class_percent == pytest.approx(exit.test_top1_percent)
        assert exit.mean_class_interval.low == pytest.approx(exit.test_top1_interval.low)
        assert exit.mean_class_interval.high == pytest.approx(exit.test_top1_interval.high)


@pytest.mark.parametrize('classes, known', [(4, False), (5, False), (6, True), (10, True)])
def test_the_five_likeliest_of_five_classes_say_nothing(classes, known):
    found, test = records(classes=classes)
    expected = 100 * (test.label_rank < 5).mean(0) if known else [None] * 3
    assert [exit.test_top5_percent for exit in found] == pytest.approx(list(expected))
