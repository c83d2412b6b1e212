"""Answer pictures or videos with a trained network, or find the objects in pictures.

    python tools/infer.py CONFIG CHECKPOINT bird.jpg
    python tools/infer.py CONFIG CHECKPOINT FOLDER --policy REPORT --budget-mmacs 30 --csv out.csv
    python tools/infer.py msdnet_imagenet_step4 weights.pth FOLDER --policy policy.json --json -
    python tools/infer.py VIDEO_CONFIG CHECKPOINT clip.mp4
    python tools/infer.py DETECTION_CONFIG CHECKPOINT street.jpg --draw drawn
    python tools/infer.py DETECTION_CONFIG CHECKPOINT FOLDER --policy REPORT --budget-gmacs 5
    python tools/infer.py EXPORT FOLDER

Prints a table: for each sample its label, the exit it left at and what it cost, and below it the
mean cost and the share of the samples that left at each exit. Samples are videos where the config's
model is a video recogniser, otherwise pictures; all frames of a video that are looked at leave
together, and their costs are added up. REPORT is a folder that
tools/budget_curve.py wrote; from the exit table in it, thresholds are chosen for the budget. EXPORT
is a folder that tools/export.py wrote; it holds the weights, and the policy if it was given one
(one that is called like a network is given as ./NAME).

With a detector, the table has a line for each detection: class, score and box in pixels of the
picture, and for the budget an input scale is chosen from the report.

A sample that cannot be read is listed with the reason, and the others are answered; the exit
status is then 1. It is 2 where nothing could be done.
"""

import argparse
import contextlib
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from benchmarks.macs import exit_costs
from benchmarks.progress import track
from dynp_plugins.errors import UserError, exits_on_user_error
from dynp_plugins.inference import DynamicInferencer
from dynp_plugins.inference.answer_files import (
    AnswerSummary,
    CsvAnswers,
    JsonAnswers,
    Summary,
    answer_row,
    opened,
    readable_path,
)
from dynp_plugins.inference.model_loading import CONFIG_SUFFIXES, names_export
from dynp_plugins.inference.sample_kinds import SampleKind
from dynp_plugins.model_settings import add_settings_option, check_overrides, parse_settings
from dynp_plugins.networks import MultiExitNetwork
from dynp_plugins.warm_allocator import keep_memory
from reports.answers.samples import summary_text, table_text

with contextlib.redirect_stdout(sys.stderr):
    # mmpretrain prints while it is imported, but stdout is for the answers alone.
    from benchmarks.provenance import versions
    from dynp_plugins.openmmlab.config_files import load_config
    from dynp_plugins.openmmlab.detectors import is_detection_config
    from dynp_plugins.openmmlab.run_options import ConfigOptions

