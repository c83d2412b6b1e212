"""Answer pictures or videos with a trained network that exits where it is sure.

    python tools/infer.py CONFIG CHECKPOINT bird.jpg
    python tools/infer.py CONFIG CHECKPOINT FOLDER --policy REPORT --budget-mmacs 30 --csv out.csv
    python tools/infer.py msdnet_imagenet_step4 weights.pth FOLDER --policy policy.json --json -
    python tools/infer.py VIDEO_CONFIG CHECKPOINT clip.mp4

Prints a table: for each sample its label, the exit it left at and what it cost, and below it the
mean cost and the share of the samples that left at each exit. Samples are videos where the config's
model is a video recogniser, otherwise pictures; all frames of a video that are looked at leave
together, and their costs are added up. REPORT is a folder that
tools/budget_curve.py wrote; from the exit table in it, thresholds are chosen for the budget.

A sample that cannot be read is listed with the reason, and the others are answered; the exit
status is then 1. It is 2 where nothing could be done.
"""

import argparse
import contextlib
import logging
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from rich.cells import cell_len

from benchmarks.macs import exit_costs
from benchmarks.progress import track
from dynp_plugins.atomic_files import atomic_path
from dynp_plugins.errors import UserError, exits_on_user_error
from dynp_plugins.inference import DynamicInferencer
from dynp_plugins.inference.answer_files import (
    AnswerSummary,
    CsvAnswers,
    JsonAnswers,
    answer_row,
    readable_path,
)
from dynp_plugins.inference.model_loading import CONFIG_SUFFIXES
from dynp_plugins.inference.sample_kinds import SampleKind
from dynp_plugins.model_settings import add_settings_option, parse_settings
from dynp_plugins.networks import MultiExitNetwork
from reports.costs.tables import Unit, unit_for

with contextlib.redirect_stdout(sys.stderr):
    # mmpretrain prints while it is imported, but stdout is for the answers alone.
    from benchmarks.provenance import versions
    from dynp_plugins.openmmlab.run_options import ConfigOptions

_WRITERS = {'json': JsonAnswers, 'csv': CsvAnswers}


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('network', metavar='CONFIG|NAME', help='a config file, or a name')
    parser.add_argument('checkpoint', metavar='CHECKPOINT', help="checkpoint, or a run's folder")
    parser.add_argument(
        'samples',
        nargs='+',
        metavar='IMAGE|VIDEO|DIR',
        help='pictures or, with a video config, videos (files, or folders of frames where its data '
        'are such); a folder means all in it and its sub-folders',
    )
    parser.add_argument(
        '--policy',
        metavar='FILE|TABLE|DIR',
        help='a policy (.json), the exit table of a calibration split (.npz), or the folder of a '
        'report with one; without, the last exit answers',
    )
    budget = parser.add_mutually_exclusive_group()
    for unit in ('g', 'm'):
        budget.add_argument(
            f'--budget-{unit}macs',
            type=float,
            metavar='B',
            help=f'mean cost of a sample in {unit.upper()}MACs to choose thresholds for',
        )
    parser.add_argument('--device', help='by default cuda where there is a GPU')
    parser.add_argument(
        '--batch-size', type=int, default=1, metavar='N', help='samples at once (%(default)s)'
    )
    parser.add_argument('--json', metavar='FILE', help='write a .json file; - means stdout')
    parser.add_argument('--csv', metavar='FILE', help='write a .csv file; - means stdout')
    parser.add_argument('--overwrite', action='store_true', help='replace these files')
    add_settings_option(parser)
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=ConfigOptions,
        metavar='KEY=VALUE',
        help='override entries of the config',
    )
    return parser.parse_args()


def check_options(args: argparse.Namespace) -> None:
    """Refuse what cannot work before anything is loaded."""
    for kind in _WRITERS:
        path = getattr(args, kind)
        if path in (None, '-'):
            continue
        if Path(path).suffix != f'.{kind}':
            raise UserError(f'--{kind} {path}: name a .{kind} file, or - for stdout')
        if Path(path).exists() and not args.overwrite:
            raise UserError(f'--{kind} {path} exists already; give --overwrite to replace it')
    if args.json == args.csv == '-':
        raise UserError('--json - and --csv - would mix on stdout: write one of them to a file')
    if args.batch_size < 1:
        raise UserError(f'--batch-size {args.batch_size}: give a whole number of at least 1')
    if args.network.endswith(CONFIG_SUFFIXES):
        if args.set:
            raise UserError('--set is for names; for a config give --cfg-options')
    elif args.cfg_options:
        raise UserError('--cfg-options is for configs; for a name give --set')


def load(args: argparse.Namespace) -> DynamicInferencer:
    """The network with its policy."""
    budget = args.budget_gmacs
    if args.budget_mmacs is not None:
        budget = args.budget_mmacs / 1e3
    return DynamicInferencer(
        args.network,
        args.checkpoint,
        policy=args.policy,
        budget_gmacs=budget,
        device=args.device,
        exit_gmacs=count_gmacs,
        cfg_options=args.cfg_options,
        **parse_settings(args.set),
    )


def count_gmacs(network: MultiExitNetwork, input_shape: Sequence[int]) -> list[float]:
    """GMACs up to each exit, where the policy does not say them."""
    return [cost.macs / 1e9 for cost in exit_costs(network, input_shape)]


