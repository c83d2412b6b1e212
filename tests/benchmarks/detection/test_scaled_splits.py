"""The data at one scale after another: read once, and the same as read anew."""

import copy
from dataclasses import replace

import numpy as np
import pytest
from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS

from benchmarks.detection.scaled_splits import ScaledSplits
from benchmarks.detection.scales import SPLITS, with_scale
from benchmarks.trained_model import load_trained_model
from dynp_plugins.openmmlab.datasets.coco_files import CocoFiles
from tests.benchmarks.detection.tiny_runs import write_detector, write_scenes

SCALES = [(64, 64), (32, 32), (96, 96)]


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp('detector')
    return load_trained_model(*write_detector(folder, write_scenes(folder / 'data')))


@pytest.fixture
def read(monkeypatch):
    """As often as a json is read."""
    times, whole = [], CocoFiles.load_data_list

    def noted(self):
        times.append(self.ann_file)
        return whole(self)

    monkeypatch.setattr(CocoFiles, 'load_data_list', noted)
    return times


def other(model, **of_loaders):
    """The same model with other entries in its loaders."""
    config = copy.deepcopy(model.config)
    for split in SPLITS:
        config.merge_from_dict({f'{split}_dataloader.{k}': v for k, v in of_loaders.items()})
    return replace(model, config=config)


def wrapped(model):
    """Its data are inside a wrapper of two."""
    config = copy.deepcopy(model.config)
    for split in SPLITS:
        dataset = config[f'{split}_dataloader']['dataset']
        both = [dict(type='RepeatDataset', times=1, dataset=dataset), dataset]
        config[f'{split}_dataloader']['dataset'] = dict(type='ConcatDataset', datasets=both)
    return replace(model, config=config)


def check(model):
    data = ScaledSplits(model)
    for scale in SCALES:
        loaders = data.at(scale)
        anew = model.build_splits(SPLITS, with_scale(model.config, scale))
        for split in SPLITS:
            found, expected = (
                [pixels.numpy() for batch in loader for pixels in batch['inputs']]
                for loader in (loaders[split], anew[split])
            )
            assert max(expected[0].shape) == scale[0]
            for one, two in zip(found, expected, strict=True):
                np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize('change', [lambda model: model, wrapped], ids=['plain', 'wrapped'])
def test_images_are_those_of_a_split_built_anew(model, change):
    check(change(model))


def test_workers_that_would_stay_see_the_next_scale(model):
    check(other(model, num_workers=1, persistent_workers=True))


def test_a_split_is_read_once(model, read):
    data = ScaledSplits(model)
    for scale in SCALES:
        data.at(scale)
    assert len(read) == len(SPLITS)


def test_a_dataset_that_makes_its_own_pipeline_is_built_anew(model, read):
    class Longer(CocoFiles):
        def __init__(self, pipeline=(), **kwargs):
            super().__init__(pipeline=[*pipeline, lambda found: found], **kwargs)

    DATASETS.register_module(name='Longer', module=Longer, force=True)
    try:
        data = ScaledSplits(other(model, **{'dataset.type': 'Longer'}))
        for scale in SCALES:
            dataset: BaseDataset = data.at(scale)['test'].dataset
            assert len(dataset.pipeline.transforms) == 5
            assert max(dataset[0]['inputs'].shape) == scale[0]
    finally:
        DATASETS.module_dict.pop('Longer')
    assert len(read) == len(SPLITS) * len(SCALES)
