"""How much memory a network needs at most while it works."""

import ctypes
import functools
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

_MIB = 2**20
_PROBE = 16 * _MIB
_REPEATS = 2
"""The least counts: what grows once, such as a library's cache, is not needed every time."""
_STATUS, _RESET = Path('/proc/self/status'), Path('/proc/self/clear_refs')


def peak_memory_mb(run: Callable[[], object], network: nn.Module, images: Tensor) -> float | None:
    """Weights, images, and the most that was needed on top of them, in MiB.

    What else the process holds, such as other networks, does not count. On a GPU the rest is what
    torch allocates. On a CPU it is the growth of the process's resident size (which also shows what
    other libraries allocate): free memory is handed back to the system and the kernel's
    high-water mark is reset first. Work with less than about a MiB is lost in the kernel's
    granularity.

    Args:
        run: The work, on ``images``; it has run before, so that nothing is set up for the first
            time.
        network: Its weights count, wherever they were allocated.
        images: They count likewise; they lie on the device where the work is done.

    Returns:
        None where it cannot be read: on a CPU without Linux and glibc, or with an allocator in
        glibc's place that keeps what is freed.
    """
    grown = _growth_on_gpu(run, images.device) if images.is_cuda else _growth_on_cpu(run)
    if grown is None:
        return None
    tensors = [*network.parameters(), *network.buffers(), images]
    return (sum(tensor.nbytes for tensor in tensors) + grown) / _MIB


def _growth_on_gpu(run: Callable[[], object], device: torch.device) -> int:
    torch.cuda.synchronize(device)
    before = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    run()
    torch.cuda.synchronize(device)
    return torch.cuda.max_memory_allocated(device) - before


def _growth_on_cpu(run: Callable[[], object]) -> int | None:
    if not _freed_memory_goes_back():
        return None
    growths = []
    for _ in range(_REPEATS):
        before = _resident_after_trim()
        run()
        growths.append(_status('VmHWM') - before)
    return min(growths)


@functools.cache
def _freed_memory_goes_back() -> bool:
    """Whether the resident size follows what torch allocates and frees."""
    try:
        before = _resident_after_trim()
        probe = torch.ones(_PROBE, dtype=torch.uint8)
        grown = _status('VmHWM') - before
        del probe
        kept = _resident_after_trim() - before
    except (OSError, AttributeError, KeyError):
        return False
    return grown > _PROBE / 2 > kept


def _resident_after_trim() -> int:
    """Resident size in bytes; from now on the kernel's high-water mark starts there.

    Without the trim, work would find the memory that earlier work left, and grow nothing.
    """
    ctypes.CDLL(None).malloc_trim(0)
    _RESET.write_text('5')
    return _status('VmRSS')


def _status(key: str) -> int:
    """An entry of this process's status in bytes."""
    entries = dict(line.split(':', 1) for line in _STATUS.read_text().splitlines())
    return 1024 * int(entries[key].split()[0])
