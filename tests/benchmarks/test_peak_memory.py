"""Peak memory: what work needs, whatever else the process holds or has held."""

import pytest
import torch
from torch import nn

from benchmarks import peak_memory
from benchmarks.peak_memory import peak_memory_mb

MIB = 2**20


@pytest.fixture
def network():
    return nn.Linear(MIB // 4 - 1, 2, bias=False)  # 2 MiB of weights


@pytest.fixture
def images():
    return torch.zeros(1, 3, 512, 512)  # 3 MiB


def needs(mebibytes):
    """Work that holds so much and fills it."""
    return lambda: torch.ones(mebibytes * MIB, dtype=torch.uint8)


def readable():
    return peak_memory._freed_memory_goes_back()


@pytest.mark.skipif(not readable(), reason='resident sizes cannot be read here')
def test_work_on_top_of_weights_and_images(network, images):
    held = torch.ones(50 * MIB, dtype=torch.uint8)  # somebody else's
    small, large = (peak_memory_mb(needs(size), network, images) for size in (40, 120))
    assert small == pytest.approx(5 + 40, abs=4)
    assert large == pytest.approx(5 + 120, abs=4)
    again = peak_memory_mb(needs(40), network, images)
    assert again == pytest.approx(small, abs=4)  # not hidden in what the larger work has left
    assert peak_memory_mb(lambda: None, network, images) == pytest.approx(5, abs=2)
    assert len(held) == 50 * MIB


@pytest.mark.skipif(not readable(), reason='resident sizes cannot be read here')
def test_work_does_not_hide_in_what_earlier_work_left(network, images):
    """Small pieces that were freed stay with the allocator while one behind them is in use."""

    def pieces():
        return [torch.ones(MIB // 16, dtype=torch.uint8) for _ in range(16 * 40)]

    earlier = pieces() + pieces()
    behind = earlier[-1]
    del earlier
    assert peak_memory_mb(pieces, network, images) == pytest.approx(5 + 40, abs=4)
    assert len(behind)


def test_nothing_is_made_up_where_it_cannot_be_read(network, images, monkeypatch, tmp_path):
    def fails(*names):
        for name in names:
            monkeypatch.setattr(peak_memory, name, tmp_path / 'none' / name)
        peak_memory._freed_memory_goes_back.cache_clear()
        return peak_memory_mb(needs(1), network, images) is None

    try:
        with monkeypatch.context() as patched:
            patched.setattr(peak_memory, '_status', lambda key: 5 * MIB)  # never grows
            peak_memory._freed_memory_goes_back.cache_clear()
            assert peak_memory_mb(needs(1), network, images) is None
        assert fails('_STATUS')
        assert fails('_RESET')
    finally:
        monkeypatch.undo()
        peak_memory._freed_memory_goes_back.cache_clear()


def test_a_gpu_says_what_was_allocated_on_top(network, monkeypatch):
    """700 MiB are others' when the work begins; its peak is 140 above them."""
    calls = []

    class OnGpu:
        is_cuda, device, nbytes = True, 'cuda:0', 3 * MIB

    cuda = {
        'synchronize': lambda device: calls.append('wait'),
        'memory_allocated': lambda device: calls.append('before') or 700 * MIB,
        'reset_peak_memory_stats': lambda device: calls.append('reset'),
        'max_memory_allocated': lambda device: calls.append('peak') or 840 * MIB,
    }
    for name, function in cuda.items():
        monkeypatch.setattr(torch.cuda, name, function)
    found = peak_memory_mb(lambda: calls.append('run'), network, OnGpu())
    assert found == pytest.approx(2 + 3 + 140, abs=0.01)
    assert calls == ['wait', 'before', 'reset', 'run', 'wait', 'peak']
