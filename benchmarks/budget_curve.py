"""From a trained checkpoint to its accuracy-budget curve.

The budgeted-batch protocol: thresholds are chosen on the calibration split for a row of target
budgets, then frozen and applied to the test split.
"""

from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmengine.registry import DefaultScope
from torch import nn

from dynp_plugins.checkpoints import Checkpoint, check_weights, read_checkpoint
from dynp_plugins.checkpoints.loading import to_classifier_keys
from dynp_plugins.early_exit import choose_exits, geometric_shares, quota_thresholds
from dynp_plugins.errors import UserError
from dynp_plugins.openmmlab.checkpoint_files import find_checkpoint, refuse_unpickling
from dynp_plugins.openmmlab.class_names import check_same_classes, checkpoint_classes
from dynp_plugins.openmmlab.classifiers import build_classifier
from dynp_plugins.openmmlab.config_files import building_from, load_config, require

from .exit_pass import build_split, multi_exit_network, run_exit_pass
from .exit_table import ExitTable, check_disjoint
from .macs import ExitCost, exit_costs
from .provenance import config_sha256, git_commit, versions, weights_sha256
from .results import (
    CurvePoint,
    ExitRecord,
    FileRecord,
    ModelResult,
    SplitRecord,
    TrainingRecord,
)

BUDGETS = 33
"""Default number of target budgets along a curve."""


def curve_points(
    calibration: ExitTable, test: ExitTable, costs: list[ExitCost], budgets: int = BUDGETS
) -> list[CurvePoint]:
    """The curve: target budgets evenly spaced from the first exit's cost to the last one's.

    A network with a single exit has one point, whatever ``budgets`` says.

    Args:
        calibration: Thresholds are chosen on this table, by maximum softmax.
        test: Accuracy, mean cost and shares come from this one.
        costs: Cumulative cost of the exits.
        budgets: Number of points.
    """
    names = [cost.name for cost in costs]
    gmacs = np.array([cost.macs / 1e9 for cost in costs])
    targets = np.linspace(gmacs[0], gmacs[-1], budgets if len(costs) > 1 else 1)
    points = []
    for target, shares in zip(targets, geometric_shares(gmacs, targets), strict=True):
        thresholds = quota_thresholds(calibration.max_softmax, shares)
        chosen_on = choose_exits(calibration.max_softmax, thresholds)
        exits = choose_exits(test.max_softmax, thresholds)
        points.append(
            CurvePoint(
                target_gmacs=float(target),
                calibration_gmacs_mean=float(gmacs[chosen_on].mean()),
                calibration_top1_percent=_top1_percent(calibration, chosen_on),
                gmacs_mean=float(gmacs[exits].mean()),
                top1_percent=_top1_percent(test, exits),
                exit_shares={name: float((exits == k).mean()) for k, name in enumerate(names)},
                thresholds={
                    name: float(thresholds[k]) if np.isfinite(thresholds[k]) else None
                    for k, name in enumerate(names[:-1])
                },
            )
        )
    return points


def _top1_percent(table: ExitTable, exits: np.ndarray) -> float:
    """Accuracy when sample i is answered by exit ``exits[i]``."""
    return float(100 * table.correct[np.arange(len(table)), exits].mean())


def input_hashes(
    config_path: str | Path, checkpoint_path: str | Path, options: dict | None = None
) -> tuple[str, str]:
    """(config, weights) SHA-256 of a model as its result will record them, before measuring."""
    refuse_unpickling()
    checkpoint = read_checkpoint(find_checkpoint(checkpoint_path))
    return config_sha256(load_config(config_path, options)), _weights_sha256(checkpoint)


def _weights_sha256(checkpoint: Checkpoint) -> str:
    return weights_sha256(to_classifier_keys(checkpoint.state_dict))


