"""The sides of the speed benchmark: the baseline, processes of their own, shares, verdicts."""

import os
from functools import partial

import pytest
import torch
from torch.nn import functional as F

from benchmarks import speed, speed_sides
from benchmarks.interleaved_processes import ContestantProcess
from benchmarks.macs import ExitCost, exit_costs
from benchmarks.plain_network import as_plain, plain_attention
from benchmarks.speed import EXIT_SHARES, Row, _ideal, _macs_run, measure, table
from benchmarks.speed_sides import (
    FORWARD,
    GPU_PRODUCTS,
    PRODUCT,
    PRODUCT_SIDE,
    SHARES,
    STEPS,
    OurSettings,
    Place,
    Question,
    _time_products,
    our_side,
    plain_side,
    policy_of_shares,
)
from benchmarks.timing import WallClock
from dynp_plugins import create_model
from dynp_plugins.early_exit import EarlyExitEngine
from dynp_plugins.early_exit.compiled import compile_steps
from dynp_plugins.errors import UserError
from dynp_plugins.networks.inference_form import inference_form

TINY = 'dyn_perceiver_regnety_tiny'
QUARTERS = (0.25, 0.25, 0.25, 0.25)


def test_plain_attention_is_attention():
    q, k, v = (torch.randn(2, 3, length, 8) for length in (5, 7, 7))
    torch.testing.assert_close(plain_attention(q, k, v), F.scaled_dot_product_attention(q, k, v))
    with pytest.raises(ValueError, match='attn_mask'):
        plain_attention(q, k, v, attn_mask=None)


