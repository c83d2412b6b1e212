"""The benchmark of page faults: what a process is asked for, and what it says."""

import pytest

from benchmarks.interleaved_processes import ContestantProcess
from benchmarks.page_faults import WORK, resources

TINY = 'dyn_perceiver_regnety_tiny'


@pytest.mark.slow
@pytest.mark.parametrize('work', list(WORK)[1:])  # 16 small images need no large blocks
def test_a_process_that_keeps_memory_has_fewer_faults(work):
    found = []
    for keeps in (False, True):
        with ContestantProcess(resources, (TINY, work, keeps, 1)) as process:
            found.append(process(2))
    (cold, *_), (warm, kernel, own, most) = found
    assert warm < cold / 2
    assert own > kernel >= 0
    assert most > 100
