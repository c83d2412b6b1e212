"""What page faults cost, and how many are left where freed memory is kept.

    python -m benchmarks.page_faults dyn_perceiver_regnety_800mf

Batches of 16 and 64 images run through all exits, and a training step is made with 32, each in a
process of its own: once with the allocator as it comes, once after `keep_memory`. The table shows,
for one batch or step after two others, the faults, the seconds in the kernel and those of the
process itself, and the most memory it ever had, all by ``getrusage``.
"""

import argparse
import resource
from collections.abc import Callable
from functools import partial

import torch

from dynp_plugins import create_model
from dynp_plugins.errors import exits_on_user_error
from dynp_plugins.warm_allocator import keep_memory

from .interleaved_processes import ContestantProcess
from .timing import WallClock
from .timing_options import designed_size
from .training_speed import CLASSES, Form, training_step

WORK = {'16 images': (16, False), '64 images': (64, False), 'training step of 32': (32, True)}
"""By name: images, and whether they are trained on."""

_WARMUP = 2


def resources(name: str, work: str, keeps: bool, threads: int) -> Callable[[int], list[float]]:
    """A process that says what one unit of work takes, as a mean over some.

    Args:
        name: Of `create_model`.
        work: One of `WORK`.
        keeps: Whether freed memory is kept.
        threads: Of torch.

    Returns:
        Takes how many; gives faults, seconds in the kernel, seconds of its own, and the most
        memory in MiB.
    """
    torch.set_num_threads(threads)
    if keeps:
        keep_memory()
    count, trains = WORK[work]
    size = designed_size(name)
    network, images = create_model(name), torch.randn(count, 3, size, size)
    if trains:
        step = training_step(network, images, torch.arange(count) % CLASSES, Form('ours'))
        run = partial(step, WallClock())
    else:
        run = partial(torch.no_grad()(network.eval()), images)
    for _ in range(_WARMUP):
        run()

    def measure(repeats: int) -> list[float]:
        before = resource.getrusage(resource.RUSAGE_SELF)
        for _ in range(repeats):
            run()
        after = resource.getrusage(resource.RUSAGE_SELF)
        used = [
            after.ru_minflt - before.ru_minflt,
            after.ru_stime - before.ru_stime,
            after.ru_utime - before.ru_utime,
        ]
        return [*(value / repeats for value in used), after.ru_maxrss / 1024]

    return measure


@exits_on_user_error
def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('name', help='of dynp_plugins.list_models()')
    parser.add_argument('--threads', type=int, default=1, metavar='N', help='default %(default)s')
    parser.add_argument('--repeats', type=int, default=3, metavar='N', help='default %(default)s')
    args = parser.parse_args()
    print(f'{"":36}{"page faults":>12}{"kernel s":>10}{"own s":>10}{"most MiB":>10}')
    for work in WORK:
        for keeps in (False, True):
            with ContestantProcess(resources, (args.name, work, keeps, args.threads)) as process:
                faults, kernel, own, most = process(args.repeats)
            label = f'{work}, {"memory kept" if keeps else "as glibc comes"}'
            print(f'{label:36}{faults:12,.0f}{kernel:10.2f}{own:10.2f}{most:10,.0f}', flush=True)


if __name__ == '__main__':
    main()
