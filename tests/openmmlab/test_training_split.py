"""A calibration split that differs from the one a network was trained beside is refused."""

from pathlib import Path

import pytest
from mmengine.config import Config

from dynp_plugins import UserError
from dynp_plugins.checkpoints import Checkpoint
from dynp_plugins.openmmlab.training_split import check_held_out

TEXT = """
train_dataloader = dict(
    batch_size=4,
    dataset=dict(
        type='HeldOut', part='rest', {settings},
        dataset=dict(type='VideoFiles', data_root={root!r}, ann_file={list!r}, pipeline=[])))
calibration_dataloader = dict(
    dataset=dict(
        type='HeldOut', part='held_out', {settings},
        dataset=dict(type='VideoFiles', data_root={root!r}, ann_file={list!r}, pipeline=[])))
"""


def config_of(tmp_path, settings='size=0.1', root='data', list='train.txt'):
    path = tmp_path / 'config.py'
    path.write_text(TEXT.format(settings=settings, root=root, list=list))
    return Config.fromfile(path)


def checkpoint_of(text):
    return Checkpoint(Path('run.pth'), {}, {} if text is None else {'cfg': text})


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ("size=0.1, group='_p._'", "group=None, but .* now has group='_p._'"),
        ('size=0.2', 'size=0.1, but .* now has size=0.2'),
        ('size=0.1, seed=3', 'seed=0, but .* now has seed=3'),
    ],
)
def test_other_settings_are_refused(tmp_path, settings, message):
    checkpoint = checkpoint_of(config_of(tmp_path).pretty_text)
    with pytest.raises(UserError, match=f'trained beside a calibration split with {message}'):
        check_held_out(config_of(tmp_path, settings), checkpoint)


def test_another_list_is_refused(tmp_path):
    checkpoint = checkpoint_of(config_of(tmp_path).pretty_text)
    with pytest.raises(UserError, match=r"ann_file='train\.txt'.* now has ann_file='all\.txt'"):
        check_held_out(config_of(tmp_path, list='all.txt'), checkpoint)


def test_the_same_split_passes_wherever_the_data_are(tmp_path):
    checkpoint = checkpoint_of(config_of(tmp_path).pretty_text)
    check_held_out(
        config_of(tmp_path, 'size=0.1, seed=0, group=None', root='elsewhere'), checkpoint
    )


@pytest.mark.parametrize('text', [None, 'train_dataloader = (', 'train_dataloader = run()', ''])
def test_a_checkpoint_that_does_not_say_passes(tmp_path, text):
    check_held_out(config_of(tmp_path), checkpoint_of(text))


def test_the_text_in_a_checkpoint_is_never_executed(tmp_path):
    target = tmp_path / 'executed'
    text = f"train_dataloader = dict(dataset=open({str(target)!r}, 'w'))"
    check_held_out(config_of(tmp_path), checkpoint_of(text))
    assert not target.exists()


TWO = """
{loader} = dict(
    dataset=dict(
        type='mmdet.ConcatDataset',
        datasets=[
            dict(type='HeldOut', size=0.1, dataset=dict(
                type='mmdet.VOCDataset', ann_file='2007.txt', {filters})),
            dict(type='HeldOut', size={size}, dataset=dict(
                type='mmdet.VOCDataset', ann_file='2012.txt', {filters})),
        ]))
"""


def test_each_of_several_datasets_is_compared(tmp_path):
    text = TWO.format(loader='train_dataloader', size=0.1, filters='filter_cfg=dict(min_size=32)')
    path = tmp_path / 'config.py'
    path.write_text(TWO.format(loader='calibration_dataloader', size=0.1, filters='test_mode=True'))
    check_held_out(Config.fromfile(path), checkpoint_of(text))
    path.write_text(TWO.format(loader='calibration_dataloader', size=0.2, filters='test_mode=True'))
    with pytest.raises(UserError, match=r'size=0\.1, but .* now has size=0\.2'):
        check_held_out(Config.fromfile(path), checkpoint_of(text))
    path.write_text(
        'calibration_dataloader = dict(dataset=dict(type="HeldOut", size=0.1, '
        'dataset=dict(ann_file="2007.txt")))'
    )
    with pytest.raises(UserError, match=r'number of datasets cut=2, but .* now has .*=1'):
        check_held_out(Config.fromfile(path), checkpoint_of(text))
