"""What inference takes from a config's test data set, which is not built."""

from types import SimpleNamespace

import pytest
from mmengine.config import Config

from dynp_plugins import UserError
from dynp_plugins.inference import config_dataset
from dynp_plugins.openmmlab.config_files import load_config

MINE = dict(type='CocoFiles', data_root='mine', pipeline=[dict(type='LoadImageFromFile')])


def chosen_of(dataset):
    return config_dataset.test_dataset(Config(dict(test_dataloader=dict(dataset=dataset))))


def test_the_data_set_inside_wrappers_and_the_first_of_joined_ones():
    repeated = dict(type='RepeatDataset', dataset=MINE)
    yours = {**MINE, 'data_root': 'yours'}
    assert chosen_of(MINE) == MINE
    assert chosen_of(repeated) == MINE
    assert chosen_of(dict(type='ConcatDataset', datasets=[repeated, yours])) == MINE


def test_test_data_without_one_pipeline():
    other = {**MINE, 'pipeline': [dict(type='PackDetInputs')]}
    with pytest.raises(UserError, match=r'joins data sets with different pipelines: give all of'):
        chosen_of(dict(type='ConcatDataset', datasets=[MINE, other]))
    with pytest.raises(UserError, match=r'has no pipeline, .*: add one'):
        chosen_of(dict(type='ConcatDataset', datasets=[dict(type='CocoFiles')]))


def test_names_of_classes_of_the_embedded_scenes():
    """They stand in the registry as a function, and are not made to be asked."""
    config = load_config('configs/demo/retinanet_regnety-tiny_scenes.py')
    checkpoint = SimpleNamespace(classes=None)
    dataset = config_dataset.test_dataset(config)
    assert config_dataset.class_names(config, dataset, checkpoint) == tuple('0123456789')
    checkpoint.classes = ('ant', 'bee')
    with pytest.raises(UserError, match=r'checkpoint has the classes ant, bee, but the data of'):
        config_dataset.class_names(config, dataset, checkpoint)
