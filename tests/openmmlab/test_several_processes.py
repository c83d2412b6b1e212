"""Two processes without a GPU, with half the batch each, against one: losses, weights, metrics.

The pipelines have no randomness, which processes would draw differently.
"""

import json

import pytest
import torch

from dynp_plugins.checkpoints import load_checkpoint_file
from dynp_plugins.openmmlab import runs
from dynp_plugins.openmmlab.checkpoint_files import find_checkpoint
from dynp_plugins.openmmlab.config_files import load_config
from tests.openmmlab.processes import in_processes
from tests.openmmlab.recorded_losses import read_losses

pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason='trains without a GPU')

CONFIGS = {
    'digits': 'configs/demo/dyn-perceiver_regnety-tiny_digits.py',
    'clips': 'configs/demo/dyn-perceiver_tsm-regnety-tiny_clips.py',
    'scenes': 'configs/detection/embedded_scenes/retinanet_dyn-perceiver-regnety-tiny_fpn_16e_scenes.py',  # noqa: E501
}
BATCH, STEPS = 8, 4
UNEVEN = 21  # samples of the test split


def small_config(task, work_dir, processes):
    """Two epochs of few steps on unchanged samples of one size; a test split of odd length."""
    config = load_config(CONFIGS[task])
    config.work_dir = str(work_dir)
    config.log_level = 'ERROR'
    config.train_cfg.max_epochs = 2
    config.custom_hooks.append(dict(type='WriteLosses'))
    loader, tested = config.train_dataloader, config.test_dataloader
    loader.batch_size, loader.num_batch_per_epoch = BATCH // processes, STEPS // 2
    tested.batch_size = 4
    tested.dataset.indices = UNEVEN
    if task == 'scenes':
        load, pack = tested.dataset.pipeline[0], dict(type='mmdet.PackDetInputs')
        boxes = dict(type='mmdet.LoadAnnotations', with_bbox=True)
        # Batches are padded to their largest picture, which is another one in each process.
        resize = dict(type='mmdet.Resize', scale=(128, 96), keep_ratio=False)
        loader.dataset.pipeline = [load, boxes, resize, pack]
        # Boxes of a network of few steps are found by recall; their mAP is 0.000.
        config.model.test_cfg.score_thr = 0.0
        config.test_evaluator.metric = ['bbox', 'proposal']
    else:
        loader.dataset.pipeline = tested.dataset.pipeline
    return config


def train(task, work_dir, processes):
    launcher = 'none' if processes == 1 else 'pytorch'
    config = small_config(task, work_dir, processes)
    runs.train(config, validate=False, auto_scale_lr=True, launcher=launcher)


def test_and_write(task, run, file, processes):
    launcher = 'none' if processes == 1 else 'pytorch'
    metrics = runs.test(small_config(task, run, processes), run, launcher=launcher)
    if torch.distributed.is_initialized() and torch.distributed.get_rank():
        file = file.with_suffix('.second')
    file.write_text(json.dumps(metrics))


test_and_write.__test__ = False


@pytest.fixture(
    scope='module',
    params=[
        'digits',
        *(pytest.param(task, marks=pytest.mark.slow) for task in ('clips', 'scenes')),
    ],
)
def trained(request, tmp_path_factory):
    """The task, and a folder with the run of one process and that of two."""
    folder = tmp_path_factory.mktemp(request.param)
    for count in (1, 2):
        in_processes(count, train, request.param, folder / str(count), count)
    check_one_process_writes(folder)
    return request.param, folder


def check_one_process_writes(folder):
    """Two processes leave the files that one does, besides the second one's losses."""
    alone, together = (
        sorted(path.name for path in (folder / run).rglob('*') if path.is_file()) for run in '12'
    )
    assert len(list((folder / '2').glob('*/*.log'))) == 1
    assert len(together) == len(alone) + 1
    assert {'epoch_1.pth', 'epoch_2.pth', 'losses_1.jsonl'} <= set(together)


def test_each_steps_losses_are_those_of_the_doubled_batch(trained):
    _, folder = trained
    alone, first, second = (
        read_losses(folder / run, rank) for run, rank in (('1', 0), ('2', 0), ('2', 1))
    )
    assert sorted(alone) == list(range(STEPS))
    for step, losses in alone.items():
        assert first[step].keys() == second[step].keys() == losses.keys()
        for name, loss in losses.items():
            mean = (first[step][name] + second[step][name]) / 2
            assert mean == pytest.approx(loss, rel=5e-4), (step, name)
            assert first[step][name] != second[step][name], (step, name)


def test_the_statistics_of_batch_norm_are_those_of_the_doubled_batch(trained):
    _, folder = trained
    alone, together = (
        load_checkpoint_file(find_checkpoint(folder / run))['state_dict'] for run in '12'
    )
    assert alone.keys() == together.keys()
    moved = [key for key in alone if key.endswith(('running_mean', 'running_var'))]
    assert moved
    for key in moved:
        torch.testing.assert_close(together[key], alone[key], rtol=1e-3, atol=1e-3, msg=key)


def test_the_learning_rate_is_scaled_to_the_batches_of_all_processes(trained):
    task, folder = trained
    config = load_config(CONFIGS[task])
    expected = config.optim_wrapper.optimizer.lr * BATCH / config.auto_scale_lr.base_batch_size
    for run in '12':
        group = load_checkpoint_file(folder / run / 'epoch_1.pth')['optimizer']['param_groups'][0]
        assert group['initial_lr'] == pytest.approx(expected)


def test_metrics_are_the_same_however_many_processes_train_or_test(trained, tmp_path):
    """No sample counts twice, though two processes share an odd number of them."""
    task, folder = trained
    found = {}
    for run, count in ((1, 1), (2, 1), (2, 2)):
        file = tmp_path / f'{run}{count}.json'
        in_processes(count, test_and_write, task, folder / str(run), file, count)
        found[run, count] = json.loads(file.read_text())
    second = json.loads((tmp_path / '22.second').read_text())
    assert second == found[2, 2] == found[2, 1]
    assert found[2, 1] == pytest.approx(found[1, 1], abs=0.01)
    assert any(value > 0 for value in found[1, 1].values())
    assert not (folder / '2/collected_results').exists()
