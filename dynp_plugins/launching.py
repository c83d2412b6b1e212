"""Starting a tool in several processes by torchrun, with the answers of a single process.

    python -m dynp_plugins.launching PROCESSES TOOL.py [its options]

A mistake a user can mend is shown once and ends with exit status 2, as in a single process;
torchrun itself shows a page and ends with 1. On several machines, run it on each with NNODES,
NODE_RANK, MASTER_ADDR and PORT in the environment.
"""

import logging
import os
import sys
from collections.abc import Iterable

import torch
from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure
from torch.distributed.run import parse_args, run

from .errors import USER_ERROR_STATUS, UserError, exits_on_user_error


@exits_on_user_error
def main(arguments: list[str]) -> None:
    """Run a tool in several processes of this machine.

    Args:
        arguments: Their number, the tool, and the tool's arguments.

    Raises:
        UserError: The number cannot be, or a process ended with a UserError.
        SystemExit: A process failed otherwise; with its exit status, or 128 plus the signal.
    """
    processes = _checked_number(arguments[0])
    # Without GPUs the processes share the cores; with them, torchrun's own default is right.
    threads = 1 if torch.cuda.is_available() else max(1, _usable_cores() // processes)
    os.environ.setdefault('OMP_NUM_THREADS', str(threads))
    # What failed is said below, once.
    logging.getLogger('torch.distributed.elastic').setLevel(logging.CRITICAL)
    try:
        run(parse_args([*_meeting_place(), f'--nproc-per-node={processes}', *arguments[1:]]))
    except ChildFailedError as error:
        _report(error.failures.values())
    except SignalException as stop:
        raise SystemExit(128 + stop.sigval) from None


def _checked_number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise UserError(f'{text} processes cannot be started: give a whole number from 1')
    gpus = torch.cuda.device_count()
    if 0 < gpus < int(text):
        raise UserError(
            f'{text} processes need a GPU each, and there are {gpus}: start at most {gpus}, or set '
            'CUDA_VISIBLE_DEVICES=-1 to train on the CPU'
        )
    return int(text)


def _usable_cores() -> int:
    if hasattr(os, 'sched_getaffinity'):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _meeting_place() -> list[str]:
    """Options that say where the processes find each other."""
    machines = os.environ.get('NNODES', '1')
    if machines == '1' and 'PORT' not in os.environ:
        return ['--standalone']  # any free port
    return [
        f'--nnodes={machines}',
        f'--node-rank={os.environ.get("NODE_RANK", "0")}',
        f'--master-addr={os.environ.get("MASTER_ADDR", "127.0.0.1")}',
        f'--master-port={os.environ.get("PORT", "29500")}',
    ]


def _report(failures: Iterable[ProcessFailure]) -> None:
    """Raise what the failures of single processes mean for all of them."""
    failures = sorted(failures, key=lambda failure: failure.timestamp)
    for failure in failures:
        if failure.exitcode == USER_ERROR_STATUS and failure.error_file_data.get('user_error'):
            raise UserError(failure.message)
    first = failures[0]
    if first.exitcode < 0:  # killed from outside, which leaves no traceback
        number, name = -first.exitcode, first.signal_name()
        print(f'error: process {first.local_rank} was killed by {name}', file=sys.stderr)
        raise SystemExit(128 + number)
    raise SystemExit(first.exitcode)


if __name__ == '__main__':
    main(sys.argv[1:])
