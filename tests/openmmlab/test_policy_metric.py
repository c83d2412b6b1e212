"""PolicyAccuracy: by hand, against the table's arithmetic, and what it refuses."""

import numpy as np
import pytest
import torch
from mmengine.registry import METRICS
from mmpretrain.structures import DataSample

import dynp_plugins.openmmlab  # noqa: F401
from dynp_plugins import UserError
from dynp_plugins.early_exit import (
    ALWAYS,
    MEASURES,
    ExitPolicy,
    ExitTableBuilder,
    Expectation,
    choose_exits,
    on_calibration,
)

NAMES = ('early', 'middle', 'late')


def metric(policy, tmp_path):
    policy.save(tmp_path / 'policy.json')
    return METRICS.build(dict(type='PolicyAccuracy', policy=str(tmp_path / 'policy.json')))


def samples(scores, labels):
    for score, label in zip(scores, labels, strict=True):
        sample = DataSample(metainfo={'exit_names': NAMES}, exit_scores=score)
        yield sample.set_gt_label(label).to_dict()


def test_by_hand(tmp_path):
    """The first leaves early and is right, the second late and is wrong."""
    scores = torch.tensor(
        [[[0.9, 0.1], [0.2, 0.8], [0.2, 0.8]], [[0.6, 0.4], [0.7, 0.3], [0.4, 0.6]]]
    )
    found = metric(ExitPolicy(NAMES, 'max_softmax', (0.8, 0.8, ALWAYS)), tmp_path)
    found.process(None, list(samples(scores, [0, 0])))
    assert found.evaluate(2) == {
        'policy/top1': 50.0,
        'policy/share_early': 0.5,
        'policy/share_middle': 0.0,
        'policy/share_late': 0.5,
    }


@pytest.mark.parametrize('measure', MEASURES)
def test_equals_the_exit_table(measure, tmp_path):
    generator = torch.Generator().manual_seed(0)
    logits = tuple(2 * torch.randn(40, 5, generator=generator) for _ in NAMES)
    labels = torch.randint(5, (40,), generator=generator)
    builder = ExitTableBuilder()
    builder.add(logits, labels, [b'x' * 16] * 40, [''] * 40)
    table = builder.build(
        split='calibration', exit_names=NAMES, classes=5, exit_gmacs=[1, 2, 3], index_sha256='c'
    )
    low, high = MEASURES[measure].bounds(3, 5)
    thresholds = (low + 0.7 * (high - low), low + 0.5 * (high - low), ALWAYS)
    policy = on_calibration(ExitPolicy(NAMES, measure, thresholds), table)
    exits = choose_exits(table.confidence(measure), np.array(policy.thresholds))
    found = metric(policy, tmp_path)
    found.process(None, list(samples(torch.stack(logits, 1).softmax(-1), labels)))
    metrics = found.evaluate(40)
    assert metrics['policy/top1'] == pytest.approx(100 * table.correct[range(40), exits].mean())
    assert metrics['policy/gmacs_mean'] == pytest.approx((exits + 1).mean())
    assert metrics['policy/share_middle'] == pytest.approx((exits == 1).mean())
    assert 0 < metrics['policy/share_middle'] < 1


def test_a_policy_for_other_exits_is_refused(tmp_path):
    found = metric(ExitPolicy(('a', 'b'), 'margin', (0.5, ALWAYS)), tmp_path)
    with pytest.raises(UserError, match='exits a, b, but this network has early, middle, late'):
        found.process(None, list(samples(torch.full((1, 3, 2), 0.5), [0])))


def test_pictures_of_another_size_are_refused(tmp_path):
    by_exit = dict.fromkeys(NAMES, 0.5)
    expected = Expectation(1.0, 50.0, by_exit, by_exit, by_exit, input_shape=[3, 64, 64])
    found = metric(ExitPolicy(NAMES, 'margin', (0.5, 0.5, ALWAYS), expected=expected), tmp_path)
    (sample,) = samples(torch.full((1, 3, 2), 0.5), [0])
    found.process(None, [sample | {'img_shape': (64, 64)}])
    with pytest.raises(UserError, match=r'samples are \[96, 96\]'):
        found.process(None, [sample | {'img_shape': (96, 96)}])


def test_another_head_is_refused(tmp_path):
    found = metric(ExitPolicy(NAMES, 'margin', (0.5, 0.5, ALWAYS)), tmp_path)
    with pytest.raises(UserError, match='MultiExitHead'):
        found.process(None, [{'pred_score': torch.rand(3)}])


def test_a_missing_policy_file_is_named():
    with pytest.raises(UserError, match=r'gone\.json is not a policy file'):
        METRICS.build(dict(type='PolicyAccuracy', policy='gone.json'))
