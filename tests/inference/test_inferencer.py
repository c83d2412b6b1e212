"""`DynamicInferencer` with a network by name: answers, exits, what they cost, and bad pictures."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import dynp_plugins
from dynp_plugins import UserError
from dynp_plugins.early_exit import ALWAYS, NEVER, ExitPolicy, choose_exits
from dynp_plugins.inference import DynamicInferencer

from .tiny_models import (
    EXITS,
    GMACS,
    NAME,
    exit_table,
    make_network,
    make_pictures,
    save_checkpoint,
    save_pictures,
)

REPOSITORY = Path(__file__).parents[2]
NAMES = ('ant', 'bee', 'cat', 'dog', 'eel')


@pytest.fixture(scope='module')
def network():
    return make_network()


@pytest.fixture(scope='module')
def checkpoint(network, tmp_path_factory):
    folder = tmp_path_factory.mktemp('weights')
    return save_checkpoint(network, folder / 'tiny.pth', dataset_meta={'classes': NAMES})


@pytest.fixture(scope='module')
def pictures(tmp_path_factory):
    """Paths of 24 pictures of different sizes."""
    sizes = [(64, 64), (90, 70), (64, 100)]
    pictures = [make_pictures(8, *size, seed=2)[i] for i in range(8) for size in sizes]
    return save_pictures(tmp_path_factory.mktemp('pictures'), pictures)


def usual_preprocessing(path, size=64):
    """ImageNet preprocessing, written out."""
    image = Image.open(path).convert('RGB')
    short = round(size * 256 / 224)
    scale = short / min(image.size)
    width, height = (short if s == min(image.size) else int(s * scale) for s in image.size)
    image = image.resize((width, height), Image.Resampling.BICUBIC)
    left, top = round((width - size) / 2), round((height - size) / 2)
    pixels = np.array(image.crop((left, top, left + size, top + size)), np.float32) / 255
    pixels = (pixels - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    return torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1)


@pytest.fixture(scope='module')
def images(pictures):
    return torch.stack([usual_preprocessing(path) for path in pictures])


@pytest.fixture(scope='module')
def table(network, images):
    table = exit_table(network, images)
    assert len(set(table.prediction[:, -1])) > 1  # the pictures are told apart
    assert np.ptp(table.confidences['max_softmax'][:, 0]) > 0.1
    return table


def test_without_a_policy_the_last_exit_answers(network, checkpoint, pictures, images):
    with torch.no_grad():
        expected = network(images)[-1].softmax(-1).numpy()
    inferencer = DynamicInferencer(NAME, checkpoint, device='cpu')  # 5 classes: from the weights
    answers = inferencer(pictures)
    for path, answer, scores in zip(pictures, answers, expected, strict=True):
        assert np.allclose(answer['pred_scores'], scores, atol=1e-5)
        assert answer['pred_label'] == scores.argmax()
        assert answer['pred_score'] == answer['confidence'] == answer['pred_scores'].max()
        assert answer['pred_class'] == NAMES[scores.argmax()]
        assert answer['exit_name'] == 'merged'
        assert answer['source'] == path
        assert answer['gmacs'] is answer['error'] is None
    assert inferencer.policy.thresholds == (NEVER, NEVER, NEVER, ALWAYS)


def between(confidences):
    """A threshold that no confidence is close to: batches of other sizes change the last digit."""
    values = np.unique(confidences)
    middle = max(int(0.6 * len(values)), 1)
    return values[middle - 1 : middle + 1].mean() if len(values) > 1 else NEVER


@pytest.mark.parametrize('measure', ['max_softmax', 'entropy', 'margin', 'patience'])
@pytest.mark.parametrize('batch_size', [1, 7, 100])
def test_exits_are_those_of_the_exit_table(checkpoint, pictures, table, measure, batch_size):
    confidence = table.confidence(measure)
    thresholds = [between(column) for column in confidence.T[:-1]]
    policy = ExitPolicy(EXITS, measure, (*thresholds, ALWAYS))
    expected = choose_exits(confidence, np.array(policy.thresholds))
    assert len(set(expected)) > 1
    inferencer = DynamicInferencer(NAME, checkpoint, policy=policy, device='cpu')
    answers = inferencer(pictures, batch_size=batch_size)
    assert [EXITS.index(answer['exit_name']) for answer in answers] == expected.tolist()
    rows = np.arange(len(pictures))
    found = [answer['confidence'] for answer in answers]
    assert np.allclose(found, confidence[rows, expected], atol=1e-5)
    assert [a['pred_label'] for a in answers] == table.prediction[rows, expected].tolist()


def test_arrays_images_and_folders_answer_as_their_files(checkpoint, pictures):
    inferencer = DynamicInferencer(NAME, checkpoint, device='cpu')
    expected = [answer['pred_scores'] for answer in inferencer(pictures[:3])]
    folder = str(Path(pictures[0]).parent)
    assert np.allclose([a['pred_scores'] for a in inferencer(folder)[:3]], expected)
    images = [Image.open(path) for path in pictures[:3]]
    arrays = [np.array(image)[..., ::-1] for image in images]  # BGR
    for answers in (inferencer(images), inferencer(tuple(arrays)), inferencer(arrays, 3)):
        assert np.allclose([a['pred_scores'] for a in answers], expected, atol=1e-5)
        assert [a['source'] for a in answers] == [None] * 3
    (alone,) = inferencer(Path(pictures[0]))
    assert alone['source'] == pictures[0]
    assert np.array_equal(alone['pred_scores'], expected[0])


def test_a_bad_picture_in_the_middle_is_reported_and_the_rest_is_done(
    checkpoint, pictures, tmp_path
):
    broken, deep = tmp_path / 'broken.jpg', tmp_path / 'deep.png'
    content = Path(pictures[0]).read_bytes()
    broken.write_bytes(content[: len(content) // 2])
    Image.fromarray(np.zeros((64, 64), np.uint16)).save(deep)
    inferencer = DynamicInferencer(NAME, checkpoint, device='cpu')
    expected = [answer['pred_label'] for answer in inferencer(pictures[:4])]
    mixed = [*pictures[:2], broken, 'missing.png', deep, *pictures[2:4]]
    for batch_size in (1, 3, 10):
        answers = inferencer(mixed, batch_size=batch_size)
        labels = [answer['pred_label'] for answer in answers]
        assert labels == [*expected[:2], None, None, None, *expected[2:]]
        errors = [answer['error'] for answer in answers]
        assert 'truncated' in errors[2]
        assert errors[3] == 'does not exist'
        assert '16-bit' in errors[4]
        assert [error for error in errors if error] == errors[2:5]
        assert [answer['source'] for answer in answers] == [str(path) for path in mixed]
        assert all(answers[2][key] is None for key in answers[2] if key not in ('source', 'error'))


def test_pictures_of_different_sizes_share_a_batch(network, checkpoint):
    """Each size goes through the network by itself; the order of answers is that of the inputs."""
    pixels = [make_pictures(1, side, side, seed=side)[0] for side in (64, 96, 64, 80, 96)]

    def preprocess(image):
        return torch.from_numpy(np.array(image)).permute(2, 0, 1) / 255 * 4 - 2

    inferencer = DynamicInferencer(NAME, checkpoint, preprocess=preprocess, device='cpu')
    answers = inferencer([Image.fromarray(picture) for picture in pixels], batch_size=5)
    for picture, answer in zip(pixels, answers, strict=True):
        with torch.no_grad():
            logits = network(preprocess(picture)[None])[-1]
        assert np.allclose(answer['pred_scores'], logits.softmax(-1)[0].numpy(), atol=1e-5)


def test_a_size_that_the_network_cannot_take_is_reported(tmp_path):
    torch.manual_seed(0)
    network = dynp_plugins.create_model('msdnet', num_classes=3, num_blocks=2, num_scales=3)
    checkpoint = save_checkpoint(network, tmp_path / 'msdnet.pth')
    inferencer = DynamicInferencer(
        'msdnet',
        checkpoint,
        num_blocks=2,
        num_scales=3,
        preprocess=lambda image: torch.from_numpy(np.array(image)).permute(2, 0, 1) / 255,
        device='cpu',
    )
    sizes = [inferencer.network.backbone.image_size, 4]
    good, small = inferencer([np.zeros((side, side, 3), np.uint8) for side in sizes], 2)
    assert good['error'] is None
    assert '4x4' in small['error']


def test_only_one_batch_is_read_at_a_time(checkpoint, pictures):
    read = []

    def preprocess(image):
        read.append(image)
        return torch.zeros(3, 64, 64)

    inferencer = DynamicInferencer(NAME, checkpoint, preprocess=preprocess, device='cpu')
    answers = inferencer.iterate(pictures, batch_size=4)
    assert read == []
    next(answers)
    assert len(read) == 4
    assert len(list(answers)) == len(pictures) - 1


def test_broken_weights_give_errors_not_labels(network, pictures, tmp_path):
    weights = {key: value.clone() for key, value in network.state_dict().items()}
    weights['heads.classifiers.merged.1.bias'][2] = float('nan')
    torch.save(weights, tmp_path / 'broken.pth')
    (answer,) = DynamicInferencer(NAME, tmp_path / 'broken.pth', device='cpu')(pictures[0])
    assert 'NaN' in answer['error']
    assert answer['pred_label'] is None


def test_costs_that_are_given(checkpoint, pictures):
    policy = ExitPolicy(EXITS, 'max_softmax', (0.0, NEVER, NEVER, ALWAYS))
    inferencer = DynamicInferencer(NAME, checkpoint, policy, exit_gmacs=GMACS, device='cpu')
    assert inferencer(pictures[0])[0]['gmacs'] == GMACS[0]
    asked = []

    def count(network, input_shape):
        asked.append((network, input_shape))
        return GMACS

    inferencer = DynamicInferencer(NAME, checkpoint, policy, exit_gmacs=count, device='cpu')
    assert {answer['gmacs'] for answer in inferencer(pictures)} == {GMACS[0]}
    assert asked == [(inferencer.network, (3, 64, 64))]  # once for all pictures of a size
    with pytest.raises(UserError, match='2 exit_gmacs for the 4 exits'):
        DynamicInferencer(NAME, checkpoint, exit_gmacs=GMACS[:2], device='cpu')


def test_class_names(network, checkpoint, pictures, tmp_path):
    given = DynamicInferencer(NAME, checkpoint, classes=list('vwxyz'), device='cpu')
    answer = given(pictures[0])[0]
    assert answer['pred_class'] == 'vwxyz'[answer['pred_label']]
    bare = save_checkpoint(network, tmp_path / 'bare.pth')
    assert DynamicInferencer(NAME, bare, device='cpu')(pictures[0])[0]['pred_class'] is None
    with pytest.raises(UserError, match=r'3 class names .* 5 classes'):
        DynamicInferencer(NAME, checkpoint, classes=['a', 'b', 'c'], device='cpu')
    with pytest.raises(UserError, match="classes='abcde'"):
        DynamicInferencer(NAME, checkpoint, classes='abcde', device='cpu')


def test_a_static_network_has_as_many_classes_as_names(tmp_path, pictures):
    name = 'static:torchvision/mobilenet_v3_small'
    network = dynp_plugins.create_model(name, num_classes=5)
    checkpoint = save_checkpoint(network, tmp_path / 'static.pth', dataset_meta={'classes': NAMES})
    (answer,) = DynamicInferencer(name, checkpoint, device='cpu')(pictures[0])
    assert answer['exit_name'] == 'final'
    assert answer['pred_class'] in NAMES


def test_weights_trained_by_a_config_are_warned_of(network, checkpoint, tmp_path, caplog):
    trained = save_checkpoint(network, tmp_path / 'trained.pth', cfg='model = dict()')
    DynamicInferencer(NAME, checkpoint, device='cpu')
    assert caplog.text == ''
    DynamicInferencer(NAME, trained, device='cpu')
    assert 'give the config' in caplog.text


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(config_or_name='dyn_perceiver_regnety_tinny'), 'unknown model'),
        (dict(checkpoint='nowhere.pth'), 'no checkpoint at nowhere.pth'),
        (dict(device='gpu'), 'device gpu cannot be used'),
        (dict(num_classes=7), 'num_classes=5'),
        (dict(cfg_options={'a': 1}), 'cfg_options are for configs'),
        (dict(wdith=2), 'wdith'),
    ],
    ids=str,
)
def test_what_cannot_be_loaded_is_refused(checkpoint, arguments, message):
    arguments = dict(config_or_name=NAME, checkpoint=checkpoint, device='cpu') | arguments
    with pytest.raises(UserError, match=message):
        DynamicInferencer(**arguments)


@pytest.mark.parametrize('batch_size', [0, -1, 2.0, True])
def test_batch_sizes_that_cannot_be(checkpoint, pictures, batch_size):
    inferencer = DynamicInferencer(NAME, checkpoint, device='cpu')
    with pytest.raises(UserError, match='batch_size'):
        inferencer.iterate(pictures, batch_size=batch_size)


def test_a_name_needs_no_openmmlab(checkpoint, pictures):
    code = (
        'import sys\n'
        "for name in ('mmengine', 'mmcv', 'mmpretrain', 'mmdet', 'mmaction'):\n"
        '    sys.modules[name] = None  # importing it fails\n'
        'from dynp_plugins.inference import DynamicInferencer\n'
        f'inferencer = DynamicInferencer({NAME!r}, {str(checkpoint)!r}, device="cpu")\n'
        f'print(inferencer({pictures[0]!r})[0]["pred_label"])'
    )
    answer = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, check=True, cwd=REPOSITORY
    )
    expected = DynamicInferencer(NAME, checkpoint, device='cpu')(pictures[0])[0]['pred_label']
    assert answer.stdout.strip() == str(expected)
