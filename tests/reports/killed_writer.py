"""Writes a report, is killed, and that again for each moment at which it could be killed.

    python -m tests.reports.killed_writer FOLDER

FOLDER/0, FOLDER/1, ... get an earlier report that a second writing was to replace when its process
was killed (SIGKILL) at the first, second, ... moment; a moment is before a file is moved or
removed, or in the middle of one. Prints how each process ended, the last one by itself.
"""

import os
import shutil
import signal
import sys
from pathlib import Path

from dynp_plugins.early_exit import ALWAYS, ExitPolicy
from reports import write

from .made_up_results import made_up_model, made_up_results
from .made_up_tables import EXITS, made_up_table

FIRST, SECOND = '2025-01-01T00:00:00+00:00', '2025-02-02T00:00:00+00:00'
DRAWN = ('report.html', 'report.md', 'curve.png', 'curve.svg', 'latency.png', 'latency.svg')
DRAWN += ('speedup.png', 'speedup.svg')


def drawing(created):
    """What stands in for a drawing, which would take long."""
    return 1000 * f'drawn from {created}\n'


def write_as(created, folder, moment=lambda: None):
    """Write a report; the second one has no times, another table, and another policy."""

    def draw(results, path):
        text = drawing(results.created)
        with Path(path).open('w', encoding='utf-8') as file:
            file.write(text[: len(text) // 2])
            file.flush()
            moment()
            file.write(text[len(text) // 2 :])

    writers = write.WRITERS
    write.WRITERS = writers | dict.fromkeys(DRAWN, draw)
    try:
        write.write_report(*parts(created, folder))
    finally:
        write.WRITERS = writers


def parts(created, folder):
    """Arguments of `write_report`."""
    samples = {'network': 30, 'only in the first': 20} if created == FIRST else {'network': 40}
    tables = [made_up_table(name, samples=count) for name, count in samples.items()]
    policy = ExitPolicy(EXITS, 'max_softmax', (0.5, ALWAYS), settings={'made': created})
    model = made_up_model(latency=created == FIRST, gallery=False, operating_points=False)
    return (
        made_up_results(model, created=created),
        folder,
        False,
        [table.with_manifest(made=created) for table in tables],
        {'both': policy, f'only {created}': policy},
    )


def killed_at(moment, folder):
    """Write as `SECOND` in a process of its own that dies at that moment; returns its end."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    left = [moment]

    def count():
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1

    def counted(function):
        def call(*args, **kwargs):
            count()
            return function(*args, **kwargs)

        return call

    for name in ('replace', 'unlink', 'rmdir'):
        setattr(os, name, counted(getattr(os, name)))
    try:
        write_as(SECOND, folder, count)
    except BaseException:
        os._exit(1)
    os._exit(0)


def main():
    root = Path(sys.argv[1])
    write_as(FIRST, root / 'first')
    for moment in range(1000):
        folder = root / str(moment)
        shutil.copytree(root / 'first', folder)
        end = killed_at(moment, folder)
        print(end, flush=True)
        if end != -signal.SIGKILL:
            return


if __name__ == '__main__':
    main()
