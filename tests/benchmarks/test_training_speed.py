"""The benchmark of training: what is timed for each part, and the arithmetic of its table."""

import numpy as np
import pytest
import torch

from benchmarks import training_speed
from benchmarks.training_speed import (
    BASELINE,
    OURS,
    Form,
    Training,
    measure_training,
    table,
    training_side,
    training_step,
)
from dynp_plugins import UserError, create_model

EAGER = OURS[:2]
TINY = Training('dyn_perceiver_regnety_tiny', batch=4, size=64)


@pytest.fixture(scope='module')
def batch():
    torch.manual_seed(0)
    network = create_model('dyn_perceiver_regnety_tiny', num_classes=10)
    return network, torch.randn(4, 3, 64, 64), torch.tensor([1, 2, 3, 4])


class CountingClock:
    """Time is the number of events so far."""

    def __init__(self):
        self.events = []

    def start(self):
        self.begin, self.laps = len(self.events), []

    def lap(self):
        self.laps.append(float(len(self.events) - self.begin))

    def read(self):
        return self.laps


def test_every_part_times_what_it_is_named_after(batch, monkeypatch):
    """Each part of a step causes another number of events."""
    network, images, labels = batch
    clock = CountingClock()

    def counted(function, count):
        def run(*args, **kwargs):
            clock.events += [count] * count
            return function(*args, **kwargs)

        return run

    step = training_step(network, images, labels, BASELINE)
    monkeypatch.setattr(torch.Tensor, 'backward', counted(torch.Tensor.backward, 3))
    monkeypatch.setattr(torch.nn.functional, 'kl_div', counted(torch.nn.functional.kl_div, 2))
    monkeypatch.setattr(torch.optim.AdamW, 'zero_grad', counted(torch.optim.AdamW.zero_grad, 5))
    monkeypatch.setattr(type(network.backbone), 'start', counted(type(network.backbone).start, 1))
    assert step(clock) == [1.0, 3 * 2.0, 3.0, 5.0]  # three exits are distilled


def test_the_baseline_is_plain_and_ours_is_not(batch):
    network, images, labels = batch
    seen = {}

    def look(form):
        def hook(module, inputs):
            (features,) = inputs
            seen[form.name] = (
                features.is_contiguous(memory_format=torch.channels_last),
                torch.is_autocast_enabled('cpu'),
            )

        return hook

    for form in (BASELINE, *EAGER):
        handle = network.backbone.feature_branch.stem.register_forward_pre_hook(look(form))
        training_step(network, images, labels, form)(CountingClock())
        handle.remove()
    assert seen[BASELINE.name] == (False, False)
    assert seen['ours, float32'] == (True, False)
    assert seen['ours, bfloat16'] == (True, True)


def test_a_copy_is_trained(batch):
    network, images, labels = batch
    before = {key: value.clone() for key, value in network.state_dict().items()}
    training_step(network, images, labels, Form('ours'))(CountingClock())
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


def test_the_sides_are_processes_and_ours_keeps_its_memory(monkeypatch):
    made = []

    class Here:
        """A side in this process, whose environment is looked at."""

        def __init__(self, make, arguments, environment=None):
            made.append((arguments[1], environment))
            self.side = make(*arguments)

        def __call__(self, question):
            return self.side(question)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(training_speed, 'ContestantProcess', Here)
    times = measure_training(TINY, EAGER, 5)
    assert times.shape == (3, 5, 4)
    assert (times > 0).all()
    assert made == [(EAGER, training_speed.ENVIRONMENT), ((BASELINE,), None)]
    with pytest.raises(UserError, match='4 rounds are too few'):
        measure_training(TINY, EAGER, 4)


@pytest.mark.slow
def test_two_processes_are_timed():
    assert (measure_training(TINY, EAGER[:1], 5) > 0).all()


def test_ratios_of_the_table_by_hand():
    """Ours takes 1 ms for each part; the baseline 1, 2, 3, 4 ms, and twice that in one repeat."""
    slow = np.tile([1.0, 2.0, 3.0, 4.0], (5, 1))
    slow[3] *= 2
    lines = table(np.stack([slow, np.ones((5, 4))]), [Form('quick')]).splitlines()
    assert lines[1].split()[-5:] == ['1.0', '2.0', '3.0', '4.0', '10.0']
    assert lines[2].split() == ['quick', *['1.0'] * 4, '4.0']
    whole = lines[-1].split()
    assert whole[:3] == ['whole', 'step', '2.50']
    assert whole[-2:] == ['2.50', '5.00']
    backward = lines[-3].split()
    assert backward[:2] == ['backward', '3.00'] and backward[-2:] == ['3.00', '6.00']


def test_no_compiler_is_noticed_before_anything_is_timed(monkeypatch):
    def refuse(device):
        raise UserError('no compiler')

    monkeypatch.setattr(training_speed, 'check_compiler', refuse)
    with pytest.raises(UserError, match='no compiler'):
        training_side(TINY, OURS)
    training_side(TINY, EAGER)
