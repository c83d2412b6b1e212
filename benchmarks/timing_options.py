"""The options that benchmarks of one network share, and what they may be."""

import argparse
import time

import torch

from dynp_plugins import create_model
from dynp_plugins.errors import UserError

from .timing import MIN_ROUNDS, Clock, WallClock, clock_for


def timing_arguments(parser: argparse.ArgumentParser, batch: int) -> argparse.Namespace:
    """Parse the names of networks and how they are timed; torch has the threads afterwards.

    Args:
        parser: Has a benchmark's own options, and gets these.
        batch: Images of a batch unless somebody asks for another number.

    Raises:
        UserError: A number is too small, or the clock does not suit the device.
    """
    parser.add_argument(
        'names',
        nargs='*',
        default=['dyn_perceiver_regnety_800mf', 'msdnet', 'ranet'],
        metavar='NAME',
        help='of dynp_plugins.list_models(); by default one of each family',
    )
    parser.add_argument(
        '--batch', type=int, default=batch, metavar='N', help='images (default %(default)s)'
    )
    parser.add_argument(
        '--size', type=int, metavar='N', help="side of the images; by default the network's own"
    )
    parser.add_argument(
        '--repeats', type=int, default=11, metavar='N', help='(default %(default)s)'
    )
    parser.add_argument('--threads', type=int, metavar='N', help='threads of torch on the CPU')
    parser.add_argument('--device', default='cpu', help='such as cuda (default %(default)s)')
    parser.add_argument(
        '--clock',
        choices=('wall', 'cpu'),
        default='wall',
        help='cpu counts what this process computes and not what it waits for others; with '
        '--threads 1, on a CPU that is shared',
    )
    args = parser.parse_args()
    _check(args)
    settle_threads(args.threads)
    return args


def _check(args: argparse.Namespace) -> None:
    """Refuse what cannot be measured."""
    least = {'batch': 2, 'repeats': MIN_ROUNDS, 'threads': 1, 'size': 1}
    for option, number in least.items():
        value = getattr(args, option)
        if value is not None and value < number:
            raise UserError(f'--{option} {value}: give at least {number}')
    if args.clock == 'cpu' and (args.device != 'cpu' or args.threads != 1):
        raise UserError('--clock cpu adds up all threads and sees no GPU: give --threads 1 with it')


def settle_threads(threads: int | None) -> None:
    """Give torch so many threads, if the options name a number."""
    if threads is not None:
        torch.set_num_threads(threads)


def chosen_clock(name: str, device: torch.device) -> Clock:
    """The clock that the options ask for, by its ``name`` there."""
    return WallClock(time.process_time) if name == 'cpu' else clock_for(device)


def chosen_size(args: argparse.Namespace, name: str) -> int:
    """Side of the images for a network of `create_model`."""
    return args.size or designed_size(name)


def designed_size(name: str) -> int:
    """Side of the images that a network of `create_model` was designed for."""
    with torch.device('meta'):
        return create_model(name).backbone.image_size


def header(args: argparse.Namespace, name: str, size: int) -> str:
    """What was measured, in a line."""
    return (
        f'{name}, {args.batch} images of {size} x {size}, {args.device}, '
        f'{torch.get_num_threads()} threads, {args.repeats} repeats, {args.clock} clock'
    )
