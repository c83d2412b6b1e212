"""glibc's allocator told to keep what is freed, so that large tensors do not begin on new pages.

On a CPU, torch asks malloc for every tensor. glibc takes large blocks from the kernel and hands
them back when they are freed, and the kernel clears each page anew at its first use: a page fault
for every 4 KiB of every large activation, batch after batch. ``docs/page_faults.md`` says more.
"""

import ctypes
import os
from collections.abc import Mapping

_SETTINGS = {
    'MALLOC_MMAP_THRESHOLD_': ('mmap_threshold', -3, (2**30, 2**25)),
    'MALLOC_TRIM_THRESHOLD_': ('trim_threshold', -1, (2**31 - 1,)),
    'MALLOC_TOP_PAD_': ('top_pad', -2, (2**26,)),
}
"""By variable of the environment: the tunable of that name, what malloc.h calls it, and values.

Blocks up to the first come from the heap, the heap keeps up to the second at its end, and grows by
the third. Older versions of glibc take no threshold for mmap above 32 MiB; then that is it.
"""

ENVIRONMENT: Mapping[str, str] = {
    name: str(values[0]) for name, (_, _, values) in _SETTINGS.items()
}
"""The same for the environment of a process that is yet to be started."""


def keep_memory() -> dict[str, str]:
    """From now on this process keeps freed memory instead of handing it back.

    What the environment says, by these variables or by GLIBC_TUNABLES, stays as it is. Without
    glibc nothing happens, and where another allocator was preloaded nothing changes. The process
    then stays as large as it once was; forked processes inherit that.

    Returns:
        What was set, name to value; empty where nothing was.
    """
    try:
        libc = ctypes.CDLL(None)
        libc.gnu_get_libc_version  # noqa: B018
        mallopt = libc.mallopt
    except (OSError, TypeError, AttributeError):  # Windows, macOS, musl
        return {}
    tunables = os.environ.get('GLIBC_TUNABLES', '')
    done = {}
    for name, (tunable, number, values) in _SETTINGS.items():
        if name in os.environ or f'glibc.malloc.{tunable}=' in tunables:
            continue
        taken = next((value for value in values if mallopt(number, value)), None)
        if taken is not None:
            done[f'malloc {tunable.replace("_", " ")}'] = str(taken)
    return done
