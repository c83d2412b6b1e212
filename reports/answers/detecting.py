"""What ``tools/infer.py`` does with a detector."""

import argparse
import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.detection.part_costs import PartCounter
from benchmarks.detection.reported_scale import reported_scale
from benchmarks.progress import track
from benchmarks.provenance import config_sha256, versions
from dynp_plugins.errors import UserError
from dynp_plugins.inference import DetectionInferencer
from dynp_plugins.inference.answer_files import JsonAnswers, readable_path
from dynp_plugins.inference.detection import SCORE_THRESHOLD, check_score
from dynp_plugins.inference.detection_files import CsvDetections, DetectionSummary, detection_row
from dynp_plugins.inference.image_reading import read_rgb, why
from dynp_plugins.inference.input_scale import parse_scale
from dynp_plugins.openmmlab.config_files import load_config

from .detections import chosen_text, summary_text, table_text
from .drawing import draw_detections, drawing_paths, save_drawing

_logger = logging.getLogger(__name__)


class Detecting:
    """Objects in pictures are found by a detector.

    Args:
        args: The command line.

    Attributes:
        kind: What is answered.
        summary: What the answers come to.
        writers: By the name of a format, what writes it.

    Raises:
        UserError: An option cannot work, the detector cannot be loaded, or the report has no scale
            for it.
    """

    writers = {'json': JsonAnswers, 'csv': CsvDetections}  # noqa: RUF012

    def __init__(self, args: argparse.Namespace):
        _check_options(args)
        self._args = args
        self._score = SCORE_THRESHOLD if args.score is None else args.score
        self._inferencer = DetectionInferencer(
            args.network,
            args.checkpoint,
            device=args.device,
            cfg_options=args.cfg_options,
            score_threshold=self._score,
        )
        if args.scale is not None:
            self._inferencer.scale = parse_scale(args.scale, self._inferencer.scale)
        self.kind = self._inferencer.kind
        self.summary = DetectionSummary()
        self._point = self._counter = None
        if args.policy is not None:
            config = load_config(args.network, dict(args.cfg_options or {}))
            self._point = reported_scale(
                args.policy,
                config_sha256(config),
                self._inferencer.weights_sha256,
                args.budget_gmacs,
            )
            self._inferencer.scale = self._point.scale
            # What these pictures cost, which need not be like those of the report.
            self._counter = PartCounter(self._inferencer.detector)
            self._inferencer.batch_cost = self._take_gmacs

    def head(self) -> dict[str, Any]:
        """What was run, for the JSON file."""
        args, inferencer = self._args, self._inferencer
        return {
            'network': args.network,
            'settings': args.cfg_options or {},
            'checkpoint': readable_path(args.checkpoint),
            'policy': args.policy and readable_path(args.policy),
            'budget_gmacs': args.budget_gmacs,
            'scale': inferencer.scale,
            'score_threshold': self._score,
            'classes': inferencer.classes,
            'versions': versions(),
        }

    def rows(self, pictures: list[str]) -> Iterator[dict[str, Any]]:
        """The rows of all pictures, in order; only one batch of pictures is in memory.

        Raises:
            UserError: Drawings would replace something; nothing has been answered then.
        """
        paths = self._drawing_paths(pictures)
        return self._rows(pictures, paths)

    def text(self, rows: list[dict[str, Any]]) -> str:
        """All of it for the terminal."""
        lines = [table_text(rows), '']
        lines.append(summary_text(self.summary, self._score, self._args.budget_gmacs))
        if self._point is not None:
            lines.append(chosen_text(self._point))
        return '\n'.join(lines)

    def _rows(self, pictures: list[str], drawings: dict[str, Path]) -> Iterator[dict[str, Any]]:
        size = self._args.batch_size
        batches = [pictures[i : i + size] for i in range(0, len(pictures), size)]
        with self._counter or contextlib.nullcontext():
            for batch in track(batches, 'inference'):
                for answer in self._inferencer(batch, batch_size=size):
                    self._add_cost(answer)
                    self._draw(answer, drawings)
                    yield detection_row(answer)

    def _take_gmacs(self) -> float:
        return sum(part.macs for part in self._counter.take().values()) / 1e9

    def _add_cost(self, answer: dict[str, Any]) -> None:
        if answer['error'] is None and 'cost' in answer:
            self.summary.gmacs = (self.summary.gmacs or 0.0) + answer['cost']

    def _drawing_paths(self, pictures: list[str]) -> dict[str, Path]:
        """By picture, where it is to be drawn."""
        if self._args.draw is None:
            return {}
        paths = drawing_paths(self._args.draw, pictures)
        there = next((path for path in paths if path.exists()), None)
        if there is not None and not self._args.overwrite:
            raise UserError(f'--draw: {there} exists already; give --overwrite to replace it')
        return dict(zip(pictures, paths, strict=True))

    def _draw(self, answer: dict[str, Any], drawings: dict[str, Path]) -> None:
        picture = answer['source']
        if answer['error'] is not None or picture not in drawings:
            return
        try:
            image = read_rgb(picture)
        except Exception as error:  # its own decoder has read it, but Pillow cannot
            _logger.warning('%s is not drawn: %s', readable_path(picture), why(error))
        else:
            save_drawing(draw_detections(image, answer), drawings[picture])


def _check_options(args: argparse.Namespace) -> None:
    """Refuse what cannot work with a detector before anything is loaded.

    Raises:
        UserError: A score or a scale that is none; two ways to say a scale, or a budget without
            one; drawings among the pictures that are read.
    """
    if args.score is not None:
        try:
            check_score(args.score)
        except UserError as error:
            raise UserError(f'--score {args.score:g}: give a number from 0 to 1') from error
    if args.scale is not None:
        parse_scale(args.scale, own=(1, 1))  # the config's own is not known yet
        if args.policy is not None:
            raise UserError(f'--policy chooses the scale: leave out --scale {args.scale}')
    if args.policy is None and args.budget_gmacs is not None:
        raise UserError(
            f'a budget of {args.budget_gmacs:g} GMACs is asked for, but there is nothing to choose '
            'a scale from: give as --policy the folder that tools/budget_curve.py wrote for this '
            'detector'
        )
    for folder in filter(Path.is_dir, map(Path, args.samples)):
        if args.draw and Path(args.draw).resolve().is_relative_to(folder.resolve()):
            raise UserError(
                f'--draw {args.draw} lies in {folder}, whose pictures are read, so that drawings '
                'would be among them the next time: name a folder outside'
            )
