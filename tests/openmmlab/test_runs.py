"""Training and testing through the Runner: resume, averages, and what stops a run."""

import json
import shutil

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

from dynp_plugins import UserError, create_model
from dynp_plugins.checkpoints import load_checkpoint_file
from dynp_plugins.checkpoints.loading import to_network_keys
from dynp_plugins.openmmlab import runs
from dynp_plugins.openmmlab.checkpoint_files import delete_checkpoints, find_checkpoint
from dynp_plugins.openmmlab.config_files import load_config
from tests.openmmlab.short_runs import BATCHES, CONFIG, RECORDED, small_config


@pytest.mark.parametrize('workers', [0, 2])
def test_resuming_continues_with_the_same_losses(tmp_path, workers):
    """Interrupted in the middle of epoch 2 of 3, with random crops in the pipeline."""
    whole_dir, cut_dir = tmp_path / 'whole', tmp_path / 'cut'
    runs.train(small_config(whole_dir, workers=workers, record='whole'))
    with pytest.raises(KeyboardInterrupt):
        runs.train(
            small_config(cut_dir, workers=workers, record='before', interrupt_at=BATCHES + 1)
        )
    runs.train(small_config(cut_dir, workers=workers, record='after'), resume=runs.AUTO_RESUME)
    whole, before, after = (RECORDED[name] for name in ('whole', 'before', 'after'))
    assert sorted(whole) == list(range(3 * BATCHES))
    assert sorted(after) == list(range(BATCHES, 3 * BATCHES))  # epoch 2 anew, then epoch 3
    assert before == {i: whole[i] for i in range(BATCHES + 1)}
    assert after == {i: whole[i] for i in after}
    first, last = (load_checkpoint_file(tmp_path / run / 'epoch_3.pth') for run in ('whole', 'cut'))
    for kind in ('state_dict', 'ema_state_dict'):
        assert all(torch.equal(value, last[kind][key]) for key, value in first[kind].items())


def test_epochs_see_different_augmentations(tmp_path):
    """mmengine's default seeds a worker alike in every epoch; ours must not."""
    seen = []

    @HOOKS.register_module(force=True)
    class RecordPictures(Hook):
        def before_train_iter(self, runner, batch_idx, data_batch=None):
            seen.append(data_batch['inputs'].clone())

    config = small_config(tmp_path, epochs=2, workers=1)
    config.train_dataloader.sampler.shuffle = False
    config.custom_hooks.append(dict(type='RecordPictures'))
    runs.train(config)
    assert not torch.equal(seen[0], seen[BATCHES])


def test_a_nan_loss_stops_the_run_and_keeps_what_was_saved(tmp_path):
    config = small_config(tmp_path, poison_at=BATCHES + 1)
    with pytest.raises(UserError, match=r'not finite at iteration 5 \(epoch 2, batch 2\)'):
        runs.train(config)
    assert find_checkpoint(tmp_path) == tmp_path / 'epoch_1.pth'


def test_more_classes_in_the_data_than_in_the_head(tmp_path):
    config = small_config(tmp_path)
    config.model.head.num_classes = 7
    with pytest.raises(UserError, match=r'has 10 classes, but model\.head\.num_classes is 7'):
        runs.train(config)
    assert not list(tmp_path.glob('*.pth'))


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('trained')
    config = small_config(work_dir, epochs=2)
    config.train_cfg.val_interval = 2
    runs.train(config)
    return work_dir


def test_average_and_raw_weights_are_both_evaluated(trained):
    log = next(trained.glob('*/vis_data/scalars.json')).read_text().splitlines()
    validation = next(row for row in map(json.loads, log) if 'accuracy/early_top1' in row)
    assert 'accuracy/early_top1_origin' in validation
    metrics = runs.test(small_config(trained), trained)
    for name in ('early', 'latent', 'feature', 'merged'):
        assert 0 <= metrics[f'accuracy/{name}_top1'] <= metrics[f'accuracy/{name}_top5'] <= 100
        assert f'accuracy/{name}_top1_origin' in metrics


