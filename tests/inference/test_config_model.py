"""`DynamicInferencer` with a config: its own test pipeline, its classes, and bad pictures."""

import io
from pathlib import Path

import mmcv
import numpy as np
import pytest
import torch
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import DefaultScope
from mmpretrain import ImageClassificationInferencer
from PIL import Image

from dynp_plugins import UserError
from dynp_plugins.datasets import load_digit_images
from dynp_plugins.early_exit import choose_exits
from dynp_plugins.inference import DynamicInferencer
from dynp_plugins.openmmlab.classifiers import build_classifier
from dynp_plugins.openmmlab.config_files import load_config

from .tiny_models import (
    EXITS,
    NAME,
    exit_table,
    make_network,
    make_pictures,
    save_checkpoint,
    save_pictures,
)

CONFIGS = Path(__file__).parents[2] / 'configs'
DIGITS = CONFIGS / 'demo/dyn-perceiver_regnety-tiny_digits.py'
FILES = CONFIGS / 'classification/dyn_perceiver/dyn-perceiver_regnety-tiny_image-files.py'
LETTERS = ('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j')


@pytest.fixture(scope='module')
def network():
    return make_network(classes=10)


@pytest.fixture(scope='module')
def checkpoint(network, tmp_path_factory):
    return save_checkpoint(network, tmp_path_factory.mktemp('weights') / 'tiny.pth')


def files_config(folder, text=''):
    path = folder / 'files.py'
    head = f'_base_ = {str(FILES)!r}\nmodel = dict(head=dict(num_classes=10))\n'
    path.write_text(f'{head}data_preprocessor = dict(num_classes=10)\n{text}')
    return path


OPENCV = """
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmpretrain.ResizeEdge', scale=128, edge='short', backend='pillow'),
    dict(type='mmpretrain.CenterCrop', crop_size=112),
    dict(type='mmpretrain.PackInputs'),
]
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
"""


@pytest.fixture(params=['', OPENCV], ids=['pillow', 'opencv'])
def config(request, tmp_path):
    return files_config(tmp_path, request.param)


def classifier_of(config, network):
    classifier = build_classifier(load_config(config))
    classifier.backbone.load_state_dict(network.backbone.state_dict())
    classifier.head.heads.load_state_dict(network.heads.state_dict())
    return classifier.eval()


def scores_in_test_loop(config, network, paths):
    """Scores of all exits (N, exits, classes), as OpenMMLab's test loop gets them."""
    loaded, classifier = load_config(config), classifier_of(config, network)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        pipeline = Compose(loaded.test_dataloader.dataset.pipeline)
    batch = pseudo_collate([pipeline({'img_path': path, 'gt_label': 0}) for path in paths])
    with torch.no_grad():
        samples = classifier.test_step(batch)
    return torch.stack([sample.exit_scores for sample in samples]).numpy()


@pytest.fixture
def paths(tmp_path):
    """PNG and JPEG files of different sizes, one of them grey."""
    pictures = make_pictures(6, 150, 190) + make_pictures(3, 400, 160, seed=1)
    grey = [picture[..., 0] for picture in make_pictures(1, 128, 128, seed=2)]
    png = save_pictures(tmp_path / 'png', pictures + grey)
    return png + save_pictures(tmp_path / 'jpg', pictures[:4], '.jpg')


def test_files_answer_as_in_the_test_loop(config, network, checkpoint, paths):
    scores = scores_in_test_loop(config, network, paths)
    inferencer = DynamicInferencer(config, checkpoint, device='cpu')
    for batch_size in (1, 5):
        answers = inferencer(paths, batch_size=batch_size)
        assert np.allclose([a['pred_scores'] for a in answers], scores[:, -1], atol=1e-5)
        assert [a['pred_label'] for a in answers] == scores[:, -1].argmax(1).tolist()
    assert len(set(scores[:, -1].argmax(1))) > 1


def test_exits_are_those_of_the_exit_table(config, network, checkpoint, paths, tmp_path):
    classifier = classifier_of(config, network)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        pipeline = Compose(load_config(config).test_dataloader.dataset.pipeline)
    inputs = [pipeline({'img_path': path})['inputs'] for path in paths]
    images = classifier.data_preprocessor({'inputs': inputs})['inputs']
    table = exit_table(network, images)
    table.save(tmp_path / 'ours_calibration.npz')
    inferencer = DynamicInferencer(
        config, checkpoint, tmp_path / 'ours_calibration.npz', budget_gmacs=0.022, device='cpu'
    )
    exits = choose_exits(table.confidence('max_softmax'), np.array(inferencer.policy.thresholds))
    assert len(set(exits)) > 1
    answers = inferencer(paths, batch_size=len(paths))
    assert [EXITS.index(answer['exit_name']) for answer in answers] == exits.tolist()


