"""The test data set of a config, as far as inference needs it: its pipeline, and its classes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import DATASETS, DefaultScope

from ..checkpoints import Checkpoint
from ..config_types import type_name
from ..datasets.coco_format import read_classes
from ..errors import UserError
from ..openmmlab.class_names import check_same_classes
from ..openmmlab.datasets.labelled_files import class_metainfo
from .pipeline_steps import innermost_dataset, pipelines_differ


def test_dataset(config: Config) -> Mapping[str, Any]:
    """The innermost data set of the test split that has a pipeline; it is not built.

    Raises:
        UserError: There is none, or those that are joined have different ones.
    """
    whole = config.test_dataloader.get('dataset')
    dataset = innermost_dataset(whole)
    if dataset is None:
        raise UserError(
            f'the test data set of config {config.filename} has no pipeline, which would say how '
            'pictures or videos are made ready: add one'
        )
    if pipelines_differ(whole):
        raise UserError(
            f'the test data set of config {config.filename} joins data sets with different '
            'pipelines: give all of them the same, or name one of them'
        )
    return dataset


def class_names(
    config: Config, dataset: Mapping[str, Any], checkpoint: Checkpoint
) -> Sequence[str] | None:
    """Names noted in the checkpoint, else those that the data set declares; None if nobody does.

    Raises:
        UserError: They name different classes.
    """
    noted, declared = checkpoint.classes, _declared_classes(config, dataset)
    check_same_classes({'the checkpoint': noted, f'the data of {config.filename}': declared})
    return noted or declared


def _declared_classes(config: Config, dataset: Mapping[str, Any]) -> Sequence[str] | None:
    """Class names as the data set's settings or its type say them; no samples are read."""
    declared = (dataset.get('metainfo') or {}).get('classes') or dataset.get('classes')
    if declared is None:
        kind = dataset['type']
        if isinstance(kind, str):
            with DefaultScope.overwrite_default_scope(config.get('default_scope')):
                kind = DATASETS.get(kind)
        declared = (getattr(kind, 'METAINFO', None) or {}).get('classes')
        if declared is None and type_name(dataset['type']) == 'CocoFiles':
            return _classes_in_json(dataset)
    if isinstance(declared, str):  # a file of names, beside data that may not be there
        path = Path(dataset.get('data_root') or '', declared)
        return class_metainfo(str(path), '', None)['classes'] if path.is_file() else None
    return declared


def _classes_in_json(dataset: Mapping[str, Any]) -> Sequence[str] | None:
    """Names of the categories in a COCO annotation file, if it is there."""
    path = Path(dataset.get('data_root') or '', dataset.get('ann_file') or '')
    return read_classes(path) if path.is_file() else None
