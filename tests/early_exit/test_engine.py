"""The engine on whole numbers: what full forwards give, bit by bit, and nothing more is run."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dynp_plugins import UserError
from dynp_plugins.early_exit import ALWAYS, MEASURES, NEVER, CalibrationSplit, Expectation
from dynp_plugins.early_exit.engine import EarlyExitEngine
from dynp_plugins.early_exit.survivors import Survivors, merge

from .whole_number_network import (
    EXITS,
    WholeNumberNetwork,
    draw_policy,
    expected_result,
    full_table,
    policy,
    whole_number_images,
)

DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)


@settings(max_examples=150, deadline=None)
@given(
    data=st.data(),
    measure=st.sampled_from(list(MEASURES)),
    count=st.integers(1, 9),
    group_size=st.integers(1, 3),
    dtype=st.sampled_from(DTYPES),
    seed=st.integers(0, 1000),
)
def test_runs_equal_full_forwards(data, measure, count, group_size, dtype, seed):
    images = whole_number_images(count * group_size, seed, dtype)
    table = full_table(WholeNumberNetwork(), images, measure, group_size)
    chosen = draw_policy(data, st, table[1], measure)
    exits, logits, prediction, confidence = expected_result(table, chosen)

    network = WholeNumberNetwork()
    result = EarlyExitEngine(network, chosen)(images, group_size=group_size)
    assert torch.equal(result.exit, exits) and torch.equal(result.reached, exits)
    assert torch.equal(result.logits, logits) and result.logits.dtype == logits.dtype
    assert torch.equal(result.prediction, prediction)
    assert torch.equal(result.confidence, confidence)
    assert result.confidence.dtype == torch.float32
    assert result.exit.dtype == result.prediction.dtype == result.reached.dtype == torch.int64
    assert len(result) == count

    # Each step sees exactly those who are still in, and no step runs for nobody.
    still_in = [int((exits >= k).sum()) * group_size for k in range(len(EXITS))]
    assert network.seen == [(k, size) for k, size in enumerate(still_in) if size]


def some_leave_everywhere(images, measure='max_softmax'):
    """A policy whose thresholds are the median confidences of those who get there."""
    confidence = full_table(WholeNumberNetwork(), images, measure)[1]
    thresholds = []
    for k in range(len(EXITS) - 1):
        thresholds.append(float(confidence[:, k].median()))
        confidence = confidence[confidence[:, k] < thresholds[-1]]
    assert len(confidence) > 1
    return policy(*thresholds, measure=measure)


IMAGES = whole_number_images(48)
MIXED = some_leave_everywhere(IMAGES)


def engine(chosen=MIXED, **settings):
    return EarlyExitEngine(WholeNumberNetwork(), chosen, **settings)


def test_the_mixed_policy_uses_every_exit():
    assert (engine()(IMAGES).exit.bincount() > 1).tolist() == [True] * 4


def test_channels_last_and_repeated_rows_survive_compaction():
    run = engine()
    run(IMAGES)
    for state in run.network.given[1:]:
        assert state['map'].is_contiguous(memory_format=torch.channels_last)
        assert state['code'].stride(0) == 0
    assert len({len(state['map']) for state in run.network.given}) == 4


def test_nothing_is_copied_while_nobody_leaves():
    run = engine(policy(NEVER, 1.0, NEVER))
    assert run(IMAGES).exit.unique().tolist() == [3]
    for given_state, returned in zip(run.network.given[1:], run.network.returned, strict=False):
        assert all(given_state[name] is value for name, value in returned.items())


def test_confidences_are_looked_at_only_where_somebody_may_leave():
    looked = []
    run = engine(policy(NEVER, 0.5, NEVER))
    measure = run.measure
    run.measure = lambda logits: looked.append(len(run.network.seen)) or measure(logits)
    run.measure.read = measure.read
    run(IMAGES)
    assert looked == [2, 4]


def test_what_a_network_returned_is_not_changed_by_thinning():
    run = engine()
    run(IMAGES)
    assert [len(state['map']) for state in run.network.returned] == [n for _, n in run.network.seen]


@pytest.mark.parametrize('measure', MEASURES)
def test_a_confidence_that_is_nan_leaves_at_the_last_exit_only(measure):
    images = IMAGES[:3].clone()
    images[1] = math.nan
    result = engine(policy(ALWAYS, ALWAYS, ALWAYS, measure=measure))(images)
    assert result.exit.tolist() == [0, 3, 0]
    assert result.confidence.isnan().tolist() == [False, True, False]


def test_everything_stays_on_the_device_of_the_images():
    """Whatever is made without saying where would land on the default device."""
    run = engine()
    expected = run(IMAGES)
    with torch.device('meta'):
        result = run(IMAGES)
    assert torch.equal(result.exit, expected.exit) and result.reached.device.type == 'cpu'


def test_no_gradients_are_kept():
    images = IMAGES.clone().requires_grad_()
    assert not engine()(images).logits.requires_grad


def test_the_group_size_of_a_call_goes_before_the_engines_own():
    assert len(engine(group_size=3)(IMAGES)) == 16
    assert len(engine(group_size=3)(IMAGES, group_size=2)) == 24


# Stopping.


@pytest.mark.parametrize('k', range(3))
def test_a_run_can_be_stopped_at_an_exit(k):
    plain, run = engine()(IMAGES), engine()
    result = run(IMAGES, stop_at=EXITS[k])
    assert torch.equal(result.exit, plain.exit.clamp(max=k))
    assert torch.equal(result.reached, result.exit)
    assert [step for step, _ in run.network.seen] == list(range(k + 1))
    logits, confidence = full_table(WholeNumberNetwork(), IMAGES, 'max_softmax')
    assert torch.equal(result.logits, logits[torch.arange(48), result.exit])
    assert torch.equal(result.confidence, confidence[torch.arange(48), result.exit])


def test_stopping_at_the_last_exit_is_a_plain_run():
    result, plain = engine()(IMAGES, stop_at='d'), engine()(IMAGES)
    assert torch.equal(result.exit, plain.exit) and torch.equal(result.logits, plain.logits)


@pytest.mark.parametrize('patience', range(5))
def test_a_callback_is_asked_after_each_exit_but_the_last(patience):
    asked = []

    def should_stop():
        asked.append(len(run.network.seen))
        return len(asked) > patience

    run = engine()
    result = run(IMAGES, should_stop=should_stop)
    assert asked == [1, 2, 3][: patience + 1]
    assert len(run.network.seen) == min(patience + 1, 4)
    assert torch.equal(result.exit, engine()(IMAGES).exit.clamp(max=patience))


def test_a_callback_is_not_asked_once_all_have_left():
    result = engine(policy(ALWAYS, 0.5, 0.5))(IMAGES, should_stop=lambda: pytest.fail('asked'))
    assert result.exit.tolist() == [0] * 48


def expecting(*top1_percent):
    """The mixed policy with what its calibration says of the exits."""
    expected = Expectation(
        gmacs_mean=1.0,
        top1_percent=50.0,
        exit_shares=dict.fromkeys(EXITS, 0.25),
        exit_gmacs=dict(zip(EXITS, (1.0, 2.0, 3.0, 4.0), strict=True)),
        exit_top1_percent=dict(zip(EXITS, top1_percent, strict=False)),
    )
    return policy(
        *MIXED.thresholds[:-1], calibration=CalibrationSplit('cal', 9, 'f' * 64), expected=expected
    )


@pytest.mark.parametrize(
    ('top1_percent', 'answers_by_stop'),
    [
        ((50.0, 60.0, 70.0, 80.0), [0, 1, 2, 3]),
        ((50.0, 60.0, 55.0, 52.0), [0, 1, 1, 3]),
        ((50.0, 50.0, 40.0, 30.0), [0, 1, 1, 3]),
        ((70.0, 60.0, 65.0, 10.0), [0, 0, 0, 3]),
    ],
    ids=['rising', 'second is best', 'equals', 'first is best'],
)
def test_who_is_stopped_gets_the_best_answer_so_far(top1_percent, answers_by_stop):
    """The last exit is no stop: there the policy itself says who answers."""
    logits, confidence = full_table(WholeNumberNetwork(), IMAGES, 'max_softmax')
    plain = engine()(IMAGES)
    for stop, best in enumerate(answers_by_stop):
        result = engine(expecting(*top1_percent))(IMAGES, stop_at=EXITS[stop])
        stopped = plain.exit > stop
        assert torch.equal(result.exit[~stopped], plain.exit[~stopped])
        assert (result.exit[stopped] == best).all() and (result.reached[stopped] == stop).all()
        rows = torch.arange(48)
        assert torch.equal(result.logits, logits[rows, result.exit])
        assert torch.equal(result.confidence, confidence[rows, result.exit])
        assert torch.equal(result.prediction, result.logits.argmax(-1))


@pytest.mark.parametrize('measure', MEASURES)
@pytest.mark.parametrize('group_size', [1, 2])
def test_the_best_answer_of_groups_by_any_measure(measure, group_size):
    chosen = expecting(10.0, 60.0, 20.0, 80.0)
    chosen = policy(NEVER, NEVER, NEVER, measure=measure, expected=chosen.expected)
    result = engine(chosen, group_size=group_size)(IMAGES, stop_at='c')
    logits, confidence = full_table(WholeNumberNetwork(), IMAGES, measure, group_size)
    assert result.exit.unique().tolist() == [1] and result.reached.unique().tolist() == [2]
    assert torch.equal(result.logits, logits[:, 1])
    assert torch.equal(result.confidence, confidence[:, 1])


# Answers at any time.


@pytest.mark.parametrize('chosen', [MIXED, expecting(50.0, 60.0, 55.0, 52.0)], ids=str)
def test_answers_at_any_time_are_those_of_stopped_runs(chosen):
    for k, answer in enumerate(engine(chosen).answers(IMAGES, group_size=2)):
        stopped = engine(chosen)(IMAGES, group_size=2, stop_at=EXITS[k])
        for name in ('exit', 'reached', 'logits', 'prediction', 'confidence'):
            assert torch.equal(getattr(answer, name), getattr(stopped, name))
    assert k == 3


def test_answers_are_computed_when_they_are_asked_for():
    run = engine()
    answers = run.answers(IMAGES)
    assert run.network.seen == []
    for k, _ in enumerate(answers):
        assert torch.is_grad_enabled()
        assert [step for step, _ in run.network.seen] == list(range(k + 1))


def test_answers_end_when_all_have_left():
    run = engine(policy(NEVER, ALWAYS, NEVER))
    assert [answer.exit.unique().tolist() for answer in run.answers(IMAGES)] == [[0], [1]]
    assert len(run.network.seen) == 2


# What is refused.


def test_a_policy_for_other_exits_is_refused():
    with pytest.raises(UserError, match=r'with the exits x, y, but this network has a, b, c, d'):
        engine(policy(0.5, exit_names=('x', 'y')))


def test_a_policy_for_other_classes_is_refused():
    with pytest.raises(UserError, match='with 10 classes, but this network has 3'):
        engine(policy(0.5, 0.5, 0.5, classes=10))(IMAGES)


def test_a_network_in_training_mode_is_refused(tiny):
    run = EarlyExitEngine(tiny, policy(*[0.5] * 3, exit_names=tiny.exit_names))
    assert len(run(torch.randn(2, 3, 64, 64))) == 2
    tiny.train()
    with pytest.raises(UserError, match=r'training mode.*network\.eval\(\)'):
        run(torch.randn(2, 3, 64, 64))
    with pytest.raises(UserError, match='training mode'):
        run.answers(torch.randn(2, 3, 64, 64))


@pytest.mark.parametrize(
    ('images', 'settings', 'message'),
    [
        (IMAGES[:0], {}, r'\(0, 3, 2, 2\) hold no image'),
        (IMAGES.numpy(), {}, r'must be a tensor \(B, 3, H, W\), not ndarray'),
        (torch.tensor(1.0), {}, 'not a single number 1'),
        (IMAGES[:5], {'group_size': 2}, '5 images are no whole number of groups of group_size=2'),
        (IMAGES, {'group_size': 0}, 'group_size=0: give a whole number of at least 1'),
        (IMAGES, {'group_size': True}, 'group_size=True'),
        (IMAGES, {'stop_at': 'e'}, "stop_at='e' is no exit: choose of a, b, c, d"),
    ],
    ids=['none', 'numpy', 'number', 'part of a group', 'groups of 0', 'groups of True', 'stop_at'],
)
def test_what_cannot_be_run_is_refused(images, settings, message):
    with pytest.raises(UserError, match=message):
        engine()(images, **settings)


def test_a_group_size_is_checked_at_once():
    with pytest.raises(UserError, match=r'group_size=1\.5'):
        engine(group_size=1.5)


def test_a_network_whose_state_is_not_batch_first_is_refused():
    class Wrong(WholeNumberNetwork):
        def step(self, k, state, previous_logits):
            state, logits = super().step(k, state, previous_logits)
            return {**state, 'code': torch.arange(4.0)}, logits

    with pytest.raises(UserError, match=r"entry 'code' has shape \(4,\) for 48 images"):
        EarlyExitEngine(Wrong(), MIXED)(IMAGES)


# Survivors.


def survivors(images):
    channels_last = images.contiguous(memory_format=torch.channels_last)
    return Survivors(list(range(len(images))), {'x': channels_last}, [images.sum((2, 3))])


def test_splitting_and_merging_give_back_the_whole_in_its_memory_format():
    whole = survivors(IMAGES)
    first, second = whole.split(20)
    again = merge([first, second])
    assert (len(first), len(second), again.tickets) == (20, 28, whole.tickets)
    assert torch.equal(again.state['x'], whole.state['x'])
    assert torch.equal(again.logits[0], whole.logits[0])
    assert again.state['x'].is_contiguous(memory_format=torch.channels_last)
    assert merge([first]) is first


@pytest.mark.parametrize(
    ('other', 'message'),
    [
        (
            {'x': torch.zeros(2, 3, 4, 2)},
            r'3 x 2 x 2 \(float64, cpu\) and one of 3 x 4 x 2 \(float',
        ),
        ({'x': torch.zeros(2, 3, 2, 2)}, r'\(float64, cpu\) and one of 3 x 2 x 2 \(float32, cpu\)'),
        ({'y': IMAGES}, 'entries x and y cannot be merged'),
    ],
    ids=['shape', 'type', 'entries'],
)
def test_states_that_do_not_fit_are_not_merged(other, message):
    with pytest.raises(UserError, match=message):
        merge([survivors(IMAGES), Survivors([0, 1], other, [])])