def test_a_trained_checkpoint_loads_into_the_plain_network(trained):
    """What was trained through OpenMMLab is the average of the weights, in plain torch."""
    saved = load_checkpoint_file(trained / 'epoch_2.pth')['state_dict']
    network = create_model(
        'dyn_perceiver_regnety_tiny', checkpoint=trained / 'epoch_2.pth', num_classes=10
    )
    assert torch.equal(network.backbone.latent, saved['backbone.latent'])


def test_testing_a_plain_networks_weights(trained, tmp_path):
    """A file without a training run behind it gives the same metrics as its network."""
    network = create_model('dyn_perceiver_regnety_tiny', trained / 'epoch_2.pth', num_classes=10)
    torch.save({'state_dict': network.state_dict()}, tmp_path / 'plain.pth')
    from_run = runs.test(small_config(tmp_path), trained)
    from_file = runs.test(small_config(tmp_path), tmp_path / 'plain.pth')
    for name, value in from_file.items():
        assert from_run[name.removesuffix('_origin')] == value


def test_a_test_split_with_other_classes(trained):
    config = small_config(trained)
    config.test_dataloader.dataset.metainfo = dict(classes=tuple('9876543210'))
    with pytest.raises(UserError, match=r'checkpoint has the classes 0, 1.*test split has 9, 8'):
        runs.test(config, trained)


def test_another_run_is_not_overwritten(trained, tmp_path):
    with pytest.raises(UserError, match=r'already holds epoch_2\.pth.*--resume.*--overwrite'):
        runs.train(small_config(trained))
    (tmp_path / 'epoch_7.pth').touch()
    (tmp_path / 'last_checkpoint').touch()
    (tmp_path / 'notes.txt').touch()
    delete_checkpoints(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ['notes.txt']


def test_a_run_that_cannot_start_deletes_nothing(trained, tmp_path):
    shutil.copytree(trained, tmp_path / 'run')
    config = small_config(tmp_path / 'run')
    config.model.head.num_classes = 7
    with pytest.raises(UserError, match='has 10 classes'):
        runs.train(config, overwrite=True)
    assert find_checkpoint(tmp_path / 'run') == tmp_path / 'run/epoch_2.pth'
    runs.train(small_config(tmp_path / 'run', epochs=1), overwrite=True)
    assert find_checkpoint(tmp_path / 'run') == tmp_path / 'run/epoch_1.pth'
    assert not (tmp_path / 'run/epoch_2.pth').exists()


def test_a_moved_run_resumes_from_its_own_checkpoint(trained, tmp_path):
    shutil.copytree(trained, tmp_path / 'moved')
    runner = runs.train(small_config(tmp_path / 'moved', epochs=3), resume=runs.AUTO_RESUME)
    assert runner._load_from == str(tmp_path / 'moved/epoch_2.pth')
    assert (tmp_path / 'moved/epoch_3.pth').is_file()


def test_resume_in_an_empty_folder_starts_anew(tmp_path):
    runs.train(small_config(tmp_path, epochs=1), resume=runs.AUTO_RESUME)
    assert find_checkpoint(tmp_path).name == 'epoch_1.pth'


def test_what_cannot_be_resumed(trained, tmp_path):
    content = load_checkpoint_file(trained / 'epoch_2.pth')
    torch.save({'state_dict': content['state_dict']}, tmp_path / 'weights.pth')
    with pytest.raises(UserError, match=r'holds no training state \(meta, optimizer missing\)'):
        runs.train(small_config(tmp_path / 'new'), resume=str(tmp_path / 'weights.pth'))
    config = small_config(tmp_path / 'new')
    config.model.backbone.num_latents = 24
    with pytest.raises(
        UserError, match=r'does not fit the model[\s\S]*backbone\.latent: \(16, 16\)'
    ):
        runs.train(config, resume=str(trained))
    (tmp_path / 'other').mkdir()
    (tmp_path / 'other/epoch_9.pth').touch()
    with pytest.raises(UserError, match=r'already holds epoch_9\.pth of another run'):
        runs.train(small_config(tmp_path / 'other'), resume=str(trained))


@pytest.mark.parametrize('plain', [False, True])
def test_training_starts_from_weights_of_either_naming(trained, tmp_path, plain):
    weights = load_checkpoint_file(trained / 'epoch_2.pth')['state_dict']
    if plain:
        weights = to_network_keys(weights)
    torch.save({'model': weights}, tmp_path / 'start.pth')
    config = small_config(tmp_path / 'run', epochs=1, record='start')
    config.load_from = str(tmp_path / 'start.pth')
    config.optim_wrapper.optimizer.lr = 0.0
    runs.train(config)
    after = load_checkpoint_file(tmp_path / 'run/epoch_1.pth')['state_dict']
    before = load_checkpoint_file(trained / 'epoch_2.pth')['state_dict']
    for key, value in before.items():
        if not key.endswith(('running_mean', 'running_var', 'num_batches_tracked')):
            torch.testing.assert_close(after[key], value, rtol=0, atol=1e-4, msg=key)


def test_foreign_weights_to_start_from_are_refused(tmp_path):
    torch.save({'state_dict': {'fc.weight': torch.zeros(1)}}, tmp_path / 'foreign.pth')
    config = small_config(tmp_path / 'run')
    config.load_from = str(tmp_path / 'foreign.pth')
    with pytest.raises(UserError, match=r'foreign\.pth does not fit the model'):
        runs.train(config)


def test_find_checkpoint(tmp_path):
    with pytest.raises(UserError, match='no training run has written a checkpoint'):
        find_checkpoint(tmp_path)
    with pytest.raises(UserError, match=r'no checkpoint at .*x\.pth'):
        find_checkpoint(tmp_path / 'x.pth')
    (tmp_path / 'epoch_1.pth').touch()
    (tmp_path / 'last_checkpoint').write_text('/where/it/was/epoch_1.pth')
    assert find_checkpoint(tmp_path) == tmp_path / 'epoch_1.pth'  # the folder was moved


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(launcher='pytorch'), 'processes are started by torchrun'),
        (dict(resume='nowhere.pth'), r'no checkpoint at nowhere\.pth'),
    ],
)
def test_impossible_options(tmp_path, monkeypatch, options, message):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    monkeypatch.delenv('RANK', raising=False)
    with pytest.raises(UserError, match=message):
        runs.train(small_config(tmp_path), **options)


