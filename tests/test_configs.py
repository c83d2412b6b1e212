"""Every config in configs/ can be read, and its model built and run."""

from pathlib import Path

import pytest
import torch
from mmengine.registry import MODELS

from benchmarks.exit_pass import multi_exit_network
from dynp_plugins.openmmlab.config_files import load_config

REPOSITORY = Path(__file__).parents[1]
CONFIGS = sorted(
    path
    for path in (REPOSITORY / 'configs').rglob('*.py')
    if '_base_' not in path.relative_to(REPOSITORY).parts
)


def scoped_types(entry):
    """Every ``type`` in a config, at any depth."""
    if isinstance(entry, dict):
        if isinstance(entry.get('type'), str):
            yield entry['type']
        for value in entry.values():
            yield from scoped_types(value)
    elif isinstance(entry, (list, tuple)):
        for value in entry:
            yield from scoped_types(value)


def test_there_are_configs():
    assert len(CONFIGS) >= 4


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_config_builds(path):
    config = load_config(path)
    model = MODELS.build({**config.model, 'data_preprocessor': config.data_preprocessor}).eval()
    network = multi_exit_network(model)
    with torch.no_grad():
        logits = network(torch.zeros(1, 3, 64, 64))
    assert [y.shape[1] for y in logits] == [config.model.head.num_classes] * 4
    assert config.data_preprocessor.num_classes == config.model.head.num_classes


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_config_declares_its_splits_and_how_to_run_it(path):
    config = load_config(path)
    assert config.calibration_dataloader.dataset != config.test_dataloader.dataset
    assert config.val_dataloader == config.calibration_dataloader, 'nothing watches the test split'
    assert f'{path.stem}.py' in path.read_text().split('"""')[1], 'the docstring has the command'


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_types_of_other_packages_are_scoped(path):
    config = load_config(path)
    entries = [config.model, config.data_preprocessor, config.train_dataloader.dataset]
    known = MODELS.module_dict.keys() | {'EmbeddedDigits', 'HeldOut', 'ImageFiles'}
    for name in scoped_types(entries):
        assert name.startswith('mmpretrain.') or name in known, name
