"""Answers compared with the exit table, on a network whose answers are written into its images."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks.agreement import exit_logits, float32_logits, measure_agreement
from dynp_plugins.early_exit import choose_exits
from dynp_plugins.errors import UserError
from tests.benchmarks.invented_model import EXITS, InventedNetwork, invented_model, invented_table

CPU = torch.device('cpu')
SECOND = EXITS.index('b')


class WholeNetwork(InventedNetwork):
    """One that is tried as a whole when it is made ready."""

    def forward(self, images):
        return self.step(0, self.start(images), [])


def made(**settings):
    return invented_model(WholeNetwork([], [0.0]), **settings)


@pytest.mark.parametrize('frames', [(), (3,)])
def test_the_network_of_the_table_agrees_with_it(frames):
    model = made(thresholds=(0.9, 0.8), frames=frames)
    found = measure_agreement(model, float32_logits(model, 7, CPU), 9, CPU)
    assert (found.images, found.batch_size) == (40, 9)
    assert found.same_top1 == dict.fromkeys(EXITS, 1.0)
    assert (found.same_top1_everywhere, found.logit_difference) == (1.0, 0.0)
    assert [(one.same_top1, one.same_exit) for one in found.policies] == [(1.0, 1.0)] * 3
    assert [one.policy for one in found.policies] == [None, None, 'mine.json']
    assert [one.target_gmacs for one in found.policies] == [
        timed.target_gmacs for timed in model.policies
    ]


def test_other_answers_are_counted():
    """Of ten images the second exit says the other class, as sure as before; of ten less sure."""
    model = made()
    reference = float32_logits(model, 40, CPU)
    images = model.images.clone()
    images[:10, 0, 0, SECOND] *= -1
    images[10:20, 0, 0, SECOND] *= 0.1
    other = replace(model, images=images)
    found = measure_agreement(other, reference, 40, CPU)
    assert found.same_top1 == {'a': 1.0, 'b': 0.75, 'c': 1.0}
    assert found.same_top1_everywhere == 0.75
    differences = (images[:, 0, 0, :3] - model.images[:, 0, 0, :3]).abs()
    largest = model.images[:, 0, 0, :3].abs().max()
    assert found.logit_difference == pytest.approx(float(differences.max() / largest))
    moved = invented_table(images)
    for one, timed in zip(found.policies, model.policies, strict=True):
        thresholds = np.array(timed.policy.thresholds)
        expected, left = (
            choose_exits(table.confidence('max_softmax'), thresholds)
            for table in (model.test, moved)
        )
        rows = np.arange(40)
        same = moved.prediction[rows, left] == model.test.prediction[rows, expected]
        assert one.same_exit == pytest.approx((left == expected).mean())
        assert one.same_top1 == pytest.approx(same.mean())
        assert one.same_exit < 1 and one.same_top1 < 1


def test_logits_of_all_samples_in_order():
    model = made(count=5)
    logits = exit_logits(model, 2, CPU)
    assert logits.shape == (5, 3, 2) and logits.dtype == torch.float64
    assert torch.equal(logits[:, :, 0], model.images[:, 0, 0, :3].double())


def test_logits_that_are_no_numbers():
    model = made()
    reference = float32_logits(model, 40, CPU)
    model.images[3, 0, 0, 1] = float('inf')
    with pytest.raises(UserError, match=r'net puts out NaN or infinite logits.*--dtype'):
        measure_agreement(model, reference, 40, CPU)