def test_configs_that_cannot_work(tmp_path):
    with pytest.raises(UserError, match=r'no config file .*nowhere\.py'):
        load_config(tmp_path / 'nowhere.py')
    (tmp_path / 'broken.py').write_text('model = dict(')
    with pytest.raises(UserError, match=r'broken\.py cannot be read: SyntaxError'):
        load_config(tmp_path / 'broken.py')
    with pytest.raises(UserError, match=r'--cfg-options .* does not fit'):
        load_config(CONFIG, {'train_cfg.max_epochs.really': 1})
    with pytest.raises(UserError, match=r'has no entry modle; it has .*model'):
        load_config(CONFIG, {'modle.head.num_classes': 1})
    for options in ({'train_cfg.max_epoch': 3}, {'model.head.num_clases': 3}):
        config = small_config(tmp_path)
        config.merge_from_dict(options)
        with pytest.raises(UserError, match=r'cannot be built: TypeError: .*unexpected keyword'):
            runs.train(config)
    config = small_config(tmp_path)
    config.train_dataloader.batch_size = 100_000  # and the last, short batch is dropped
    del config.train_dataloader['num_batch_per_epoch']
    with pytest.raises(UserError, match='cannot be built'):
        runs.train(config)
    (tmp_path / 'file').touch()
    with pytest.raises(UserError, match='is a file; name a folder'):
        runs.train(small_config(tmp_path / 'file'))
    config = small_config(tmp_path)
    config.model.backbone.type = 'DynPerceptron'
    with pytest.raises(UserError, match=r'DynPerceptron is not in the'):
        runs.train(config)
    config.train_dataloader = None
    with pytest.raises(UserError, match='has no train_dataloader; add it'):
        runs.train(config)