def test_arrays_and_images_answer_as_their_files(config, network, checkpoint, paths):
    png = [path for path in paths if path.endswith('.png')]
    inferencer = DynamicInferencer(config, checkpoint, device='cpu')
    expected = [answer['pred_scores'] for answer in inferencer(png)]
    for given in ([mmcv.imread(path) for path in png], [Image.open(path) for path in png]):
        answers = inferencer(given)
        assert np.allclose([a['pred_scores'] for a in answers], expected, atol=1e-6)


def test_answers_equal_those_of_mmpretrains_inferencer(config, network, checkpoint, paths):
    theirs = ImageClassificationInferencer(
        str(config), pretrained=save_classifier(config, network), device='cpu', classes=LETTERS
    )
    ours = DynamicInferencer(config, checkpoint, device='cpu', classes=LETTERS)
    png = [path for path in paths if path.endswith('.png')]
    for inputs in (png, [mmcv.imread(path) for path in png], png[0]):
        for mine, other in zip(ours(inputs), theirs(inputs), strict=True):
            assert np.allclose(mine['pred_scores'], other['pred_scores'], atol=1e-5)
            assert mine['pred_score'] == pytest.approx(other['pred_score'], abs=1e-5)
            for key in ('pred_label', 'pred_class'):
                assert mine[key] == other[key]
            assert other.keys() <= mine.keys()


def save_classifier(config, network):
    path = config.with_suffix('.pth')
    torch.save({'state_dict': classifier_of(config, network).state_dict()}, path)
    return str(path)


def test_weights_have_one_hash_however_they_were_saved(config, network, checkpoint, tmp_path):
    """So that a table made with a training run's checkpoint also serves a converted one."""
    exit_table(network, torch.zeros(2, 3, 112, 112)).save(tmp_path / 'a_calibration.npz')
    table = tmp_path / 'a_calibration.npz'
    for weights in (checkpoint, save_classifier(config, network)):
        for model in (config, NAME):
            inferencer = DynamicInferencer(model, weights, table, 0.02, device='cpu')
            assert inferencer.policy.model == NAME


def test_pictures_of_a_data_set_in_memory(network, checkpoint):
    """The digits lie in memory in RGB; files of them give the network the same pixels."""
    digits = load_digit_images('test').images[:12]
    classifier = classifier_of(DIGITS, network)
    inputs = [torch.from_numpy(digit.copy()).permute(2, 0, 1) for digit in digits]
    with torch.no_grad():
        images = classifier.data_preprocessor({'inputs': inputs})['inputs']
        expected = network(images)[-1].softmax(-1).numpy()
        swapped = network(images.flip(1))[-1].softmax(-1).numpy()
    assert np.abs(expected - swapped).max() > 0.01  # the order of channels matters
    inferencer = DynamicInferencer(DIGITS, checkpoint, device='cpu')
    for given in ([Image.fromarray(digit) for digit in digits], [d[..., ::-1] for d in digits]):
        scores = [answer['pred_scores'] for answer in inferencer(given, batch_size=12)]
        assert np.allclose(scores, expected, atol=1e-5)


def test_files_for_a_data_set_in_memory(network, checkpoint, tmp_path):
    paths = save_pictures(tmp_path, load_digit_images('test').images[:4])
    inferencer = DynamicInferencer(DIGITS, checkpoint, device='cpu')
    expected = inferencer([Image.open(path) for path in paths])
    for mine, other in zip(inferencer(tmp_path), expected, strict=True):
        assert np.array_equal(mine['pred_scores'], other['pred_scores'])
    (tmp_path / '02.png').write_bytes(b'broken')
    errors = [answer['error'] for answer in inferencer(tmp_path)]
    assert errors == [None, None, 'not a picture in a known format', None]


def test_a_data_preprocessor_that_turns_the_order_round(network, checkpoint):
    """Then the data set in memory has its pictures in BGR, as arrays are given."""
    array = make_pictures(1)[0]
    mean = dict(mean=[110.0, 120.0, 130.0], std=[50.0, 60.0, 70.0])
    plain, turned = (
        DynamicInferencer(
            DIGITS, checkpoint, device='cpu', cfg_options={'data_preprocessor': mean | order}
        )
        for order in (dict(to_rgb=False), dict(to_rgb=True))
    )
    scores = [inferencer(array)[0]['pred_scores'] for inferencer in (plain, turned)]
    assert np.allclose(*scores, atol=1e-6)  # RGB reaches the network either way


