"""The training objective against its formula."""

import pytest
import torch
from torch.nn import functional as F

from dynp_plugins import UserError
from dynp_plugins.openmmlab.losses import MultiExitLoss

NAMES = ('early', 'latent', 'feature', 'merged')


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    logits = [
        torch.randn(6, 5, generator=generator, dtype=torch.double).requires_grad_() for _ in NAMES
    ]
    return logits, torch.tensor([0, 1, 2, 3, 4, 0])


def kl(teacher, student, temperature=1.0):
    p, q = (teacher / temperature).softmax(-1), (student / temperature).softmax(-1)
    return (p * (p.log() - q.log())).sum(-1).mean()


def test_published_weights(batch):
    logits, target = batch
    losses = MultiExitLoss()(logits, target, NAMES)
    early, latent, feature, merged = logits
    ce = F.cross_entropy
    expected = (
        1.0 * ce(feature, target)
        + 0.5 * (ce(early, target) + ce(latent, target))
        + 1.0 * ce(merged, target)
        + 0.5 * (kl(merged, early) + kl(merged, latent) + kl(merged, feature))
    )
    assert sum(losses.values()).item() == pytest.approx(expected.item())
    assert losses['loss_kd_early'].item() == pytest.approx(0.5 * kl(merged, early).item())


def test_weights_of_the_papers_text(batch):
    logits, target = batch
    half = dict.fromkeys(NAMES[:-1], 0.5)
    losses = MultiExitLoss(ce_weights={**half, 'merged': 1.0}, kd_weights=half)(
        logits, target, NAMES
    )
    expected = F.cross_entropy(logits[-1], target) + sum(
        0.5 * F.cross_entropy(y, target) + 0.5 * kl(logits[-1], y) for y in logits[:-1]
    )
    assert sum(losses.values()).item() == pytest.approx(expected.item())


def test_temperature(batch):
    logits, target = batch
    losses = MultiExitLoss(kd_weights={'early': 2.0}, temperature=3.0)(logits, target, NAMES)
    expected = 2.0 * 9 * kl(logits[-1], logits[0], 3.0)
    assert losses['loss_kd_early'].item() == pytest.approx(expected.item())


def test_the_teacher_is_detached(batch):
    logits, target = batch
    losses = MultiExitLoss(ce_weights={})(logits, target, NAMES)
    sum(losses.values()).backward()
    assert logits[-1].grad is None
    assert all(y.grad.abs().sum() > 0 for y in logits[:-1])


def test_distillation_off(batch):
    losses = MultiExitLoss(kd_weights={})(*batch, NAMES)
    assert set(losses) == {f'loss_ce_{name}' for name in NAMES}


def test_soft_targets_equal_hard_ones(batch):
    logits, target = batch
    for smoothing in (0.0, 0.1):
        loss = MultiExitLoss(label_smoothing=smoothing)
        hard = loss(logits, target, NAMES)
        soft = loss(logits, F.one_hot(target, 5).double(), NAMES)
        for name in hard:
            torch.testing.assert_close(hard[name], soft[name])


def test_exits_that_are_switched_off_need_no_weight(batch):
    logits, target = batch
    losses = MultiExitLoss()([logits[0], logits[3]], target, ('early', 'merged'))
    assert set(losses) == {'loss_ce_early', 'loss_ce_merged', 'loss_kd_early'}


def test_other_networks_sum_up_their_exits(batch):
    """The objective of MSDNet and RANet: equal weights, no distillation."""
    logits, target = batch
    names = ('exit1', 'exit2', 'exit3', 'exit4')
    losses = MultiExitLoss()(logits, target, names)
    assert set(losses) == {f'loss_ce_{name}' for name in names}
    expected = sum(F.cross_entropy(y, target) for y in logits)
    assert sum(losses.values()).item() == pytest.approx(expected.item())


def test_one_weight_for_all_exits(batch):
    logits, target = batch
    names = ('exit1', 'exit2', 'exit3', 'exit4')
    losses = MultiExitLoss(ce_weights=0.7, kd_weights=0.3)(logits, target, names)
    expected = sum(0.7 * F.cross_entropy(y, target) for y in logits)
    expected = expected + sum(0.3 * kl(logits[-1], y) for y in logits[:-1])
    assert sum(losses.values()).item() == pytest.approx(expected.item())


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(ce_weights={'erly': 1.0}), "ce_weights names 'erly'; it can weight early, latent"),
        (dict(kd_weights={'merged': 1.0}), "kd_weights names 'merged'; it can weight early"),
        (dict(ce_weights=0, kd_weights=0), 'nothing to train'),
        (dict(kd_weights='half'), "kd_weights='half': give one number, or a dict of them by exit"),
    ],
)
def test_weights_that_cannot_be(batch, settings, message):
    with pytest.raises(UserError, match=message):
        MultiExitLoss(**settings)(*batch, NAMES)
