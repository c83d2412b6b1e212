"""Exported folders when they are loaded: checked, and run like the model itself."""

import json
import shutil

import numpy as np
import pytest
import torch

from dynp_plugins import UserError
from dynp_plugins.early_exit import ALWAYS, EarlyExitEngine, choose_policy
from dynp_plugins.inference import DynamicInferencer
from dynp_plugins.inference.exported.manifest import MANIFEST, read_manifest
from dynp_plugins.inference.named_model import imagenet_preprocessing
from dynp_plugins.inference.video_inputs import frame_folders
from tests.inference.tiny_models import exit_table, save_pictures

from .small_exports import (
    GMACS,
    PICTURES_OF_BOTH,
    halving_policy,
    images_of,
    small_export,
    small_model,
)


def changed(folder, **entries):
    """The folder with other entries in its manifest."""
    path = folder / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))
    return folder


def test_answers_are_those_of_the_model(model, policy, once, tmp_path):
    result = EarlyExitEngine(model.network, policy)(images_of(model))
    assert sorted(set(result.exit.tolist())) == [0, 1]
    inferencer = DynamicInferencer(once)
    assert inferencer.policy == policy
    paths = save_pictures(tmp_path / 'pictures', [p[..., ::-1] for p in PICTURES_OF_BOTH])
    for answers in (
        inferencer(PICTURES_OF_BOTH, batch_size=5),
        inferencer(tmp_path / 'pictures', batch_size=12),
    ):
        for k, answer in enumerate(answers):
            exit_index = int(result.exit[k])
            assert answer['error'] is None
            assert answer['exit_name'] == model.network.exit_names[exit_index]
            assert answer['gmacs'] == GMACS[exit_index]
            assert answer['pred_label'] == int(result.prediction[k])
            assert answer['pred_class'] == model.classes[answer['pred_label']]
            expected = result.logits[k].softmax(0).numpy()
            np.testing.assert_allclose(answer['pred_scores'], expected, atol=1e-6)
    assert [answer['source'] for answer in answers] == paths


def test_other_budgets_from_an_exit_table(model, tmp_path):
    table = exit_table(
        model.network,
        images_of(model),
        exit_gmacs=GMACS,
        weights_sha256=model.weights_sha256,
        model='small',
    )
    table.save(tmp_path / 'small_calibration.npz')
    exported = tmp_path / 'out'
    small_export(exported, policy=tmp_path / 'small_calibration.npz', budget_gmacs=0.2)
    inferencer = DynamicInferencer(exported)
    assert inferencer.budget_gmacs == 0.2
    assert DynamicInferencer(exported, budget_gmacs=0.15).budget_gmacs == 0.15
    for budget in (0.2, 0.25):
        inferencer.budget_gmacs = budget
        expected = choose_policy(
            table, method='geometric', measure='max_softmax', budget_gmacs=budget
        )
        assert inferencer.policy.thresholds == expected.thresholds
    manifest = read_manifest(exported)
    assert manifest.policy.settings['budget_gmacs'] == 0.2
    assert 'calibration.npz' in manifest.files


def test_the_recorded_policy_comes_before_the_table(model, tmp_path):
    table = exit_table(
        model.network, images_of(model), exit_gmacs=GMACS, weights_sha256=model.weights_sha256
    )
    table.save(tmp_path / 'table.npz')
    exported = tmp_path / 'out'
    small_export(exported, policy=tmp_path / 'table.npz', budget_gmacs=0.2)
    recorded = json.loads((exported / MANIFEST).read_text())['policy']
    recorded['thresholds']['early'] = 0.75
    inferencer = DynamicInferencer(changed(exported, policy=recorded))
    assert inferencer.policy.thresholds_by_exit == {'early': 0.75}
    inferencer.budget_gmacs = 0.25
    expected = choose_policy(table, method='geometric', measure='max_softmax', budget_gmacs=0.25)
    assert inferencer.policy.thresholds == expected.thresholds != (0.75, ALWAYS)
    inferencer.budget_gmacs = 0.2
    assert inferencer.policy.thresholds_by_exit == {'early': 0.75}
    recorded['weights_sha256'] = 'f' * 64
    with pytest.raises(UserError, match=r'the policy was made for .* with other weights'):
        DynamicInferencer(changed(exported, policy=recorded))


def test_without_a_policy_the_last_exit_answers(once, folder):
    changed(folder, policy=None)
    answers = DynamicInferencer(folder)(PICTURES_OF_BOTH)
    assert {answer['exit_name'] for answer in answers} == {'late'}
    own = halving_policy(small_model())
    assert DynamicInferencer(folder, policy=own).policy == own


def test_pictures_of_another_size_than_exported(model, tmp_path):
    record = imagenet_preprocessing(8)
    record.operations.pop()  # the crop
    small_export(tmp_path / 'out', small_model(record), input_shape=(3, 9, 9))
    wide, square = DynamicInferencer(tmp_path / 'out')(
        [np.zeros((20, 30, 3), np.uint8), np.zeros((20, 20, 3), np.uint8)]
    )
    assert square['error'] is None
    assert 'reaches the network as 3 x 9 x 13, but' in wide['error']
    assert 'exported for 3 x 9 x 9' in wide['error']


def test_without_preprocessing_a_function_is_needed(model, tmp_path):
    small_export(tmp_path / 'out', preprocessing=False)
    assert read_manifest(tmp_path / 'out').preprocessing is None
    with pytest.raises(UserError, match=r'--no-preprocessing: give preprocess=\.\.\., a function'):
        DynamicInferencer(tmp_path / 'out')
    inferencer = DynamicInferencer(
        tmp_path / 'out',
        preprocess=lambda image: model.to_network(model.prepare(image)),
    )
    with torch.no_grad():
        expected = model.network(images_of(model))[-1].argmax(1).tolist()
    assert [a['pred_label'] for a in inferencer(PICTURES_OF_BOTH)] == expected


