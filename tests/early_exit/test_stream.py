"""The stream on whole numbers: equal answers in order, full batches, bounded memory."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dynp_plugins import UserError
from dynp_plugins.early_exit import ALWAYS, MEASURES, NEVER
from dynp_plugins.early_exit.engine import EarlyExitEngine
from dynp_plugins.early_exit.stream import EarlyExitStream

from .whole_number_network import (
    EXITS,
    WholeNumberNetwork,
    draw_policy,
    expected_result,
    full_table,
    policy,
    whole_number_images,
)

NOBODY = policy(NEVER, NEVER, NEVER)


def make_stream(chosen, batch_size=4, max_in_flight=None, group_size=1, network=None):
    engine = EarlyExitEngine(network or WholeNumberNetwork(), chosen, group_size)
    return EarlyExitStream(engine, batch_size, max_in_flight)


class Source:
    """Batches that are counted as they are taken."""

    def __init__(self, batches):
        self.batches = batches
        self.taken = 0  # images
        self.ended = False

    def __iter__(self):
        for batch in self.batches:
            self.taken += len(batch)
            yield batch
        self.ended = True


@settings(max_examples=200, deadline=None)
@given(
    data=st.data(),
    measure=st.sampled_from(list(MEASURES)),
    group_size=st.integers(1, 3),
    groups_per_batch=st.lists(st.integers(1, 7), min_size=1, max_size=8),
    capacity=st.integers(1, 5),
    extra=st.integers(0, 30),
    seed=st.integers(0, 1000),
)
def test_streams_equal_full_forwards(
    data, measure, group_size, groups_per_batch, capacity, extra, seed
):
    sizes = [group_size * groups for groups in groups_per_batch]
    images = whole_number_images(sum(sizes), seed)
    table = full_table(WholeNumberNetwork(), images, measure, group_size)
    chosen = draw_policy(data, st, table[1], measure)
    exits, logits, prediction, confidence = expected_result(table, chosen)

    batch_size = capacity * group_size
    stream = make_stream(chosen, batch_size, batch_size + extra, group_size)
    source = Source(images.split(sizes))
    results, handed_out = [], 0
    for result in stream(source):
        results.append(result)
        handed_out += len(result) * group_size
        # Beyond the bound there is at most what is answered of the oldest batch and what of the
        # batch taken last has to wait.
        assert source.taken - handed_out <= batch_size + extra + 2 * max(sizes)

    assert [len(result) for result in results] == groups_per_batch
    assert torch.equal(torch.cat([result.exit for result in results]), exits)
    assert torch.equal(torch.cat([result.reached for result in results]), exits)
    assert torch.equal(torch.cat([result.logits for result in results]), logits)
    assert torch.equal(torch.cat([result.prediction for result in results]), prediction)
    assert torch.equal(torch.cat([result.confidence for result in results]), confidence)
    network = stream.engine.network
    for k in range(len(EXITS)):
        assert sum(network.sizes(k)) == int((exits >= k).sum()) * group_size
        assert max(network.sizes(k), default=0) <= batch_size


def half_leave(images, group_size=1):
    """A policy by which about half of those who get to an exit leave there."""
    confidence = full_table(WholeNumberNetwork(), images, 'entropy', group_size)[1]
    thresholds = []
    for k in range(3):
        thresholds.append(float(confidence[:, k].median()))
        confidence = confidence[confidence[:, k] < thresholds[-1]]
    return policy(*thresholds, measure='entropy')


@pytest.mark.parametrize('group_size', [1, 3])
@pytest.mark.parametrize('sizes', [[12], [7, 5], [1], [60], [12, 1, 35, 2]], ids=str)
def test_every_step_runs_full_batches_while_there_is_input(sizes, group_size):
    class Timed(WholeNumberNetwork):
        def step(self, k, state, previous_logits):
            while_input.append(not source.ended)
            return super().step(k, state, previous_logits)

    sizes = [group_size * size for size in sizes * (480 // sum(sizes))]
    images = whole_number_images(sum(sizes))
    source, while_input = Source(images.split(sizes)), []
    stream = make_stream(half_leave(images, group_size), 12, 6000, group_size, Timed())
    assert sum(len(result) for result in stream(source)) == len(images) // group_size
    seen = stream.engine.network.seen
    before = [(k, size) for (k, size), early in zip(seen, while_input, strict=True) if early]
    assert {k for k, _ in before} == {0, 1, 2, 3} and {size for _, size in before} == {12}
    # At the end each step runs once more at most with less than a full batch.
    for k in range(4):
        assert sum(size < 12 for size in stream.engine.network.sizes(k)) <= 1


@pytest.mark.parametrize('batch', [1, 3, 4, 50])
@pytest.mark.parametrize('max_in_flight', [4, 7, 20])
@pytest.mark.parametrize('chosen', [NOBODY, half_leave(whole_number_images(100))], ids=str)
def test_states_in_flight_are_bounded(chosen, batch, max_in_flight):
    """Also where a batch is larger than the bound: it is taken in piece by piece."""

    class Counted(WholeNumberNetwork):
        in_flight = 0

        def step(self, k, state, previous_logits):
            if k == 0:
                self.in_flight += len(state['map'])
            assert self.in_flight <= max_in_flight
            state, logits = super().step(k, state, previous_logits)
            confidence = MEASURES[chosen.measure]([*previous_logits, logits])
            self.in_flight -= int((confidence >= chosen.thresholds[k]).sum())
            return state, logits

    images = whole_number_images(100)
    stream = make_stream(chosen, 4, max_in_flight, network=Counted())
    results = list(stream(images.split(batch)))
    assert [len(result) for result in results] == [len(part) for part in images.split(batch)]
    assert stream.engine.network.in_flight == 0


def one_of_many():
    """Images of which the first alone goes to the last exit, and the policy that does it."""
    images = whole_number_images(200)
    confidence = full_table(WholeNumberNetwork(), images, 'max_softmax')[1][:, 0]
    median = float(confidence.median())
    unsure = images[confidence < median][:1]
    return torch.cat([unsure, images[confidence >= median]]), policy(median, NEVER, NEVER)


@pytest.mark.parametrize('max_in_flight', [7, 8])
def test_who_waits_alone_is_run_when_the_bound_is_reached(max_in_flight):
    """And not whoever waits for the first step, whose queue is empty or not by then."""
    images, chosen = one_of_many()
    source = Source(images.split(1))
    stream = make_stream(chosen, batch_size=2, max_in_flight=max_in_flight)
    results = stream(source)
    assert next(results).exit.tolist() == [3]
    assert source.taken == max_in_flight + 1 and not source.ended
    sizes = [stream.engine.network.sizes(k) for k in range(4)]
    assert sizes == [[2] * (max_in_flight // 2), [1], [1], [1]]
    assert torch.cat([result.exit for result in results]).tolist() == [0] * (len(images) - 1)


def test_who_waits_alone_may_wait_for_company_within_the_bound():
    images, chosen = one_of_many()
    source = Source(images.split(1))
    assert next(make_stream(chosen, batch_size=2, max_in_flight=1000)(source)).exit.tolist() == [3]
    assert source.ended


def test_nothing_is_taken_or_run_before_it_is_needed():
    source = Source(whole_number_images(12).split(4))
    stream = make_stream(NOBODY, batch_size=4)
    results = stream(source)
    assert source.taken == 0
    for number, _ in enumerate(results, 1):
        assert torch.is_grad_enabled()
        assert source.taken == 4 * number
        assert stream.engine.network.seen == [(0, 4), (1, 4), (2, 4), (3, 4)] * number


def test_a_batch_of_the_right_size_is_not_copied():
    class Checked(WholeNumberNetwork):
        def start(self, images):
            assert images.data_ptr() == batch.data_ptr()
            return super().start(images)

    batch = whole_number_images(4)
    stream = make_stream(NOBODY, batch_size=4, network=Checked())
    assert len(next(stream([batch]))) == 4
    for given_state, returned in zip(
        stream.engine.network.given[1:], stream.engine.network.returned, strict=False
    ):
        assert all(given_state[name] is value for name, value in returned.items())


def test_merged_states_stay_channels_last():
    images = whole_number_images(480)
    stream = make_stream(half_leave(images), batch_size=16)
    list(stream(images.split(7)))
    maps = [state['map'] for state in stream.engine.network.given]
    assert all(x.is_contiguous(memory_format=torch.channels_last) for x in maps)


def test_no_gradients_are_kept():
    """Neither of results nor, as the network checks, of images that are merged or split."""
    images = whole_number_images(30).requires_grad_()
    results = list(make_stream(half_leave(images.detach()))(images.split(7)))
    assert not any(result.logits.requires_grad for result in results)


def test_a_stream_can_be_used_again():
    images = whole_number_images(30)
    stream = make_stream(half_leave(images))
    first, second = list(stream(images.split(7))), list(stream(images.split(7)))
    assert all(torch.equal(a.exit, b.exit) for a, b in zip(first, second, strict=True))


def test_no_batches_give_no_results():
    assert list(make_stream(NOBODY)([])) == []


# Errors on the way.


def broken(batches, error):
    yield from batches
    raise error


@pytest.mark.parametrize('max_in_flight', [4, 1000])
def test_an_error_of_the_source_is_raised_behind_the_results_before_it(max_in_flight):
    images = whole_number_images(30)
    chosen = half_leave(images)
    results = []
    with pytest.raises(OSError, match='disk'):
        for result in make_stream(chosen, 4, max_in_flight)(
            broken(images.split(7), OSError('disk'))
        ):
            results.append(result)
    plain = list(make_stream(chosen, 4)(images.split(7)))
    assert [result.exit.tolist() for result in results] == [r.exit.tolist() for r in plain]


def test_an_interrupt_is_raised_at_once():
    stream = make_stream(NOBODY, batch_size=100)
    with pytest.raises(KeyboardInterrupt):
        next(stream(broken(whole_number_images(30).split(7), KeyboardInterrupt())))
    assert stream.engine.network.seen == []


@pytest.mark.parametrize(
    ('bad', 'message'),
    [
        (
            torch.zeros(2, 3, 4, 2, dtype=torch.float64),
            r'images of a stream: .* 3 x 2 x 2 \(float64, cpu\) and one of 3 x 4 x 2 \(float64',
        ),
        (torch.zeros(2, 3, 2, 2), r'3 x 2 x 2 \(float64, cpu\) and one of 3 x 2 x 2 \(float32'),
        (whole_number_images(3), '3 images are no whole number of groups of group_size=2'),
        (whole_number_images(0), 'hold no image'),
        (None, 'not NoneType'),
    ],
    ids=['size', 'type', 'part of a group', 'none', 'no tensor'],
)
def test_a_batch_that_cannot_be_run_is_refused_behind_the_results_before_it(bad, message):
    results = []
    with pytest.raises(UserError, match=message):
        for result in make_stream(NOBODY, group_size=2)([*whole_number_images(6).split(2), bad]):
            results.append(result)
    assert len(results) == 3


def test_a_network_that_is_trained_meanwhile_answers_nothing_more(tiny):
    stream = make_stream(policy(*[NEVER] * 3, exit_names=tiny.exit_names), network=tiny)
    results = stream(torch.randn(8, 3, 64, 64).split(3))
    next(results)
    tiny.train()
    with pytest.raises(UserError, match='training mode'):
        next(results)


def test_states_of_different_shapes_are_refused():
    class Uneven(WholeNumberNetwork):
        def step(self, k, state, previous_logits):
            state, logits = super().step(k, state, previous_logits)
            return {**state, 'uneven': torch.zeros(len(logits), len(self.seen))}, logits

    images = whole_number_images(40)
    with pytest.raises(UserError, match=r"state 'uneven': a batch of 1 \(float32.* one of \d+ \("):
        list(make_stream(half_leave(images), network=Uneven())(images.split(8)))


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'batch_size': 0}, 'batch_size=0: give a whole number of images, at least 1'),
        ({'batch_size': 2.0}, r'batch_size=2\.0'),
        ({'max_in_flight': True}, 'max_in_flight=True'),
        ({'batch_size': 8, 'max_in_flight': 7}, 'max_in_flight=7 is less than batch_size=8'),
        ({'batch_size': 8, 'group_size': 3}, 'batch_size=8 is no multiple of group_size=3'),
    ],
    ids=str,
)
def test_sizes_that_cannot_work_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        make_stream(NOBODY, **settings)


def test_everything_may_leave_at_once():
    stream = make_stream(policy(ALWAYS, NEVER, NEVER))
    results = list(stream(whole_number_images(10).split(3)))
    assert [result.exit.tolist() for result in results] == [[0] * 3, [0] * 3, [0] * 3, [0]]
    assert stream.engine.network.seen == [(0, 4), (0, 4), (0, 2)]
