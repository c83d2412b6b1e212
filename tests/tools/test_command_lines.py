"""The command lines as a user types them: what they write, and what bad input gets."""

import json
from pathlib import Path

import torch

from benchmarks.results import read_results
from dynp_plugins import create_model
from tests.tools.command_lines import CONFIG, SMALL, refused

FILES = ('report.html', 'report.md', 'curve.png', 'curve.svg', 'curve.csv', 'results.json')


def test_budget_curve_writes_everything(run, checkpoint, tmp_path):
    status, out, error = run('budget_curve', CONFIG, checkpoint, '--out', 'r', *SMALL)
    assert status == 0, error
    assert out.rstrip().splitlines()[-1] == str(Path('r/report.html'))
    for name in FILES:
        assert (tmp_path / 'r' / name).stat().st_size > 0
    assert len(list((tmp_path / 'r/tables').glob('*.npz'))) == 2
    (model,) = read_results(tmp_path / 'r/results.json').models
    assert (model.calibration.samples, model.test.samples) == (256, 256)
    assert len(model.points) == 33
    assert [exit_.name for exit_ in model.exits] == ['early', 'latent', 'feature', 'merged']
    assert model.exits[-1].gmacs > 2 * model.exits[0].gmacs


def test_the_same_inputs_give_the_same_numbers(run, checkpoint, tmp_path):
    for name in ('a', 'b'):
        run('budget_curve', CONFIG, checkpoint, '--out', name, *SMALL)
    a, b = (read_results(tmp_path / name / 'results.json').models for name in ('a', 'b'))
    assert a == b
    assert (tmp_path / 'a/curve.csv').read_text() == (tmp_path / 'b/curve.csv').read_text()


def test_results_of_another_run_are_not_overwritten(run, checkpoint, tmp_path):
    first = ('budget_curve', CONFIG, checkpoint, '--out', 'r', *SMALL)
    run(*first)
    before = {path: path.read_bytes() for path in (tmp_path / 'r').rglob('*') if path.is_file()}
    weights = create_model('dyn_perceiver_regnety_tiny', num_classes=10).state_dict()
    torch.save({'state_dict': weights}, 'other.pth')
    other = ('budget_curve', CONFIG, 'other.pth', '--out', 'r')
    refused(run(*other, *SMALL), 'results of another run', '--overwrite')
    assert {p: p.read_bytes() for p in (tmp_path / 'r').rglob('*') if p.is_file()} == before
    for arguments in (first, (*other, '--overwrite', *SMALL)):  # the same run may be done again
        status, _, error = run(*arguments)
        assert status == 0, error


def config_with(tmp_path, text):
    path = tmp_path / 'mine.py'
    path.write_text(f'_base_ = {CONFIG!r}\n{text}\n')
    return path


def test_config_without_a_calibration_split(run, checkpoint, tmp_path):
    config = config_with(tmp_path, 'calibration_dataloader = None')
    refused(
        run('budget_curve', config, checkpoint, '--out', 'r'),
        'declares no calibration split',
        'HeldOut',
    )
    assert not (tmp_path / 'r').exists()


def test_calibration_equal_to_test(run, checkpoint, tmp_path):
    config = config_with(tmp_path, "calibration_dataloader = dict(dataset=dict(split='test'))")
    refused(
        run('budget_curve', config, checkpoint, '--out', 'r', *SMALL),
        'are the same samples: 256 of the 256',
    )
    assert not (tmp_path / 'r').exists()


def test_the_same_test_pictures_flipped_are_still_the_same(run, checkpoint, tmp_path):
    config = config_with(
        tmp_path,
        """
flip = dict(type='mmpretrain.RandomFlip', prob=1.0, direction='horizontal')
pack = dict(type='mmpretrain.PackInputs')
calibration_dataloader = dict(dataset=dict(split='test', pipeline=[flip, pack]))
""",
    )
    answer = run('budget_curve', config, checkpoint, '--out', 'r', *SMALL)
    refused(answer, 'are the same samples', 'embedded_digits/test/0')


def test_calibration_pictures_of_another_size(run, checkpoint, tmp_path):
    config = config_with(
        tmp_path,
        """
crop = dict(type='mmpretrain.CenterCrop', crop_size=48)
pack = dict(type='mmpretrain.PackInputs')
calibration_dataloader = dict(dataset=dict(pipeline=[crop, pack]))
""",
    )
    answer = run('budget_curve', config, checkpoint, '--out', 'r', *SMALL)
    refused(answer, 'calibration samples are [3, 48, 48]', 'test samples [3, 64, 64]')


def test_models_that_cannot_be_measured(run, checkpoint, tmp_path):
    typo = config_with(tmp_path, "model = dict(backbone=dict(type='DynPerceptron'))")
    refused(run('budget_curve', typo, checkpoint, '--out', 'r'), 'DynPerceptron is not in the')
    resnet = config_with(
        tmp_path,
        "model = dict(backbone=dict(_delete_=True, type='mmpretrain.ResNet', depth=18))",
    )
    refused(run('budget_curve', resnet, checkpoint, '--out', 'r'), 'has a ResNet without exits')
    arguments = (CONFIG, checkpoint, '--out', 'r', '--device', 'gpu')
    refused(run('budget_curve', *arguments), '--device gpu cannot be used')
    assert not (tmp_path / 'r').exists()