_FORMS = ('json', 'csv')
_FOR_DETECTORS = ('score', 'scale', 'draw')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'network',
        metavar='CONFIG|NAME|EXPORT',
        help='a config file, a name, or a folder that tools/export.py wrote',
    )
    parser.add_argument(
        'checkpoint',
        metavar='CHECKPOINT',
        help="checkpoint, or a run's folder; left out with an EXPORT",
    )
    parser.add_argument(
        'samples',
        nargs='*',
        metavar='IMAGE|VIDEO|DIR',
        help='pictures or, with a video config, videos (files, or folders of frames where its data '
        'are such); a folder means all in it and its sub-folders',
    )
    parser.add_argument(
        '--policy',
        metavar='FILE|TABLE|DIR',
        help='a policy (.json), the exit table of a calibration split (.npz), or the folder of a '
        'report with one; without, the last exit answers. For a detector the folder of a report; '
        "without, the config's scale is taken",
    )
    budget = parser.add_mutually_exclusive_group()
    for unit in ('g', 'm'):
        budget.add_argument(
            f'--budget-{unit}macs',
            type=float,
            metavar='B',
            help=f'mean cost of a sample in {unit.upper()}MACs to choose thresholds, or the scale '
            'of a detector, for',
        )
    detectors = parser.add_argument_group('detectors')
    detectors.add_argument(
        '--score', type=float, metavar='S', help='least score of a detection (0.3)'
    )
    detectors.add_argument(
        '--scale',
        metavar='SCALE',
        help="resize pictures to fit into so many pixels, in place of the config's scale: "
        "LONGxSHORT, or the shorter side alone, with the config's own ratio",
    )
    detectors.add_argument(
        '--draw',
        metavar='DIR',
        help='write the pictures with the boxes drawn into them; small ones are enlarged',
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
    args = parser.parse_args()
    if names_export(args.network, has_checkpoint=bool(args.samples)):
        args.samples.insert(0, args.checkpoint)
        args.checkpoint = None
    if not args.samples:
        parser.error('the following arguments are required: IMAGE|VIDEO|DIR')
    if args.budget_mmacs is not None:
        args.budget_gmacs = args.budget_mmacs / 1e3
    return args


def check_options(args: argparse.Namespace) -> None:
    """Refuse what cannot work before anything is loaded."""
    for form in _FORMS:
        path = getattr(args, form)
        if path in (None, '-'):
            continue
        if Path(path).suffix != f'.{form}':
            raise UserError(f'--{form} {path}: name a .{form} file, or - for stdout')
        if Path(path).exists() and not args.overwrite:
            raise UserError(f'--{form} {path} exists already; give --overwrite to replace it')
    if args.json == args.csv == '-':
        raise UserError('--json - and --csv - would mix on stdout: write one of them to a file')
    if args.batch_size < 1:
        raise UserError(f'--batch-size {args.batch_size}: give a whole number of at least 1')
    check_overrides(args, args.network.endswith(CONFIG_SUFFIXES))


def load(args: argparse.Namespace) -> 'Task':
    """The network, with what is to be done with it.

    Raises:
        UserError: An option is only for detectors, or for the others.
    """
    is_config = args.network.endswith(CONFIG_SUFFIXES)
    if is_config and is_detection_config(load_config(args.network, args.cfg_options)):
        from reports.answers.detecting import Detecting  # brings much with it

        return Detecting(args)
    given = next((name for name in _FOR_DETECTORS if getattr(args, name) is not None), None)
    if given:
        raise UserError(f'--{given} is for detectors, but {args.network} is none: leave it out')
    return Answering(args)


class Task(Protocol):
    """What is done with the samples.

    Attributes:
        kind: What they are.
        summary: What the answers come to.
        writers: By the name of a format, what writes it.
    """

    kind: SampleKind
    summary: Summary
    writers: Mapping[str, type]

    def head(self) -> dict[str, Any]:
        """What was run, for the JSON file."""

    def rows(self, samples: list[str]) -> Iterator[dict[str, Any]]:
        """The rows of all samples, in order; only one batch of samples is in memory."""

    def text(self, rows: list[dict[str, Any]]) -> str:
        """All of it for the terminal."""


class Answering:
    """Pictures or videos are answered by a network of exits; see `Task`."""

    writers = {'json': JsonAnswers, 'csv': CsvAnswers}  # noqa: RUF012

    def __init__(self, args: argparse.Namespace):
        self._args = args
        self._inferencer = DynamicInferencer(
            args.network,
            args.checkpoint,
            policy=args.policy,
            budget_gmacs=args.budget_gmacs,
            device=args.device,
            exit_gmacs=None if args.checkpoint is None else count_gmacs,
            cfg_options=args.cfg_options,
            **parse_settings(args.set),
        )
        self.kind = self._inferencer.kind
        self.summary = AnswerSummary(self._inferencer.network.exit_names, self.kind)

    def head(self) -> dict[str, Any]:
        args, policy = self._args, self._inferencer.policy
        return {
            'network': args.network,
            'settings': args.cfg_options or parse_settings(args.set),
            'checkpoint': args.checkpoint and readable_path(args.checkpoint),
            'policy': args.policy and readable_path(args.policy),
            'budget_gmacs': self._inferencer.budget_gmacs,
            'measure': policy.measure,
            'thresholds': policy.thresholds_by_exit,
            'exit_names': list(policy.exit_names),
            'versions': versions(),
        }

    def rows(self, samples: list[str]) -> Iterator[dict[str, Any]]:
        size = self._args.batch_size
        batches = [samples[i : i + size] for i in range(0, len(samples), size)]
        for batch in track(batches, 'inference'):
            for found in self._inferencer(batch, batch_size=size):
                yield answer_row(found, self.kind)

    def text(self, rows: list[dict[str, Any]]) -> str:
        summary = summary_text(self.summary, self.kind, self._inferencer.budget_gmacs)
        return f'{table_text(rows, self.kind)}\n\n{summary}'


def count_gmacs(network: MultiExitNetwork, input_shape: Sequence[int]) -> list[float]:
    """GMACs up to each exit, where the policy does not say them."""
    return [cost.macs / 1e9 for cost in exit_costs(network, input_shape)]


@exits_on_user_error
def main() -> None:
    args = parse_args()
    logging.basicConfig(level=logging.INFO, format='%(message)s', force=True)
    check_options(args)
    keep_memory()
    stdout, rows = sys.stdout, []
    wanted = {form: path for form in _FORMS if (path := getattr(args, form))}
    with contextlib.redirect_stdout(sys.stderr), contextlib.ExitStack() as files:
        task = load(args)
        # Of several, one that does not exist is reported in its place, and the rest is done.
        samples = task.kind.expand(args.samples if len(args.samples) > 1 else args.samples[0])
        answers = task.rows(samples)
        writers = [
            task.writers[form](files.enter_context(opened(path, stdout)), task.head(), task.kind)
            for form, path in wanted.items()
        ]
        for row in answers:
            task.summary.add(row)
            for writer in writers:
                writer.add(row)
            if '-' not in wanted.values():
                rows.append(row)
        for writer in writers:
            writer.finish(task.summary)
    if rows:
        print(task.text(rows))
    if task.summary.answered < task.summary.samples:
        raise SystemExit(1)


if __name__ == '__main__':
    main()