def answer(
    inferencer: DynamicInferencer, samples: list[str], batch_size: int
) -> Iterator[dict[str, Any]]:
    """The rows of all samples, in order; only one batch of samples is in memory."""
    batches = [samples[i : i + batch_size] for i in range(0, len(samples), batch_size)]
    for batch in track(batches, 'inference'):
        for found in inferencer(batch, batch_size=batch_size):
            yield answer_row(found, inferencer.kind)


@contextlib.contextmanager
def opened(path: str, stdout: TextIO) -> Iterator[TextIO]:
    """A file to write to that appears whole or not at all; ``-`` is stdout."""
    if path == '-':
        with tempfile.TemporaryFile('w+', encoding='utf-8', newline='') as file:
            yield file
            file.seek(0)
            shutil.copyfileobj(file, stdout)
        return
    with atomic_path(path) as temporary, open(temporary, 'w', encoding='utf-8', newline='') as file:
        yield file


def head(args: argparse.Namespace, inferencer: DynamicInferencer) -> dict[str, Any]:
    """What was run, for the JSON file."""
    policy = inferencer.policy
    return {
        'network': args.network,
        'settings': args.cfg_options or parse_settings(args.set),
        'checkpoint': readable_path(args.checkpoint),
        'policy': args.policy and readable_path(args.policy),
        'budget_gmacs': inferencer.budget_gmacs,
        'measure': policy.measure,
        'thresholds': policy.thresholds_by_exit,
        'exit_names': list(policy.exit_names),
        'versions': versions(),
    }


def table_text(rows: Sequence[Mapping[str, Any]], kind: SampleKind) -> str:
    """An aligned table; long names are never cut."""
    unit = unit_for([row['gmacs'] * 1e9 for row in rows if row['gmacs'] is not None])
    lines = [
        (kind.column, 'label', 'score', 'exit', unit.title('MACs')),
        *(cells(row, kind, unit) for row in rows),
    ]
    answered = [line for line in lines if len(line) > 2]
    widths = [max(cell_len(line[0]) for line in lines)]
    widths += [max(cell_len(line[i]) for line in answered) for i in range(1, 5)]
    return '\n'.join(
        '  '.join(_pad(cell, widths[i], i in (2, 4)) for i, cell in enumerate(line)).rstrip()
        for line in lines
    )


def cells(row: Mapping[str, Any], kind: SampleKind, unit: Unit) -> tuple[str, ...]:
    """A sample's line: name and error, or all columns."""
    name = _printable(row[kind.column])
    if row['error'] is not None:
        return name, _printable(row['error'])
    return (
        name,
        str(row['label']) if row['class'] is None else _printable(row['class']),
        f'{100 * row["score"]:.1f} %',
        _printable(row['exit']),
        '-' if row['gmacs'] is None else unit.number(row['gmacs'] * 1e9),
    )


def summary_text(summary: AnswerSummary, kind: SampleKind, budget_gmacs: float | None) -> str:
    """How many were answered, where, and at what cost."""
    samples = f'{summary.samples} {kind.name}{"s" if summary.samples > 1 else ""}'
    unread = summary.samples - summary.answered
    lines = [f'{samples}, {unread} of them without an answer' if unread else samples]
    if summary.gmacs_mean is not None:
        mean = summary.gmacs_mean * 1e9
        unit = unit_for([mean])
        lines.append(f'mean cost {unit.number(mean)} {unit.title("MACs")} per {kind.name}')
        if budget_gmacs is not None:
            lines[-1] += f'; the budget is {unit.number(budget_gmacs * 1e9)}'
    if summary.exit_shares is not None:
        shares = (f'{name} {100 * share:.1f} %' for name, share in summary.exit_shares.items())
        lines.append(f'left at {", ".join(shares)}')
    return '\n'.join(lines)


def _printable(text: str) -> str:
    """Text without what would move the cursor or colour the terminal."""
    return ''.join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _pad(text: str, width: int, right: bool) -> str:
    """Filled up with blanks; characters of double width count twice."""
    blanks = ' ' * (width - cell_len(text))
    return blanks + text if right else text + blanks


@exits_on_user_error
def main() -> None:
    args = parse_args()
    logging.basicConfig(level=logging.INFO, format='%(message)s', force=True)
    check_options(args)
    stdout, rows = sys.stdout, []
    wanted = {form: path for form in _WRITERS if (path := getattr(args, form))}
    with contextlib.redirect_stdout(sys.stderr), contextlib.ExitStack() as files:
        inferencer = load(args)
        kind = inferencer.kind
        # Of several, one that does not exist is reported in its place, and the rest is done.
        samples = kind.expand(args.samples if len(args.samples) > 1 else args.samples[0])
        summary = AnswerSummary(inferencer.network.exit_names, kind)
        writers = [
            _WRITERS[form](files.enter_context(opened(path, stdout)), head(args, inferencer), kind)
            for form, path in wanted.items()
        ]
        for row in answer(inferencer, samples, args.batch_size):
            summary.add(row)
            for writer in writers:
                writer.add(row)
            if '-' not in wanted.values():
                rows.append(row)
        for writer in writers:
            writer.finish(summary)
    if rows:
        print(table_text(rows, kind))
        print()
        print(summary_text(summary, kind, inferencer.budget_gmacs))
    if summary.answered < summary.samples:
        raise SystemExit(1)


if __name__ == '__main__':
    main()
