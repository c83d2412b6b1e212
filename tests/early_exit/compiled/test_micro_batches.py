"""Batches of any size are cut, filled up, run and put together again."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dynp_plugins.early_exit.compiled.micro_batches import micro_batches, run_in_micro_batches


@pytest.mark.parametrize(
    ('count', 'sizes', 'expected'),
    [
        (1, (1, 16), (1,)),
        (16, (1, 16), (16,)),
        (17, (1, 16), (16, 1)),
        (40, (1, 16), (16, 16, 1, 1, 1, 1, 1, 1, 1, 1)),
        (41, (1, 16), (16, 16, 16)),
        (64, (1, 16), (16,) * 4),
        (3, (8,), (8,)),
        (7, (1, 4), (4, 4)),
    ],
)
def test_plans(count, sizes, expected):
    plan = micro_batches(count, sizes)
    assert sum(plan) + len(plan) == sum(expected) + len(expected)
    assert plan == expected


@given(st.integers(1, 200), st.sets(st.integers(1, 40), min_size=1, max_size=4))
def test_a_plan_holds_all_and_fills_up_the_last_batch_only(count, sizes):
    plan = micro_batches(count, tuple(sorted(sizes)))
    assert set(plan) <= sizes
    assert list(plan) == sorted(plan, reverse=True)
    assert sum(plan[:-1]) < count <= sum(plan)


@pytest.mark.parametrize('count', [3, 20])
def test_no_plan_is_cheaper(count):
    sizes = (2, 5, 7)
    plans = (
        plan
        for length in range(1, count + 1 if count < 5 else 6)
        for plan in itertools.combinations_with_replacement(sizes, length)
        if sum(plan) >= count
    )
    found = micro_batches(count, sizes)
    assert sum(found) + len(found) == min(sum(plan) + len(plan) for plan in plans)


@pytest.mark.parametrize('count', [1, 5, 8, 13])
def test_rows_keep_their_order_and_what_fills_up_is_gone(count):
    seen, buffer = [], torch.empty(8, 2)

    def run(size, inputs):
        numbers, maps = inputs
        assert len(numbers) == len(maps) == size
        seen.append(numbers.flatten().tolist())
        buffer[:size] = torch.cat([numbers, -numbers], 1)  # overwritten by the next call
        return buffer[:size], maps * 2

    numbers = torch.arange(1.0, count + 1)[:, None]
    maps = torch.randn(count, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    pairs, doubled = run_in_micro_batches((numbers, maps), (1, 4), run)
    assert torch.equal(pairs, torch.cat([numbers, -numbers], 1))
    assert torch.equal(doubled, maps * 2)
    assert doubled.is_contiguous(memory_format=torch.channels_last)
    assert [n for row in seen for n in row if n] == list(range(1, count + 1))
    assert {len(row) for row in seen} <= {1, 4}