def test_the_baseline_gives_the_same_without_what_makes_it_quick(tiny):
    images, seen = torch.randn(2, 3, 64, 64), []
    tiny.backbone.feature_branch.stem.register_forward_hook(
        lambda module, inputs, output: seen.append(inputs[0].is_contiguous())
    )
    attention = F.scaled_dot_product_attention
    with torch.no_grad():
        ours = tiny(images)
        with as_plain(tiny):
            assert F.scaled_dot_product_attention is plain_attention
            assert not any(module.takes_shortcut for module in tiny.backbone.x2z)
            plain = tiny(images)
        again = tiny(images)
    assert seen == [False, True, False]
    assert F.scaled_dot_product_attention is attention
    for a, b, c in zip(ours, plain, again, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(a, c)


def in_another_process(offset):
    def answer(question):
        if question == 'fail':
            raise ZeroDivisionError('an accident')
        if question == 'die':
            os._exit(3)
        return question + offset, os.getpid(), os.environ.get('DYNP_TEST')

    return answer


def refuses():
    raise UserError('no such thing: take another')


def test_a_process_answers_with_its_own_environment():
    with ContestantProcess(in_another_process, (5,), {'DYNP_TEST': 'yes'}) as contestant:
        first, second = contestant(1), contestant(2)
    assert (first[0], second[0]) == (6, 7)
    assert first[1:] == second[1:]
    assert first[1] != os.getpid()
    assert first[2] == 'yes'
    assert 'DYNP_TEST' not in os.environ


@pytest.mark.slow
@pytest.mark.parametrize(
    ('question', 'message'),
    [('fail', r'(?s)Traceback.*an accident'), ('die', 'has died with status 3')],
)
def test_what_goes_wrong_in_a_process_is_told(question, message):
    with (
        ContestantProcess(in_another_process, (5,)) as contestant,
        pytest.raises(UserError, match=message),
    ):
        contestant(question)


@pytest.mark.slow
def test_a_process_that_cannot_be_made():
    with pytest.raises(UserError, match=r'^no such thing: take another$'):
        ContestantProcess(refuses)


def test_policies_of_shares(tiny):
    steps = compile_steps(tiny, 'eager', batch_sizes=(8,))
    images = torch.randn(16, 3, 64, 64)
    policy = policy_of_shares(steps, images, (0.5, 0.25, 0.125, 0.125))
    exits = EarlyExitEngine(steps, policy)(images).exit
    assert exits.bincount(minlength=4).tolist() == [8, 4, 2, 2]
    with pytest.raises(UserError, match='3 shares for 4 exits'):
        policy_of_shares(steps, images, (0.5, 0.25, 0.25))


@pytest.fixture
def torch_settings():
    """Threads and TF32 as they were, which a side changes."""
    threads = torch.get_num_threads()
    products, convolutions = torch.backends.cuda.matmul, torch.backends.cudnn
    tf32 = products.allow_tf32, convolutions.allow_tf32
    yield
    torch.set_num_threads(threads)
    products.allow_tf32, convolutions.allow_tf32 = tf32


@pytest.mark.parametrize(
    'side', [plain_side, partial(our_side, settings=OurSettings('eager', 'float32', (1,)))]
)
def test_no_side_uses_tf32(torch_settings, side):
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    side(TINY, Place(images=8))
    assert not torch.backends.cuda.matmul.allow_tf32
    assert not torch.backends.cudnn.allow_tf32


class CountedLaps(WallClock):
    """A clock that is always ten milliseconds further."""

    def __init__(self):
        self.seconds = 0.0
        super().__init__(self.tick)

    def tick(self):
        self.seconds += 0.01
        return self.seconds


def test_runs_with_shares_and_products_are_timed_by_the_clock_of_the_device(
    torch_settings, monkeypatch
):
    monkeypatch.setattr(speed_sides, 'clock_for', lambda _: CountedLaps())
    ours = our_side(TINY, Place(images=8), OurSettings('eager', 'float32', (1, 8)))
    assert ours(Question(PRODUCT, 0)) == pytest.approx([10.0])
    elapsed, *_ = ours(Question(SHARES, 1, QUARTERS))
    assert elapsed == pytest.approx(10 / 8)
    assert ours(Question(STEPS, 8)) == pytest.approx([10.0] * 4)


def test_steps_are_a_mean_over_as_many_images_as_leave(torch_settings, monkeypatch):
    seen = []

    def time_steps(steps, images, clock):
        seen.append(len(images))
        return [float(len(seen)), 2.0, 3.0, 4.0]

    monkeypatch.setattr(speed_sides, 'time_steps', time_steps)
    ours = our_side(TINY, Place(images=8), OurSettings('eager', 'float32', (1,)))
    assert ours(Question(STEPS, 2)) == [(1 + 2 + 3 + 4) / 4, 2.0, 3.0, 4.0]
    assert seen == [2, 2, 2, 2]
    ours(Question(STEPS, 8))
    assert seen[4:] == [8] * speed_sides.STREAMED_BATCHES


def test_a_gpu_is_given_many_products():
    matrix, clock = torch.zeros(2, 2, device='meta'), CountedLaps()
    assert _time_products(matrix, clock) == pytest.approx(10 / GPU_PRODUCTS)
    assert GPU_PRODUCTS * PRODUCT_SIDE**3 > 1e11


def test_both_sides_answer(torch_settings):
    ours = our_side(TINY, Place(), OurSettings('eager', 'float32', (1, 4)))
    (plain,) = plain_side(TINY, Place())(Question(FORWARD, 2))
    (quick,) = ours(Question(FORWARD, 2))
    (product,) = ours(Question(PRODUCT, 0))
    assert min(plain, quick, product) > 0
    steps = ours(Question(STEPS, 4))
    assert len(steps) == 4
    assert min(steps) > 0
    for batch in (1, 64):
        elapsed, *left = ours(Question(SHARES, batch, QUARTERS))
        assert elapsed > 0
        assert left == pytest.approx(QUARTERS, abs=0.05)  # rounding differs with the batch


def test_the_ideal_and_the_verdicts():
    assert _ideal([8.0, 4.0, 2.0], [0.5, 0.25, 0.25]) == 8 + 0.5 * 4 + 0.25 * 2
    rows = [
        Row('met', [3.0, 4.0, 5.0], 3.2),
        Row('missed', [1.0, 2.0, 3.0], 2.5),
        Row('bounded', [1.3, 1.2, 1.1], 1.25, at_most=True),
        Row('free', [1.0, 1.0, 1.0]),
    ]
    verdicts = [line.split('  ')[-1].strip() for line in table(rows).splitlines()[1:]]
    assert verdicts[:3] == ['met', 'missed by 20 %', 'met']
    assert '4.00' in table(rows).splitlines()[1]


def test_kernels_that_are_made_once_do_not_count():
    network = inference_form(create_model(TINY))
    size = network.backbone.image_size
    first = exit_costs(network, (3, size, size), shortcuts=True)[-1].macs
    assert _macs_run(TINY) < first


def test_all_rows_are_there_for_every_batch_and_targets_for_a_cpu_alone(monkeypatch):
    class Side:
        def __init__(self, *_):
            pass

        def __enter__(self):
            return self.answer

        def __exit__(self, *_):
            pass

        def answer(self, question):
            times = {FORWARD: [4.0], PRODUCT: [1.0], STEPS: [1.0] * 4, SHARES: [1.0, *QUARTERS]}
            return times[question.kind]

    costs = [ExitCost(name, macs, 0, {}) for name, macs in zip('abcd', (1, 2, 3, 4), strict=True)]
    monkeypatch.setattr(speed, 'ContestantProcess', Side)
    monkeypatch.setattr(speed, '_macs_run', lambda _: 4)
    monkeypatch.setattr(speed, 'exit_costs', lambda *_: costs)
    settings = OurSettings('eager', 'float32', (1, 8))
    for device in ('cpu', 'cuda'):
        rows = list(measure(TINY, Place(device), settings, [128, 64, 1], 5))
        shares = [row.what for row in rows if row.what.startswith('shares')]
        assert len(shares) == 3 * len(EXIT_SHARES)
        with_target = [row.what for row in rows if row.target is not None]
        assert len(with_target) == (2 + 1 + 2 * len(EXIT_SHARES) if device == 'cpu' else 0)


@pytest.mark.slow
def test_all_ratios_of_a_network():
    settings = OurSettings('eager', 'float32', (1, 4))
    rows = {row.what: row for row in measure(TINY, Place(images=8), settings, [4, 1], 5)}
    shares = [row for what, row in rows.items() if what.startswith('time share of exit')]
    assert len(shares) == 2 * 3
    assert {'forward, batch 4', 'arithmetic, batch 1'} < rows.keys()
    assert rows['shares 50/20/10/20, batch 1'].target == 0.95
    assert all(len(row.ratios) == 5 and min(row.ratios) > 0 for row in rows.values())
