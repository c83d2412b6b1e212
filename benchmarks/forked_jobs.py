"""Independent jobs in processes of their own, several at a time, each on one thread of the CPU."""

import logging
import multiprocessing
import traceback
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

import torch

from dynp_plugins.errors import UserError

T = TypeVar('T')


def check_jobs(jobs: int, device: str) -> None:
    """Refuse numbers of processes that cannot be.

    Raises:
        UserError: Below 1; or several on a GPU, or on a system that cannot fork.
    """
    if jobs < 1:
        raise UserError(f'--jobs {jobs}: give a whole number of at least 1')
    if jobs > 1 and torch.device(device).type != 'cpu':
        raise UserError(
            f'--jobs {jobs} is for CPUs, a process that was forked has no GPU: leave it'
        )
    if jobs > 1 and 'fork' not in multiprocessing.get_all_start_methods():
        raise UserError(f'--jobs {jobs}: this system cannot fork processes, leave it out')


def run_jobs(jobs: Sequence[tuple[str, Callable[[], T]]], at_a_time: int) -> list[T]:
    """Run every job; where it is one at a time, in this process and on all its threads.

    Args:
        jobs: Each with a title, which begins the lines that it logs. The answers must be such as
            can be pickled.
        at_a_time: So many processes. They are forked, with all that there is.

    Returns:
        The answers, in the jobs' order.

    Raises:
        UserError: A job raised it, or died; the other jobs are ended.
        RuntimeError: A job raised another error, whose traceback is in the message.
    """
    if at_a_time == 1 or len(jobs) == 1:
        return [job() for _, job in jobs]
    answers: dict[int, T] = {}
    running: dict[Connection, tuple[int, Any]] = {}
    waiting = list(enumerate(jobs))
    context = multiprocessing.get_context('fork')
    try:
        while waiting or running:
            while waiting and len(running) < at_a_time:
                number, (title, job) = waiting.pop(0)
                ours, theirs = context.Pipe(duplex=False)
                process = context.Process(target=_run, args=(theirs, title, job), daemon=True)
                process.start()
                theirs.close()
                running[ours] = number, process
            for connection in wait(list(running)):
                number, process = running.pop(connection)
                answers[number] = _answer(connection, jobs[number][0])
                process.join()
    finally:
        for _, process in running.values():
            process.kill()
    return [answers[number] for number in range(len(jobs))]


def _run(connection: Connection, title: str, job: Callable[[], Any]) -> None:
    torch.set_num_threads(1)  # a forked process has none of the threads of its parent
    for handler in logging.getLogger().handlers:
        handler.setFormatter(logging.Formatter(f'{title}: %(message)s'))
    try:
        connection.send((None, job()))
    except UserError as error:
        connection.send((error, None))
    except Exception:
        connection.send((RuntimeError(f'{title}: {traceback.format_exc()}'), None))


def _answer(connection: Connection, title: str) -> Any:
    try:
        error, answer = connection.recv()
    except EOFError:
        raise UserError(
            f'the process that measured {title} has died; it may have had too little memory: '
            'leave out --jobs'
        ) from None
    finally:
        connection.close()
    if error is not None:
        raise error
    return answer
