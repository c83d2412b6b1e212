"""The model index against the configs it names."""

from pathlib import Path

import pytest

from benchmarks.model_zoo import list_metafiles, read_metafile
from dynp_plugins.errors import UserError
from dynp_plugins.openmmlab.config_files import load_config
from tests.config_networks import network_without_data

REPOSITORY = Path(__file__).parents[2]
MODELS = [
    model
    for metafile in list_metafiles(REPOSITORY)
    for model in read_metafile(metafile, REPOSITORY)
]


def test_every_config_with_a_recipe_is_in_the_metafile_beside_it():
    for metafile in list_metafiles(REPOSITORY):
        configs = [
            path for path in metafile.parent.glob('*.py') if not path.stem.endswith('-files')
        ]
        models = read_metafile(metafile, REPOSITORY)
        assert sorted(model.config for model in models) == sorted(configs)
        assert [model.name for model in models] == [model.config.stem for model in models]


@pytest.mark.parametrize('model', MODELS, ids=lambda model: model.name)
def test_parameters_are_those_of_the_network(model):
    network = network_without_data(load_config(model.config))
    assert model.parameters == sum(parameter.numel() for parameter in network.parameters())


def test_published_accuracies_keep_their_digits_and_have_a_source():
    by_name = {model.name: model for model in MODELS}
    resnet = by_name['dyn-perceiver_resnet50-0.375_8xb128-300e_in1k']
    assert resnet.published_top1 == {
        '': '77.70',
        'early': '72.93',
        'latent': '77.52',
        'feature': '74.32',
    }
    assert '2306.11248' in resnet.source
    assert all(bool(model.published_top1) == bool(model.source) for model in MODELS)


def test_every_task_is_one_that_openmmlab_knows():
    assert {model.task for model in MODELS} <= {'Image Classification', 'Action Recognition'}


def test_a_metafile_that_lacks_something_is_refused(tmp_path):
    metafile = tmp_path / 'metafile.yml'
    metafile.write_text('Models:\n  - Name: a\n    Config: a.py\n    Metadata: {FLOPs: 1}\n')
    with pytest.raises(UserError, match=r'metafile.yml: every model needs .*Results'):
        read_metafile(metafile, tmp_path)
