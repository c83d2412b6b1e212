"""Videos through both passes: real early exit equals the exit table, for one view and for two."""

import numpy as np
import pytest
import torch

from benchmarks.budget_curve import measure_model
from benchmarks.curve import chosen_exits, target_budgets
from benchmarks.dynamic_pass import run_dynamic_pass
from benchmarks.exit_pass import run_exit_pass
from benchmarks.macs import exit_costs
from benchmarks.trained_model import load_trained_model
from dynp_plugins import UserError
from dynp_plugins.early_exit import choose_policies, fold_frames
from dynp_plugins.openmmlab.classifiers import build_classifier
from dynp_plugins.openmmlab.config_files import load_config
from tests.inference.tiny_videos import CLASSES, STEPS, make_video, save_video, write_config

VIDEOS = 24
SPLITS = """
calibration_dataloader = dict(
    batch_size=5, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='VideoFiles', data_root='{root}', ann_file='calibration.txt',
                 metainfo=dict(classes=['ant', 'bee', 'cat', 'dog', 'eel']), pipeline={steps}))
"""
TWICE = 'num_clips=4, twice_sample=True, test_mode=True'


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Videos of two splits, their lists, and weights."""
    root = tmp_path_factory.mktemp('videos')
    for number, split in enumerate(('calibration', 'test')):
        names = [f'{split}/{i}.mp4' for i in range(VIDEOS)]
        for i, name in enumerate(names):
            save_video(root / name, make_video(seed=100 * number + i))
        lines = (f'{name} {i % len(CLASSES)}\n' for i, name in enumerate(names))
        (root / f'{split}.txt').write_text(''.join(lines))
    return root


def load(folder, steps, name):
    data = f"type='VideoFiles', data_root='{folder}', ann_file='test.txt'"
    text = SPLITS.format(root=folder, steps=steps)
    config = write_config(folder / f'{name}.py', steps, data, text)
    checkpoint = folder / 'weights.pth'
    if not checkpoint.exists():
        torch.manual_seed(0)
        classifier = build_classifier(load_config(config))
        torch.save({'state_dict': classifier.state_dict()}, checkpoint)
    return load_trained_model(config, checkpoint)


@pytest.fixture(scope='module', params=[1, 2], ids=['one view', 'two views'])
def model(request, folder):
    steps = STEPS if request.param == 1 else STEPS.replace('num_clips=4, test_mode=True', TWICE)
    assert request.param == 1 or steps != STEPS
    return load(folder, steps, f'views{request.param}')


def test_real_exits_and_predictions_are_those_of_the_table(model):
    loaders = model.build_splits(('calibration', 'test'))
    tables = {
        split: run_exit_pass(model.classifier, loader, split) for split, loader in loaders.items()
    }
    costs = exit_costs(model.network, tables['test'].manifest['input_shape'])
    gmacs = [cost.macs / 1e9 for cost in costs]
    calibration = tables['calibration'].with_manifest(exit_gmacs=gmacs, model=model.name)
    seen = set()
    for policy in choose_policies(calibration, target_budgets(gmacs, 5)):
        found = run_dynamic_pass(model.classifier, loaders['test'], policy, 'test')
        exits = chosen_exits(tables['test'], policy)
        assert np.array_equal(found.exit, exits)
        assert np.array_equal(found.prediction, tables['test'].prediction[np.arange(VIDEOS), exits])
        assert np.array_equal(found.label, np.arange(VIDEOS) % len(CLASSES))
        seen.update(exits.tolist())
    assert len(seen) > 2


@torch.no_grad()
def test_tables_hold_the_consensus_of_all_frames(model):
    (loader,) = model.build_splits(('test',)).values()
    table = run_exit_pass(model.classifier, loader, 'test')
    batch = next(iter(loader))
    data = model.classifier.data_preprocessor(batch, training=False)
    images, frames = fold_frames(data['inputs'])
    for k, logits in enumerate(model.network(images)):
        scores = logits.view(-1, frames, len(CLASSES)).mean(1).softmax(-1)
        assert np.array_equal(table.prediction[:2, k], scores.argmax(-1).numpy())
        np.testing.assert_allclose(
            table.confidence('max_softmax')[:2, k], scores.max(-1).values.numpy(), rtol=1e-5
        )
    assert table.source[0].endswith('test/0.mp4')


def test_a_curve_counts_every_frame_of_a_video(model):
    result = measure_model(model).result
    frames, *picture = result.input_shape
    assert frames == (8 if model.name == 'views2' else 4)
    assert result.task == 'action recognition'
    assert result.frames_per_clip == 4
    of_clip = exit_costs(model.network, [4, *picture])
    for exit, cost in zip(result.exits, of_clip, strict=True):
        assert exit.gmacs == pytest.approx(frames / 4 * cost.macs / 1e9)


def test_videos_without_labels_are_refused(model):
    class Unlabelled:
        def __iter__(self):
            (loader,) = model.build_splits(('test',)).values()
            batch = next(iter(loader))
            batch['data_samples'][0].set_gt_label(-1)  # mmaction2's
            yield batch

    with pytest.raises(UserError, match='the test split has samples without a label'):
        run_exit_pass(model.classifier, Unlabelled(), 'test')


def test_videos_are_known_by_their_files_whatever_the_pipeline_keeps(folder):
    """mmaction2's own packing keeps no file name."""
    model = load(folder, STEPS.replace("meta_keys=('img_shape', 'filename')", ''), 'nameless')
    (loader,) = model.build_splits(('test',)).values()
    table = run_exit_pass(model.classifier, loader, 'test')
    assert table.source.tolist() == [str(folder / f'test/{i}.mp4') for i in range(VIDEOS)]
