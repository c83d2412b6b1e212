"""Runs a function in several processes that find each other, as torchrun starts them.

They are forked from the test's own process, and so need no imports; only where there is no GPU,
which a forked process cannot use.
"""

import os
import socket

import torch
from torch.multiprocessing import start_processes


def in_processes(count: int, function, *arguments) -> None:
    """Call ``function(*arguments)`` in ``count`` processes.

    Raises:
        ProcessException: One failed; its traceback is in the message, and the others are ended.
    """
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    start_processes(_run, (count, port, function, arguments), count, start_method='fork')


def _run(rank, count, port, function, arguments):
    torch.set_num_threads(1)  # a forked process has none of the threads of its parent
    if count > 1:
        place = dict(RANK=rank, LOCAL_RANK=rank, WORLD_SIZE=count, LOCAL_WORLD_SIZE=count)
        place |= dict(MASTER_ADDR='127.0.0.1', MASTER_PORT=port)
        os.environ.update({name: str(value) for name, value in place.items()})
    function(*arguments)
