"""The mean class accuracy: by hand, against mmaction2 and a plain loop, and its bootstrap."""

import numpy as np
import pytest

import dynp_plugins.openmmlab  # noqa: F401
from benchmarks.statistics import (
    bootstrap_class_means,
    bootstrap_means,
    percentile_interval,
    resampling_counts,
)
from dynp_plugins.early_exit import class_means
from dynp_plugins.errors import UserError


@pytest.fixture(scope='module')
def unbalanced():
    """Labels of four classes, 60 to 5 samples each, and what two exits have right of them."""
    random = np.random.default_rng(0)
    labels = random.permutation(np.repeat([7, 0, 3, 4], [60, 30, 15, 5]))
    chance = {7: 0.9, 0: 0.6, 3: 0.4, 4: 0.2}
    right = random.random((110, 2)) < np.array([chance[label] for label in labels])[:, None]
    return right, labels


def test_three_classes_by_hand():
    labels = np.array([0, 0, 0, 0, 2, 2, 5])
    right = np.array([1, 1, 1, 0, 1, 0, 0], bool)[:, None]
    assert class_means(right, labels) == pytest.approx([(3 / 4 + 1 / 2 + 0) / 3])
    assert class_means(100 * right, labels) == pytest.approx([100 * (3 / 4 + 1 / 2) / 3])


def test_it_is_the_plain_accuracy_where_classes_are_balanced():
    random = np.random.default_rng(1)
    labels = random.permutation(np.repeat(np.arange(9), 12))
    right = random.random((108, 3)) < 0.7
    np.testing.assert_allclose(class_means(right, labels), right.mean(0))


def test_against_a_plain_loop(unbalanced):
    right, labels = unbalanced
    expected = np.mean([right[labels == label].mean(0) for label in {0, 3, 4, 7}], axis=0)
    np.testing.assert_allclose(class_means(right, labels), expected)
    assert (
        class_means(right, labels) < right.mean(0) - 0.1
    ).all()  # rare classes are the hard ones


def test_order_does_not_matter(unbalanced):
    right, labels = unbalanced
    order = np.random.default_rng(2).permutation(len(labels))
    np.testing.assert_allclose(class_means(right[order], labels[order]), class_means(*unbalanced))


def test_it_is_what_mmaction2_calls_mean1():
    from mmaction.evaluation import mean_class_accuracy

    random = np.random.default_rng(3)
    labels = random.choice(5, 200, p=[0.5, 0.2, 0.15, 0.1, 0.05])
    assert set(labels) == set(range(5))
    scores = random.random((200, 5)) + 0.5 * np.eye(5)[labels]
    right = (scores.argmax(1) == labels)[:, None]
    theirs = mean_class_accuracy(list(scores), labels.tolist())
    assert class_means(right, labels) == pytest.approx([theirs])


def test_each_draw_is_the_mean_over_the_classes_that_it_holds(unbalanced):
    right, labels = unbalanced
    found = bootstrap_class_means(right, labels, draws=300, seed=5)
    counts = np.concatenate(list(resampling_counts(len(labels), 300, 5)))
    missed = 0
    for row, draw in zip(counts.astype(int), found, strict=True):
        taken = np.repeat(np.arange(len(labels)), row)
        np.testing.assert_allclose(draw, class_means(right[taken], labels[taken]))
        missed += len(set(labels[taken])) < 4
    assert missed > 0  # some draw holds none of the five samples of the rarest class


def test_on_balanced_classes_it_is_as_sure_as_the_plain_accuracy():
    random = np.random.default_rng(4)
    labels = np.repeat(np.arange(4), 500)
    right = 100 * (random.random((2000, 1)) < 0.8)
    ours, plain = (
        percentile_interval(draws)
        for draws in (bootstrap_class_means(right, labels), bootstrap_means(right))
    )
    np.testing.assert_allclose(ours, plain, atol=0.2)
    low, high = ours
    assert low < class_means(right, labels) < high


def test_samples_in_several_chunks_of_draws(unbalanced, monkeypatch):
    whole = bootstrap_class_means(*unbalanced, draws=10)
    monkeypatch.setattr('benchmarks.statistics.bootstrap._CHUNK_NUMBERS', 250)
    np.testing.assert_array_equal(bootstrap_class_means(*unbalanced, draws=10), whole)


@pytest.mark.parametrize('values, labels', [((3, 2), 4), ((3,), 3), ((0, 2), 0)])
def test_what_does_not_fit_is_refused(values, labels):
    with pytest.raises(ValueError, match='of at least one sample'):
        class_means(np.zeros(values), np.zeros(labels, int))


def test_no_draw():
    with pytest.raises(UserError, match='0 bootstrap draws'):
        bootstrap_class_means(np.ones((2, 1)), np.zeros(2, int), draws=0)