def test_classes_of_the_test_split_in_another_order(run, tmp_path, checkpoint):
    config = config_with(
        tmp_path,
        "test_dataloader = dict(dataset=dict(metainfo=dict(classes=tuple('9876543210'))))",
    )
    answer = run('budget_curve', config, checkpoint, '--out', 'r', *SMALL)
    refused(answer, 'the calibration split has the classes 0, 1, 2', 'the test split has 9, 8, 7')


def test_bad_checkpoints(run, checkpoint, tmp_path):
    (tmp_path / 'short.pth').write_bytes(checkpoint.read_bytes()[:5000])
    torch.save({'state_dict': {'fc.weight': torch.zeros(2)}}, 'foreign.pth')
    config = config_with(tmp_path, 'model = dict(head=dict(num_classes=7))')
    arguments = ('--out', 'r', *SMALL)
    refused(run('budget_curve', CONFIG, 'short.pth', *arguments), 'short.pth', 'truncated')
    refused(run('budget_curve', CONFIG, 'foreign.pth', *arguments), 'does not fit', 'fc.weight')
    refused(run('budget_curve', CONFIG, 'no.pth', *arguments), 'no checkpoint at no.pth')
    refused(
        run('budget_curve', config, checkpoint, *arguments),
        'a network with num_classes=10; this one has num_classes=7',
    )
    refused(
        run('test', config, checkpoint, '--work-dir', 't'),
        'a network with num_classes=10; this one has num_classes=7',
    )
    assert not (tmp_path / 'r').exists()


def test_odd_arguments(run, checkpoint):
    refused(run('budget_curve', CONFIG, '--out', 'r'), 'give a checkpoint for every config')
    twice = (CONFIG, checkpoint) * 2
    refused(run('budget_curve', *twice, '--out', 'r'), 'two configs are called')
    refused(run('budget_curve', 'x.py', checkpoint, '--out', 'r'), 'no config file x.py')


def test_unreadable_picture_is_named(run, checkpoint, tmp_path):
    from PIL import Image

    for name in ('a', 'b'):
        (tmp_path / 'pictures' / name).mkdir(parents=True)
        for i in range(3):
            Image.new('RGB', (64, 64), (i, len(name), 3)).save(
                tmp_path / 'pictures' / name / f'{i}.png'
            )
    (tmp_path / 'pictures/b/1.png').write_bytes(b'oops')
    (tmp_path / 'pictures/list.txt').write_text('a/0.png 0\nb/1.png 1\n')
    config = config_with(
        tmp_path,
        """
load = dict(type='mmpretrain.LoadImageFromFile', imdecode_backend='pillow')
pack = dict(type='mmpretrain.PackInputs')
test_dataloader = dict(num_workers=1, dataset=dict(
    _delete_=True, type='ImageFiles', data_root='pictures', ann_file='list.txt',
    metainfo=dict(classes=tuple('0123456789')), test_mode=True,
    pipeline=[load, pack]))
""",
    )
    answer = run('budget_curve', config, checkpoint, '--out', 'r', *SMALL[:2])
    refused(answer, 'cannot read the picture', 'b/1.png', "unreadable='skip'")


def test_train_then_test(run, tmp_path):
    options = (
        '--cfg-options',
        'train_cfg.max_epochs=2',
        'train_dataloader.num_batch_per_epoch=2',
        'train_dataloader.batch_size=8',
        'val_dataloader.num_batch_per_epoch=1',
        'test_dataloader.num_batch_per_epoch=1',
        'log_level=WARNING',
    )
    status, _, error = run('train', CONFIG, '--work-dir', 'w', '--no-validate', *options)
    assert status == 0, error
    assert (tmp_path / 'w/epoch_2.pth').is_file()
    refused(run('train', CONFIG, '--work-dir', 'w', *options), '--resume', '--overwrite')

    arguments = ('test', CONFIG, 'w', '--work-dir', 't', '--out', 'metrics.json')
    status, _, error = run(*arguments, *options)
    assert status == 0, error
    metrics = json.loads((tmp_path / 'metrics.json').read_text())
    assert {'accuracy/early_top1', 'accuracy/merged_top5', 'accuracy/merged_top1_origin'} <= set(
        metrics
    )
    refused(run(*arguments, *options), 'metrics.json exists already', '--overwrite')
    refused(run('test', CONFIG, 'w', '--out', 'metrics.pkl'), 'name a .json file')


def test_convert_checkpoint(run, reference, tmp_path):
    torch.save({'model': reference.state_dict('reg800m_perceiver_t128_d1112')}, 'official.pth')
    arguments = ('official.pth', 'ours.pth', '--model', 'dyn_perceiver_regnety_800mf')
    settings = ('--set', 'depth_factor=1,1,1,2', 'num_latents=128')
    status, out, error = run('convert_checkpoint', *arguments, *settings)
    assert status == 0, error
    assert 'wrote 795 tensors' in out
    create_model('dyn_perceiver_regnety_800mf', tmp_path / 'ours.pth', depth_factor=(1, 1, 1, 2))
    refused(run('convert_checkpoint', *arguments, *settings), 'ours.pth exists already')
    again = ('convert_checkpoint', 'official.pth', 'ours.pth', '--overwrite', '--model')
    model = 'dyn_perceiver_regnety_800mf'
    refused(run(*again, model), 'does not fit', 'unknown (39)')
    refused(run(*again, 'dyn_perceiver_800'), 'the closest names are')
    refused(run(*again, model, '--set', 'latents=1'), "no setting 'latents'")
    refused(run(*again, model, '--set', 'latents'), 'write it as key=value')