def measure_model(
    config_path: str | Path,
    checkpoint_path: str | Path,
    device: str = 'cpu',
    options: dict | None = None,
    budgets: int = BUDGETS,
) -> tuple[ModelResult, list[ExitTable]]:
    """Everything a curve needs of one model: two passes, one cost count, and arithmetic.

    Args:
        config_path: An OpenMMLab config with a ``calibration_dataloader``.
        checkpoint_path: A checkpoint file, or a run's work folder.
        device: Where the network runs.
        options: Overrides of config entries.
        budgets: Number of points along the curve.

    Returns:
        The result, and the exit tables of the calibration and the test split it was computed from.

    Raises:
        UserError: Anything in the config, the checkpoint or the data that cannot work; also a
            calibration split that shares pictures with the test split.
    """
    refuse_unpickling()
    config = load_config(config_path, options)
    require(config, 'model', 'test_dataloader')
    if config.get('calibration_dataloader') is None:
        raise UserError(
            f'config {config_path} declares no calibration split, and thresholds are never chosen '
            'on the test split: add calibration_dataloader = dict(...), for example cut out of '
            "the training set with dataset=dict(type='HeldOut', part='held_out', size=0.1, ...)"
        )
    checkpoint = read_checkpoint(find_checkpoint(checkpoint_path))
    with DefaultScope.overwrite_default_scope(config.get('default_scope')):
        with building_from(config):
            classifier = _load_classifier(config, checkpoint).to(device)
            loaders = {split: build_split(config, split) for split in ('calibration', 'test')}
        check_same_classes(
            {'the checkpoint': checkpoint_classes(checkpoint.meta)}
            | {
                f'the {split} split': loader.dataset.metainfo.get('classes')
                for split, loader in loaders.items()
            }
        )
        calibration, test = (
            run_exit_pass(classifier, loader, split) for split, loader in loaders.items()
        )
    check_disjoint(calibration, test)
    if calibration.manifest['input_shape'] != test.manifest['input_shape']:
        raise UserError(
            f'calibration pictures are {calibration.manifest["input_shape"]} (channels, height, '
            f'width), test pictures {test.manifest["input_shape"]}: crop or resize both alike'
        )
    costs = exit_costs(multi_exit_network(classifier), test.manifest['input_shape'])
    name = Path(config_path).stem
    config_record = FileRecord(str(config_path), config_sha256(config))
    checkpoint_record = FileRecord(str(checkpoint.path), _weights_sha256(checkpoint))
    for table in (calibration, test):
        table.manifest.update(
            model=name,
            config_sha256=config_record.sha256,
            weights_sha256=checkpoint_record.sha256,
            versions=versions(),
            git_commit=git_commit(),
        )
    result = ModelResult(
        name=name,
        source='ours',
        task='classification',
        dataset=_dataset_name(config.test_dataloader.dataset),
        config=config_record,
        checkpoint=checkpoint_record,
        weights='ema' if checkpoint.has_ema else 'raw',
        training=_training_record(config, checkpoint),
        calibration=_split_record(calibration),
        test=_split_record(test),
        confidence='max_softmax',
        input_shape=test.manifest['input_shape'],
        parameters=sum(p.numel() for p in classifier.parameters() if p.requires_grad),
        exits=_exit_records(calibration, test, costs),
        points=curve_points(calibration, test, costs, budgets),
    )
    return result, [calibration, test]


def _load_classifier(config: Config, checkpoint: Checkpoint) -> nn.Module:
    classifier = build_classifier(config)
    multi_exit_network(classifier)  # a head that does not fit is not to be blamed on the weights
    weights = to_classifier_keys(checkpoint.state_dict)
    check_weights(classifier.state_dict(), weights, str(checkpoint.path))
    classifier.load_state_dict(weights)
    return classifier


def _exit_records(
    calibration: ExitTable, test: ExitTable, costs: list[ExitCost]
) -> list[ExitRecord]:
    top5 = test.topk_percent(5) if test.manifest['classes'] >= 5 else [None] * len(costs)
    return [
        ExitRecord(
            name=cost.name,
            gmacs=cost.macs / 1e9,
            gflops=2 * cost.macs / 1e9,
            calibration_top1_percent=float(calibration_top1),
            test_top1_percent=float(test_top1),
            test_top5_percent=None if test_top5 is None else float(test_top5),
        )
        for cost, calibration_top1, test_top1, test_top5 in zip(
            costs, calibration.topk_percent(1), test.topk_percent(1), top5, strict=True
        )
    ]


def _training_record(config: Config, checkpoint: Checkpoint) -> TrainingRecord | None:
    loader, wrapper = config.get('train_dataloader'), config.get('optim_wrapper')
    if loader is None or wrapper is None:
        return None
    epochs = checkpoint.meta.get('epoch')
    return TrainingRecord(
        dataset=_dataset_name(loader.dataset),
        epochs=epochs if isinstance(epochs, int) else None,
        optimizer=wrapper.optimizer.type,
        learning_rate=float(wrapper.optimizer.lr),
        batch_size=loader.batch_size,
    )


def _split_record(table: ExitTable) -> SplitRecord:
    return SplitRecord(table.manifest['split'], len(table), table.manifest['index_sha256'])


def _dataset_name(dataset: dict) -> str:
    """The innermost dataset's type, and its folder where it has one."""
    while 'dataset' in dataset:
        dataset = dataset['dataset']
    folder = dataset.get('data_root') or ''
    return f'{dataset["type"]} {folder}'.strip()
