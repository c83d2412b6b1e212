"""From a trained checkpoint to its accuracy-budget curve.

The budgeted-batch protocol: thresholds are chosen on the calibration split for a row of target
budgets, then frozen and applied to the test split.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dynp_plugins.early_exit import (
    MEASURES,
    ExitPolicy,
    ExitTable,
    check_disjoint,
    choose_policies,
    on_calibration,
    risk_controlled_policy,
)
from dynp_plugins.errors import UserError
from dynp_plugins.openmmlab.classifiers import is_video_model

from .check_results import table_name
from .comparisons import MeasuredModel
from .curve import curve_points, operating_points, target_budgets
from .exit_pass import run_exit_pass
from .exit_records import exit_records, exit_statistics
from .gallery import make_gallery
from .macs import exit_costs
from .parameters import trainable_parameters
from .provenance import git_commit, versions
from .results import ACTION, CLASSIFICATION, ModelResult
from .run_records import SplitRecord
from .trained_model import TrainedModel

_logger = logging.getLogger(__name__)

BUDGETS = 33
"""Default number of target budgets along a curve."""


@dataclass(frozen=True)
class CurveSettings:
    """How a curve is made.

    Attributes:
        budgets: Number of points along it.
        method: The threshold method, see `dynp_plugins.early_exit.METHODS`.
        measure: The confidence measure, see `dynp_plugins.early_exit.MEASURES`.
        risks: (epsilon, delta) of risk-controlled policies beside the curve.
        policies: Files of policies beside the curve.
        tables: Folder of exit tables of an earlier run; those of the same config and weights are
            taken from there, and their splits are not run again.
    """

    budgets: int = BUDGETS
    method: str = 'geometric'
    measure: str = 'max_softmax'
    risks: Sequence[tuple[float, float]] = ()
    policies: Sequence[str | Path] = ()
    tables: Path | None = None


def check_policies(paths: Sequence[str | Path], weights: Sequence[str]) -> None:
    """Refuse policy files that were made for none of the models.

    Args:
        paths: The files.
        weights: Hashes of the models' weights.

    Raises:
        UserError: A file is no policy, or made for other weights than these.
    """
    for path in paths:
        policy = ExitPolicy.load(path)
        if policy.weights_sha256 not in (None, *weights):
            raise UserError(
                f'{path} was made for {policy.model or "a model"} with other weights '
                f'({policy.weights_sha256[:12]}...) than those given: choose its thresholds again '
                'with tools/choose_policy.py'
            )


def measure_model(model: TrainedModel, settings: CurveSettings | None = None) -> MeasuredModel:
    """Everything a curve needs of one model: two passes, one cost count, and arithmetic.

    Args:
        model: Its config has a ``calibration_dataloader``.
        settings: How the curve is made.

    Returns:
        The result, with the exit tables it was computed from.

    Raises:
        UserError: Data that cannot work; a calibration split that shares samples with the test
            split; settings that do not fit the model.
    """
    settings = settings or CurveSettings()
    model.require_splits('thresholds')
    loaders = model.build_splits(('calibration', 'test'))
    calibration, test = (
        _reused_table(model, split, settings.tables)
        or run_exit_pass(model.classifier, loader, split)
        for split, loader in loaders.items()
    )
    check_disjoint(calibration, test)
    if calibration.manifest['input_shape'] != test.manifest['input_shape']:
        raise UserError(
            f'calibration samples are {calibration.manifest["input_shape"]} (frames of videos, '
            f'channels, height, width), test samples {test.manifest["input_shape"]}: sample, crop '
            'or resize both alike'
        )
    costs = exit_costs(model.network, test.manifest['input_shape'])
    gmacs = [cost.macs / 1e9 for cost in costs]
    made_from = {
        'model': model.name,
        'config_sha256': model.config_record.sha256,
        'weights_sha256': model.checkpoint_record.sha256,
        'exit_gmacs': gmacs,
        'versions': versions(),
        'git_commit': git_commit(),
    }
    calibration, test = (table.with_manifest(**made_from) for table in (calibration, test))
    policies = choose_policies(
        calibration, target_budgets(gmacs, settings.budgets), settings.method, settings.measure
    )
    # The last exit has nothing to lose against itself.
    risk_controlled = {
        (epsilon, delta): risk_controlled_policy(calibration, epsilon, delta, settings.measure)
        for epsilon, delta in (settings.risks if len(gmacs) > 1 else ())
    }
    singles = _single_policies(calibration, risk_controlled, settings.policies)
    result = ModelResult(
        name=model.name,
        source='ours',
        task=ACTION if is_video_model(model.classifier) else CLASSIFICATION,
        dataset=model.dataset,
        config=model.config_record,
        checkpoint=model.checkpoint_record,
        weights=model.weights,
        training=model.training,
        calibration=SplitRecord.of(calibration),
        test=SplitRecord.of(test),
        confidence=settings.measure,
        method=settings.method,
        input_shape=test.manifest['input_shape'],
        frames_per_clip=model.network.num_segments,
        parameters=trainable_parameters(model.network),
        exits=exit_records(calibration, test, gmacs),
        statistics=exit_statistics(test, gmacs),
        points=curve_points(test, policies),
        operating_points=operating_points(test, singles),
        gallery=make_gallery(
            test,
            policies,
            loaders['test'].dataset,
            model.classifier.data_preprocessor,
            model.network.num_segments,
        ),
        latency=None,
    )
    return MeasuredModel(result, calibration, test, policies, risk_controlled)


def _reused_table(model: TrainedModel, split: str, folder: Path | None) -> ExitTable | None:
    """The exit table of an earlier run of the same config and weights, if there is one."""
    path = folder and folder / table_name(model.name, split)
    if path is None or not path.exists():
        return None
    table = ExitTable.load(path)
    hashes = [table.manifest.get(name) for name in ('config_sha256', 'weights_sha256')]
    if hashes != [model.config_record.sha256, model.checkpoint_record.sha256]:
        return None
    if set(table.confidences) != set(MEASURES):
        return None  # written before a measure was added
    _logger.info('%s split: taken from %s', split, path)
    return table


def _single_policies(
    calibration: ExitTable,
    risk_controlled: dict[tuple[float, float], ExitPolicy],
    paths: Sequence[str | Path],
) -> list[tuple[str, ExitPolicy]]:
    """Policies beside the curve, each with its name: risk control, and the files for this model."""
    found = [
        (f'at most {100 * epsilon:g} points lost, {100 * (1 - delta):g} % sure', policy)
        for (epsilon, delta), policy in risk_controlled.items()
    ]
    for path in paths:
        policy, manifest = ExitPolicy.load(path), calibration.manifest
        if policy.weights_sha256 not in (None, manifest['weights_sha256']):
            continue  # made for another model of the same page
        policy.check_calibration(manifest['index_sha256'], manifest['model'])
        found.append((Path(path).stem, on_calibration(policy, calibration)))
    return found
