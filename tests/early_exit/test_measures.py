"""Confidence measures against closed forms."""

import math

import pytest
import torch

from dynp_plugins import UserError
from dynp_plugins.early_exit import MEASURES, confidence_measure, probabilities

P = torch.tensor([[0.5, 0.25, 0.125, 0.125], [0.25, 0.25, 0.25, 0.25], [1.0, 0.0, 0.0, 0.0]])


@pytest.mark.parametrize(
    ('name', 'expected'),
    [
        ('max_softmax', [0.5, 0.25, 1.0]),
        ('entropy', [1 - 1.75 / 2, 0.0, 1.0]),  # 1.75 bits of 2
        ('margin', [0.25, 0.0, 1.0]),
        ('patience', [1.0, 1.0, 1.0]),
    ],
)
def test_closed_forms(name, expected):
    found = confidence_measure(name)([P.log()])
    assert found.tolist() == pytest.approx(expected, abs=1e-6)
    assert found.dtype == torch.float32


def test_patience_counts_the_agreement_that_ends_here():
    """Predictions 0 1 1 1 0 0 of six exits."""
    logits = [torch.eye(2)[[answer]] for answer in (0, 1, 1, 1, 0, 0)]
    counts = [MEASURES['patience'](logits[: k + 1]).item() for k in range(6)]
    assert counts == [1, 1, 2, 3, 1, 2]


@pytest.mark.parametrize('name', MEASURES)
@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_any_dtype_gives_float32_within_the_bounds(name, dtype):
    logits = [8 * torch.randn(50, 7, generator=torch.manual_seed(k)) for k in range(3)]
    found = MEASURES[name]([values.to(dtype) for values in logits])
    low, high = MEASURES[name].bounds(exits=3, classes=7)
    assert found.dtype == torch.float32
    assert ((found >= low) & (found <= high)).all()


def test_float64_is_computed_in_float64():
    """Two logits that float32 cannot tell apart."""
    logits = torch.tensor([[1.0, 1.0 + 1e-12]], dtype=torch.float64)
    assert probabilities(logits).argmax().item() == 1
    assert MEASURES['margin']([logits]).item() == pytest.approx(5e-13, rel=1e-3)


@pytest.mark.parametrize('name', MEASURES)
def test_nan_stays_nan_and_reaches_no_threshold(name):
    logits = torch.zeros(2, 3)
    logits[0, 1] = math.nan
    found = MEASURES[name]([torch.zeros(2, 3), logits])
    assert found.isnan().tolist() == [True, False]
    assert (found >= -math.inf).tolist() == [False, True]


@pytest.mark.parametrize('name', MEASURES)
def test_one_class_is_as_sure_as_can_be(name):
    assert MEASURES[name]([torch.randn(3, 1)]).tolist() == [1.0, 1.0, 1.0]


def test_an_unknown_measure_is_answered_with_the_known_ones():
    with pytest.raises(UserError, match=r"'softmax'.*max_softmax, entropy, margin, patience"):
        confidence_measure('softmax')
