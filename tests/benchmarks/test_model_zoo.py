"""The model index against the configs it names."""

from pathlib import Path

import pytest
import torch

from benchmarks.model_zoo import count_costs, list_metafiles, read_metafile
from dynp_plugins.errors import UserError
from dynp_plugins.openmmlab.config_files import load_config
from dynp_plugins.openmmlab.detectors import build_detector, is_detection_config
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
    config = load_config(model.config)
    if is_detection_config(config):
        with torch.device('meta'):
            network = build_detector(config)
    else:
        network = network_without_data(config)
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
    detector = by_name['retinanet_dyn-perceiver-regnety-1.6gf_fpn_1x_coco']
    assert detector.published_ap == {'': '40.2', 'small': '24.1', 'medium': '43.9', 'large': '53.0'}
    for model in MODELS:
        assert bool(model.published_top1 or model.published_ap) == bool(model.source)


def test_every_task_is_one_that_openmmlab_knows():
    assert {model.task for model in MODELS} == {
        'Image Classification',
        'Action Recognition',
        'Object Detection',
    }


def test_a_detector_is_counted_for_an_image_of_a_size():
    sizes = {model.name: model.image_size for model in MODELS}
    assert sizes['retinanet_dyn-perceiver-regnety-1.6gf_fpn_1x_coco'] == (800, 1280)
    detectors = {model.name for model in MODELS if model.task == 'Object Detection'}
    assert {name for name, size in sizes.items() if size} == detectors
    (model,) = (m for m in MODELS if m.name == 'retinanet_regnety-1.6gf_fpn_1x_coco')
    with pytest.raises(UserError, match=r'regnety-1\.6gf.* say .* Image Size: HEIGHTxWIDTH'):
        count_costs(model.config)


def test_a_metafile_that_lacks_something_is_refused(tmp_path):
    metafile = tmp_path / 'metafile.yml'
    metafile.write_text('Models:\n  - Name: a\n    Config: a.py\n    Metadata: {FLOPs: 1}\n')
    with pytest.raises(UserError, match=r'metafile.yml: every model needs .*Results'):
        read_metafile(metafile, tmp_path)
    metafile.write_text(
        'Models:\n  - Name: a\n    Config: a.py\n    Metadata: {FLOPs: 1, Parameters: 1}\n'
        '    Results: [{Task: Object Detection, Dataset: COCO, Metrics: {}}]\n'
    )
    with pytest.raises(UserError, match=r'a detector also Image Size'):
        read_metafile(metafile, tmp_path)
