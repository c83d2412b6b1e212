"""A warm allocator has fewer page faults; counted, in processes of their own."""

import ctypes
import json
import os
import subprocess
import sys

import pytest

from dynp_plugins.warm_allocator import ENVIRONMENT, keep_memory
from tests.conftest import REPOSITORY

WORK = """
import json, resource, sys
from {library} import {make} as make
sys.path.append({folder!r})  # the module alone, without all that the package imports
from warm_allocator import keep_memory


def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        make(8 * 2**20)  # 64 MiB, or half of it
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


faults()
cold = faults()
done = keep_memory()
faults()
print(json.dumps([cold, faults(), done]))
"""


def has_glibc():
    try:
        ctypes.CDLL(None).gnu_get_libc_version  # noqa: B018
    except (OSError, TypeError, AttributeError):
        return False
    return True


needs_glibc = pytest.mark.skipif(not has_glibc(), reason='glibc alone is told to keep memory')


def counted(library, make, **variables):
    """Faults before and after, and what was set, in a process with these variables."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith('MALLOC_')}
    environment |= {'LD_PRELOAD': '', **variables}
    folder = str(REPOSITORY / 'dynp_plugins')
    code = WORK.format(library=library, make=make, folder=folder)
    answer = subprocess.run(
        [sys.executable, '-c', code], env=environment, capture_output=True, text=True, check=True
    )
    return json.loads(answer.stdout)


@needs_glibc
@pytest.mark.parametrize(
    'library, make', [('numpy', 'ones'), pytest.param('torch', 'ones', marks=pytest.mark.slow)]
)
def test_large_blocks_are_used_again(library, make):
    cold, warm, done = counted(library, make)
    assert done.keys() == {'malloc mmap threshold', 'malloc trim threshold', 'malloc top pad'}
    assert cold >= 10 * 16  # also where pages are huge ones of 2 MiB
    assert warm * 10 < cold


@needs_glibc
def test_the_environment_does_the_same_from_the_start():
    cold, warm, done = counted('numpy', 'ones', **ENVIRONMENT)
    assert done == {} and cold < 100 and warm < 100


@needs_glibc
def test_what_the_environment_says_stays():
    tunables = 'glibc.malloc.trim_threshold=4096'
    cold, warm, done = counted(
        'numpy', 'ones', MALLOC_MMAP_THRESHOLD_=str(2**20), GLIBC_TUNABLES=tunables
    )
    assert done == {'malloc top pad': str(2**26)}
    assert cold > 10 * 16 and warm > 10 * 16


def test_nothing_happens_without_glibc(monkeypatch):
    def none(name):
        raise OSError('no such library')

    monkeypatch.setattr(ctypes, 'CDLL', none)
    assert keep_memory() == {}
