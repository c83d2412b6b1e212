"""mmpretrain finds this project's configs by name, and runs their networks."""

import logging

import mmcv
import numpy as np
import pytest
import torch
from mmengine.dataset import Compose
from mmengine.registry import DefaultScope
from mmpretrain import ImageClassificationInferencer, get_model, inference_model, list_models
from mmpretrain.apis.model import ModelHub
from modelindex.load_model_index import load
from PIL import Image

import dynp_plugins.openmmlab
from benchmarks.model_zoo import list_metafiles, read_metafile
from dynp_plugins.openmmlab.classifiers import multi_exit_network
from dynp_plugins.openmmlab.model_index import REPOSITORY, register_configs

SMALL = 'dyn-perceiver_regnety-tiny_1xb64-300e_cifar10'


@pytest.fixture(scope='module')
def pictures():
    random = np.random.default_rng(0)
    return [random.integers(0, 255, size, np.uint8) for size in ((32, 32, 3), (90, 120, 3))]


MODELS = [
    model
    for metafile in list_metafiles(REPOSITORY)
    for model in read_metafile(metafile, REPOSITORY)
]


@pytest.mark.parametrize('family', ['dyn-perceiver', 'msdnet', 'ranet', 'static', 'tsm', 'tsn'])
def test_list_models_finds_every_model_by_its_family(family):
    names = [model.name for model in MODELS if model.name.startswith(family)]
    assert list_models(f'{family}*') == sorted(names)


def test_picture_inferencers_know_the_models_for_pictures_alone():
    known = set(ImageClassificationInferencer.list_models())
    assert {model.name for model in MODELS if model.name in known} == {
        model.name for model in MODELS if model.task == 'Image Classification'
    }


def test_mmpretrain_finds_nothing_to_complain_about_in_the_index():
    assert load(str(REPOSITORY / 'model-index.yml')).check(silent=True) == []


@pytest.mark.parametrize(
    ('name', 'frames'),
    [
        (SMALL, 1),
        ('msdnet-lingrow-b5_1xb64-300e_cifar100', 1),
        ('tsm-mobilenetv2_8xb8-1x1x8-50e_sthv2', 8),
        ('dyn-perceiver_tsm-mobilenetv3-0.75_8xb8-1x1x8-50e_sthv2', 8),
    ],
)
def test_get_model_builds_the_network(name, frames):
    model = get_model(name)
    network = multi_exit_network(model)
    assert not model.training
    logits = network(torch.zeros(frames, 3, 32, 32))
    assert len(logits) == len(network.exit_names)
    assert model._metainfo.metadata.parameters == sum(p.numel() for p in network.parameters())


def test_inferencer_answers_with_the_last_exit(pictures, tmp_path):
    torch.manual_seed(0)
    inferencer = ImageClassificationInferencer(SMALL, pretrained=False, device='cpu')
    with torch.no_grad():  # so that the pictures get different answers
        network = multi_exit_network(inferencer.model)
        network.heads.classifiers['merged'][-1].weight.mul_(50)
    answers = inferencer(pictures)
    data = inferencer.model.data_preprocessor(
        {'inputs': [torch.from_numpy(pictures[0]).permute(2, 0, 1)]}
    )
    with torch.no_grad():
        scores = network(data['inputs'])[-1].softmax(-1)[0]
    assert answers[0]['pred_label'] == int(scores.argmax())
    assert answers[0]['pred_score'] == pytest.approx(float(scores.max()), abs=1e-5)
    assert answers[0]['pred_class'] == inferencer.classes[answers[0]['pred_label']]
    assert answers[0]['pred_score'] != answers[1]['pred_score']

    checkpoint = tmp_path / 'ours.pth'
    torch.save({'state_dict': inferencer.model.state_dict()}, checkpoint)
    from_file = ImageClassificationInferencer(SMALL, pretrained=str(checkpoint), device='cpu')
    for answer, again in zip(answers, from_file(pictures), strict=True):
        assert np.allclose(answer['pred_scores'], again['pred_scores'], atol=1e-6)


def tell_apart(network, images):
    """Give a fresh network norms that fit these images, so that its answers to them differ."""
    for module in network.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.momentum = 1.0
    with torch.no_grad():
        network.train()(images)
        *_, last_layer = (m for m in network.modules() if isinstance(m, torch.nn.Linear))
        last_layer.weight.mul_(3 / network.eval()(images)[-1].std())


@pytest.mark.parametrize(
    'model',
    [
        'dyn-perceiver_mobilenetv3-0.75_8xb128-600e_in1k',
        'msdnet-step4_4xb64-90e_in1k',
        'static-mobilenetv3-large_8xb128-300e_in1k',
        str(
            REPOSITORY
            / 'configs/classification/dyn_perceiver/dyn-perceiver_regnety-tiny_image-files.py'
        ),
    ],
    ids=lambda model: model.rpartition('/')[2].partition('.py')[0],
)
def test_inferencer_reads_files_as_the_test_pipeline_does(model, tmp_path):
    random = np.random.default_rng(0)
    # Pictures of a few large squares, which the pipelines' resizing does not average away.
    squares = random.integers(0, 255, (4, 5, 3), np.uint8).repeat(70, 0).repeat(70, 1)
    colour, grey = (str(tmp_path / f'{name}.png') for name in ('colour', 'grey'))
    Image.fromarray(squares).save(colour)
    Image.fromarray(squares[..., 0]).save(grey)

    torch.manual_seed(0)
    inferencer = ImageClassificationInferencer(model, pretrained=False, device='cpu')
    network = multi_exit_network(inferencer.model)
    pipeline = inferencer.config.test_dataloader.dataset.pipeline
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        pipeline = Compose(pipeline)
    read = [pipeline(dict(img_path=path, gt_label=0))['inputs'] for path in (colour, grey)]
    images = inferencer.model.data_preprocessor({'inputs': read})['inputs']
    tell_apart(network, images)
    with torch.no_grad():
        expected = network(images)[-1].softmax(-1).numpy()
    assert np.abs(expected[0] - expected[1]).max() > 1e-2

    pictures = [colour, grey, mmcv.imread(colour)]
    scores = [answer['pred_scores'] for answer in inferencer(pictures)]
    assert np.allclose(scores, expected[[0, 1, 0]], atol=1e-4)


@pytest.mark.filterwarnings('ignore:Unable to find pre-defined checkpoint')
def test_mmpretrain_knows_which_inferencer_our_models_need(pictures):
    answer = inference_model('ranet-1233_1xb64-300e_cifar10', pictures[0])
    assert 0 <= answer['pred_label'] < 10


def test_without_configs_nothing_is_registered(tmp_path, caplog):
    """As in an installed package."""
    before = dict(ModelHub._models_dict)
    with caplog.at_level(logging.DEBUG, dynp_plugins.__name__):
        register_configs(tmp_path)
        (tmp_path / 'model-index.yml').write_text('Import:\n  - of/somebody/else.yml\n')
        register_configs(tmp_path)
    assert ModelHub._models_dict == before
    assert [record.levelname for record in caplog.records] == ['DEBUG', 'DEBUG']