def test_folders_of_frames_remain_what_is_answered(tmp_path):
    videos = small_model(kind=frame_folders('{:02}.png'))
    small_export(tmp_path / 'out', videos, input_shape=(2, 3, 8, 8), preprocessing=False)
    save_pictures(tmp_path / 'clips/a', PICTURES_OF_BOTH[:2])
    inferencer = DynamicInferencer(
        tmp_path / 'out', preprocess=lambda path: torch.full((2, 3, 8, 8), float(len(path)))
    )
    (answer,) = inferencer(tmp_path / 'clips')
    assert (answer['source'], answer['error']) == (str(tmp_path / 'clips/a'), None)
    assert read_manifest(tmp_path / 'out').filename_tmpl == '{:02}.png'


def test_a_changed_file(folder):
    path = folder / 'step1_late.pt2'
    path.write_bytes(path.read_bytes() + b' ')
    with pytest.raises(UserError, match=r'step1_late\.pt2 is not the file that was written'):
        DynamicInferencer(folder)
    path.unlink()
    with pytest.raises(UserError, match=r'step1_late\.pt2 is missing: copy the whole folder'):
        DynamicInferencer(folder)


@pytest.mark.parametrize(
    ('entries', 'message'),
    [
        (dict(schema_version=0), r'schema version 0, this program reads 1: export again with'),
        (dict(num_classes='3'), r"num_classes is '3', expected int"),
        (dict(files={}), r'has no SHA-256 of step0_early\.pt2'),
        (dict(files={'../small': '0'}), r'names a file outside of its folder, \.\./small'),
        (dict(exit_names=['early', 'last']), 'the steps lead to early, late, but exit_names are'),
        (
            dict(exit_gmacs={'early': 1.0}),
            'exit_gmacs are of early, but exit_names are early, late',
        ),
        (dict(num_classes=4), 'num_classes is 4, which is not what the last step gives'),
        (dict(samples='sound'), "samples is 'sound', none of picture, video"),
        (dict(samples='video'), r'input_shape is \[3, 8, 8\], for a video with images of \[8, 8\]'),
        (dict(input_shape=[3, 8, 9]), r'input_shape is \[3, 8, 9\], for a picture'),
    ],
)
def test_a_manifest_that_cannot_be(folder, entries, message):
    with pytest.raises(UserError, match=message):
        DynamicInferencer(changed(folder, **entries))


@pytest.mark.parametrize(
    ('where', 'value', 'message'),
    [
        (('steps', 'backend'), 'tvm', "backend='tvm': steps are saved for one of"),
        (('steps', 'dtype'), 'float16', "dtype is 'float16', which torch_export has not"),
        (('steps', 'batch_sizes'), [], 'batch_sizes=.*give whole numbers'),
        (('steps', 'steps'), [], 'there are no steps'),
        (('steps', 'steps', 0, 'file'), None, 'the step to early has no file for batches of 1'),
        (('steps', 'steps', 1, 'outputs'), [], 'the step to late has no outputs'),
        (('preprocessing', 'picture'), None, 'preprocessing does not say how one picture is read'),
    ],
)
def test_a_manifest_that_contradicts_itself(folder, where, value, message):
    manifest = json.loads((folder / MANIFEST).read_text())
    *parents, last = where
    entry = manifest
    for key in parents:
        entry = entry[key]
    entry[last] = value
    with pytest.raises(UserError, match=message):
        DynamicInferencer(changed(folder, **manifest))


def test_a_file_without_a_hash(folder):
    (folder / 'step1_late.bin').write_bytes(b'weights')
    with pytest.raises(UserError, match=r'step1_late\.bin is no file of the export.* no SHA-256'):
        DynamicInferencer(folder)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(checkpoint='w.pth'), r'holds its weights: leave w\.pth out'),
        (dict(num_classes=3), r'num_classes: the export .* is as it was written'),
        (dict(cfg_options={'a': 1}), r'cfg_options: the export .* export again'),
        (dict(classes=['ant']), r'1 class names .* for a network with 3 classes'),
    ],
)
def test_arguments_that_are_not_for_exports(once, arguments, message):
    with pytest.raises(UserError, match=message):
        DynamicInferencer(once, **arguments)


def test_what_is_no_export(tmp_path):
    with pytest.raises(UserError, match=r'is a folder without a manifest\.json: give a config'):
        DynamicInferencer(tmp_path)
    with pytest.raises(UserError, match=r'has no weights: give the checkpoint, too'):
        DynamicInferencer('config.py')


def test_the_name_of_a_network_is_no_folder(once, tmp_path, monkeypatch):
    name = 'dyn_perceiver_regnety_tiny'
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()
    with pytest.raises(UserError, match=r'weights\.pth') as raised:
        DynamicInferencer(name, 'weights.pth')
    assert 'folder' not in str(raised.value)
    with pytest.raises(UserError, match=r'is a folder without a manifest\.json'):
        DynamicInferencer(name)
    shutil.copytree(once, name, dirs_exist_ok=True)
    assert DynamicInferencer(name).network.exit_names == ('early', 'late')
    with pytest.raises(UserError, match=r'weights\.pth') as raised:
        DynamicInferencer(name, 'weights.pth')
    assert 'leave' not in str(raised.value)
