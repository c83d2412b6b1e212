"""Jobs in processes of their own: answers in order, and what becomes of those that fail."""

import logging
import os
import re
import time
from functools import partial

import pytest
import torch

from benchmarks.forked_jobs import check_jobs, run_jobs
from dynp_plugins.errors import UserError


def answer(number, pause=0.0):
    time.sleep(pause)
    return number, os.getpid(), torch.get_num_threads(), float(torch.ones(100, 100).sum())


def named(jobs):
    return [(f'model {i}', job) for i, job in enumerate(jobs)]


def test_answers_come_in_order_from_processes_of_one_thread():
    found = run_jobs(named(partial(answer, i, 0.2 if i == 0 else 0) for i in range(5)), 2)
    assert [number for number, *_ in found] == list(range(5))
    assert len({process for _, process, *_ in found} - {os.getpid()}) == 5
    assert {(threads, total) for _, _, threads, total in found} == {(1, 10_000.0)}


@pytest.mark.parametrize(('count', 'at_a_time'), [(3, 1), (1, 4)])
def test_one_at_a_time_stays_in_this_process(count, at_a_time):
    found = run_jobs(named(partial(answer, i) for i in range(count)), at_a_time)
    assert {process for _, process, *_ in found} == {os.getpid()}


def test_no_more_at_a_time_than_asked_for(tmp_path):
    def job(number):
        running = tmp_path / str(number)
        running.touch()
        seen = len(list(tmp_path.iterdir()))
        time.sleep(0.1)
        running.unlink()
        return seen

    assert max(run_jobs(named(partial(job, i) for i in range(6)), 2)) == 2


def refused():
    raise UserError('a bad value: give another')


def test_a_users_error_is_raised_here_and_ends_the_others():
    begin = time.monotonic()
    with pytest.raises(UserError, match='a bad value: give another'):
        run_jobs(named([partial(answer, 0, 60), refused]), 2)
    assert time.monotonic() - begin < 30


def test_other_errors_say_where():
    with pytest.raises(RuntimeError, match=r'(?s)model 0: Traceback .*ZeroDivisionError'):
        run_jobs(named([lambda: 1 / 0, partial(answer, 1)]), 2)


def test_a_process_that_dies_is_named():
    with pytest.raises(UserError, match='the process that measured model 1 has died'):
        run_jobs(named([partial(answer, 0), lambda: os._exit(9)]), 2)


def test_lines_say_whose_they_are(tmp_path):
    handler = logging.FileHandler(tmp_path / 'lines')
    logging.getLogger().addHandler(handler)

    def job():
        logging.getLogger('test').warning('half done')

    try:
        run_jobs(named([job, job]), 2)
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
    lines = sorted((tmp_path / 'lines').read_text().splitlines())
    assert lines == ['model 0: half done', 'model 1: half done']


@pytest.mark.parametrize(
    ('jobs', 'device', 'message'),
    [
        (0, 'cpu', '--jobs 0: give a whole number of at least 1'),
        (2, 'cuda', '--jobs 2 is for CPUs'),
    ],
)
def test_numbers_that_cannot_be(jobs, device, message):
    with pytest.raises(UserError, match=re.escape(message)):
        check_jobs(jobs, device)


def test_one_job_is_always_right():
    check_jobs(1, 'cuda')