def test_a_grey_data_set_in_memory(tmp_path):
    """The network takes one channel."""
    pytest.importorskip('timm')
    name = 'timm/mobilenetv3_small_050'
    config = tmp_path / 'grey.py'
    config.write_text(
        f'_base_ = {str(CONFIGS / "demo/resnet18-narrow_digits.py")!r}\n'
        'data_preprocessor = dict(_delete_=True, type="mmpretrain.ClsDataPreprocessor", '
        'num_classes=10, mean=[100.0], std=[50.0])\n'
        f'model = dict(backbone=dict(_delete_=True, type="StaticNetwork", name={name!r}, '
        'num_classes=10, in_chans=1))\n'
    )
    torch.manual_seed(0)
    classifier = build_classifier(load_config(config)).eval()
    torch.save(classifier.state_dict(), tmp_path / 'grey.pth')
    pixels = make_pictures(1)[0]
    luma = np.array(Image.fromarray(pixels).convert('L'))
    with torch.no_grad():
        image = (torch.from_numpy(luma)[None, None].float() - 100) / 50
        expected = classifier.head.heads(classifier.backbone(image))[-1].softmax(-1)[0].numpy()
    (answer,) = DynamicInferencer(config, tmp_path / 'grey.pth', device='cpu')(
        Image.fromarray(pixels)
    )
    assert answer['error'] is None
    assert np.allclose(answer['pred_scores'], expected, atol=1e-5)


def test_classes_come_from_the_checkpoint_or_the_data_set(network, checkpoint, tmp_path):
    assert DynamicInferencer(DIGITS, checkpoint, device='cpu').classes == tuple('0123456789')
    config = files_config(tmp_path)
    assert DynamicInferencer(config, checkpoint, device='cpu').classes is None
    noted = save_checkpoint(network, tmp_path / 'n.pth', dataset_meta={'classes': LETTERS})
    assert DynamicInferencer(config, noted, device='cpu').classes == LETTERS
    declared = {'test_dataloader.dataset.metainfo': {'classes': list(LETTERS)}}
    inferencer = DynamicInferencer(config, checkpoint, device='cpu', cfg_options=declared)
    assert inferencer.classes == LETTERS
    with pytest.raises(UserError, match='class numbers would not mean the same'):
        DynamicInferencer(DIGITS, noted, device='cpu')
    assert DynamicInferencer(DIGITS, noted, device='cpu', classes=LETTERS).classes == LETTERS


def test_a_truncated_jpeg_gets_no_answer(config, checkpoint, paths, tmp_path):
    content = io.BytesIO()
    Image.fromarray(make_pictures(1, 300, 300)[0]).save(content, 'JPEG')
    broken = tmp_path / 'broken.jpg'
    broken.write_bytes(content.getvalue()[: len(content.getvalue()) * 2 // 3])
    inferencer = DynamicInferencer(config, checkpoint, device='cpu')
    answers = inferencer([paths[0], broken, paths[1]], batch_size=3)
    assert [answer['error'] is None for answer in answers] == [True, False, True]
    assert 'image file is truncated' in answers[1]['error']


def test_a_sixteen_bit_picture_gets_no_answer(config, checkpoint, tmp_path):
    Image.fromarray(np.full((120, 120), 40_000, np.uint16)).save(tmp_path / 'deep.png')
    (answer,) = DynamicInferencer(config, checkpoint, device='cpu')(tmp_path / 'deep.png')
    assert '16-bit' in answer['error']


def test_a_work_folder_will_do(config, network, tmp_path):
    (tmp_path / 'run').mkdir()
    save_checkpoint(network, tmp_path / 'run/epoch_3.pth')
    (tmp_path / 'run/last_checkpoint').write_text('/elsewhere/epoch_3.pth')
    for model in (config, NAME):
        (answer,) = DynamicInferencer(model, tmp_path / 'run', device='cpu')(make_pictures(1)[0])
        assert answer['error'] is None


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(config_or_name='nowhere.py'), 'no config file nowhere.py'),
        (dict(num_classes=10), 'cfg_options'),
        (dict(preprocess=str), 'preprocess is for names'),
        (dict(cfg_options={'model.head.num_classes': 7}), 'does not fit the model'),
        (dict(cfg_options={'test_dataloader': None}), 'no test_dataloader'),
        (dict(cfg_options={'test_dataloader.dataset.pipeline': None}), 'has no pipeline'),
        (dict(cfg_options={'model.backbone.type': 'DynPercever'}), 'DynPerceiver'),
        (
            dict(cfg_options={'test_dataloader.dataset.pipeline': [dict(type='PackInput')]}),
            'PackInput',
        ),
        (dict(classes=['one']), '1 class names'),
    ],
    ids=str,
)
def test_what_cannot_be_loaded_is_refused(checkpoint, arguments, message):
    arguments = dict(config_or_name=DIGITS, checkpoint=checkpoint, device='cpu') | arguments
    with pytest.raises(UserError, match=message):
        DynamicInferencer(**arguments)
