"""From a trained detector to its operating points: two passes for every scale, and arithmetic."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import ConfigDict

from dynp_plugins.early_exit import check_disjoint
from dynp_plugins.errors import UserError
from dynp_plugins.inference.input_scale import Scale, largest_stride

from ..detection_records import DetectorResult
from ..parameters import trainable_parameters
from ..provenance import git_commit, versions
from ..results import DETECTION
from ..run_records import SplitRecord
from ..trained_model import TrainedDetector
from .coco_metrics import PYCOCOTOOLS, check_backend, evaluate
from .detection_pass import run_detection_pass
from .gallery import make_detection_gallery
from .image_costs import ImageCosts
from .map_bootstrap import map_draws
from .operating_points import MeasuredScale, choose_scale, scale_points
from .reported_scale import reported_detector
from .scaled_splits import ScaledSplits
from .scales import SPLITS, chosen_scales, scale_name, with_scale
from .table import DetectionTable, detection_table_name

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class DetectorSettings:
    """How a detector is measured.

    Attributes:
        scales: Of the command line, see `chosen_scales`; by default those of the earlier run's
            results, if there is one of the same config and weights, or else the config's.
        tables: Folder of detection tables of an earlier run, beside its ``results.json``; those of
            the same config, weights and scale are taken from there, and their splits are not run
            again.
        metrics: Which of `coco_metrics.BACKENDS` makes the averages.
    """

    scales: Sequence[str] = ()
    tables: Path | None = None
    metrics: str = PYCOCOTOOLS


@dataclass(frozen=True, eq=False)
class MeasuredDetector:
    """A detector's result with what it was computed from.

    Attributes:
        scales: In the order of the result's points.
    """

    result: DetectorResult
    scales: list[MeasuredScale]

    @property
    def best(self) -> MeasuredScale:
        """The scale of the highest mAP on the calibration split."""
        points = self.result.points
        return self.scales[points.index(choose_scale(points))]

    @property
    def tables(self) -> list[DetectionTable]:
        """Of all scales and splits."""
        return [table for one in self.scales for table in (one.calibration, one.test)]


def check_settings(models: Sequence[TrainedDetector], settings: DetectorSettings) -> None:
    """Refuse, before anything is measured, what would stop it in the middle.

    Raises:
        UserError: A config has no calibration split, a scale is none or does not fit a config, or
            what is to compute the metrics is not installed.
    """
    check_backend(settings.metrics)
    for model in models:
        model.require_splits('scales')
        for scale in _scales(model, settings):
            with_scale(model.config, scale)


def measure_detector(
    model: TrainedDetector, settings: DetectorSettings | None = None
) -> MeasuredDetector:
    """Everything a curve needs of one detector: two passes for every scale, and arithmetic.

    Args:
        model: Its config has a ``calibration_dataloader``.
        settings: How it is measured.

    Raises:
        UserError: Data or scales that cannot work; a calibration split that shares images with the
            test split, or has no object to choose by.
    """
    settings = settings or DetectorSettings()
    check_settings([model], settings)
    measured, costs, data = [], ImageCosts(model.detector), ScaledSplits(model)
    for scale in _scales(model, settings):
        calibration, test = _tables(model, scale, settings.tables, costs, data)
        check_disjoint(calibration, test)
        for table, first in zip((calibration, test), _first_tables(measured), strict=False):
            _check_same_images(table, first)
        on_calibration, on_test = (evaluate(t, settings.metrics) for t in (calibration, test))
        if on_calibration.metrics.map_percent is None:
            raise UserError(
                f'the calibration split of config {model.config.filename} has no object that '
                'counts, so that no scale is better than another: take one with annotations'
            )
        draws = map_draws(test, on_test.matches)
        measured.append(MeasuredScale(scale, calibration, test, on_calibration, on_test, draws))
    measured.sort(key=_cost_and_error)
    points = scale_points(measured)
    best = measured[points.index(choose_scale(points))]
    result = DetectorResult(
        name=model.name,
        source='ours',
        task=DETECTION,
        dataset=model.dataset,
        detector=type(model.detector).__name__,
        backbone=_described_backbone(model.config.model.backbone),
        config=model.config_record,
        checkpoint=model.checkpoint_record,
        weights=model.weights,
        training=model.training,
        calibration=SplitRecord.of(best.calibration),
        test=SplitRecord.of(best.test),
        classes=best.test.classes,
        parameters=trainable_parameters(model.detector),
        points=points,
        gallery=make_detection_gallery(
            best.calibration, best.on_calibration, best.test, best.on_test
        ),
    )
    return MeasuredDetector(result, measured)


def _scales(model: TrainedDetector, settings: DetectorSettings) -> list[Scale]:
    if not settings.scales and settings.tables is not None:
        earlier = _earlier_scales(model, settings.tables.parent / 'results.json')
        if earlier:
            return earlier
    return chosen_scales(model.config, settings.scales, largest_stride(model.detector))


def _earlier_scales(model: TrainedDetector, path: Path) -> list[Scale]:
    """Those at which an earlier run has measured the same detector."""
    if not path.exists():
        return []
    ours = (model.config_record.sha256, model.checkpoint_record.sha256)
    try:
        found = reported_detector(path, *ours)
    except UserError as error:
        raise UserError(
            f'the scales of the earlier run cannot be known: {error}; or give --scales, or leave '
            'out --reuse-tables'
        ) from error
    return [tuple(point.scale) for point in found.points] if found else []


def _tables(
    model: TrainedDetector,
    scale: Scale,
    folder: Path | None,
    costs: ImageCosts,
    data: ScaledSplits,
) -> tuple[DetectionTable, DetectionTable]:
    """Of the calibration and the test split, reused or run."""
    made_from = {
        'model': model.name,
        'config_sha256': model.config_record.sha256,
        'weights_sha256': model.checkpoint_record.sha256,
    }
    tables = {split: _reused_table(made_from, split, scale, folder) for split in SPLITS}
    for split in SPLITS:
        if tables[split] is None:
            loader = data.at(scale)[split]
            table = run_detection_pass(model.detector, loader, split, scale, costs)
            tables[split] = table.with_manifest(
                **made_from, versions=versions(), git_commit=git_commit()
            )
    return tables['calibration'], tables['test']


def _reused_table(
    made_from: dict, split: str, scale: Scale, folder: Path | None
) -> DetectionTable | None:
    """The table of an earlier run of the same config, weights and scale, if there is one."""
    path = folder and folder / detection_table_name(made_from['model'], split, scale)
    if path is None or not path.exists():
        return None
    table = DetectionTable.load(path)
    if any(table.manifest.get(name) != value for name, value in made_from.items()):
        return None
    _logger.info('%s split at %s: taken from %s', split, scale_name(scale), path)
    return table


def _first_tables(measured: Sequence[MeasuredScale]) -> tuple[DetectionTable, ...]:
    return (measured[0].calibration, measured[0].test) if measured else ()


def _check_same_images(table: DetectionTable, first: DetectionTable) -> None:
    """A reused table may be older than the data."""
    same = table.manifest['index_sha256'] == first.manifest['index_sha256']
    if not (same and table.has_truth_of(first)):
        raise UserError(
            f'the {table.manifest["split"]} split at {scale_name(table.manifest["scale"])} has '
            f'other images or objects than at {scale_name(first.manifest["scale"])}: the data have '
            'changed since; leave out --reuse-tables'
        )


def _cost_and_error(one: MeasuredScale) -> tuple[int, float]:
    return int(one.calibration.macs.sum()), -one.on_calibration.metrics.map_percent


def _described_backbone(backbone: ConfigDict) -> str:
    """Its class and, where it has one, its architecture."""
    words = [str(backbone.type).rpartition('.')[2]]
    words += [str(backbone[key]) for key in ('arch', 'depth') if key in backbone][:1]
    if backbone.get('with_latent') is False:
        words.append('without its latent branch')
    return ' '.join(words)
