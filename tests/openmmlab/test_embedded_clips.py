"""The embedded clips as a dataset: their files, their labels, and the config's pipelines."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DATASETS

import dynp_plugins.openmmlab  # noqa: F401
from dynp_plugins.datasets import motion_clips
from dynp_plugins.datasets.digit_motion import MOTIONS
from dynp_plugins.datasets.digit_scans import load_digit_scans, make_glyphs, split_scans

CONFIG = Path(__file__).parents[2] / 'configs' / '_base_' / 'datasets' / 'embedded_clips.py'


@pytest.fixture(scope='module')
def cache_dir(tmp_path_factory):
    return str(tmp_path_factory.mktemp('cache'))


@pytest.fixture
def config(cache_dir, monkeypatch):
    """The config of the datasets, with 16 clips in each of them."""
    for split in motion_clips.SPLITS:
        monkeypatch.setitem(motion_clips.DEFAULT_SIZES, split, 16)
    config = Config.fromfile(CONFIG)
    for name in ('train', 'calibration', 'val', 'test'):
        config[f'{name}_dataloader'].dataset.cache_dir = cache_dir
    return config


def draw(split, index, label):
    scans = load_digit_scans()
    glyphs = make_glyphs(scans.ink[split_scans(scans.labels)[split]])
    return motion_clips.draw_clip(split, index, glyphs, label)


def test_entries_name_files_and_motions(config):
    dataset = DATASETS.build(config.test_dataloader.dataset)
    assert len(dataset) == 16
    assert dataset.metainfo['classes'] == MOTIONS
    assert [dataset.get_data_info(i)['label'] for i in range(16)] == [*range(8), *range(8)]
    assert dataset.get_cat_ids(11) == [3]
    assert Path(dataset.get_data_info(11)['filename']).name == '00011.mp4'
    assert all(Path(dataset.get_data_info(i)['filename']).is_file() for i in range(16))


def test_loaders_use_their_own_splits_and_validate_on_calibration(config):
    folders = {
        name: Path(
            DATASETS.build(config[f'{name}_dataloader'].dataset).get_data_info(0)['filename']
        ).parent.name
        for name in ('train', 'calibration', 'val', 'test')
    }
    assert folders == {
        'train': 'train_16',
        'calibration': 'calibration_16',
        'val': 'calibration_16',
        'test': 'test_16',
    }


def _shrunk(frame):
    """The middle of a frame as the test pipeline shows it, roughly: float (48, 48)."""
    picture = torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1)[None].float()
    picture = torch.nn.functional.interpolate(picture, (52, 52), mode='bilinear', antialias=True)
    return picture[0, :, 2:-2, 2:-2].mean(0)


def test_the_test_pipeline_shows_the_clip_in_its_order(config):
    sample = DATASETS.build(config.test_dataloader.dataset)[5]
    assert sample['inputs'].shape == (8, 3, 48, 48)
    assert sample['inputs'].dtype == torch.uint8
    assert sample['data_samples'].gt_label.tolist() == [5]
    assert sample['data_samples'].filename.endswith('00005.mp4')
    drawn = draw('test', 5, 5)
    for position, frame in enumerate(sample['inputs'].float().mean(1)):
        distance = [(frame - _shrunk(other)).abs().mean() for other in drawn]
        # One frame of each eighth of the clip.
        assert int(np.argmin(distance)) // 2 == position
        assert min(distance) < 5  # of 255


def test_training_sees_every_eighth_in_order_and_never_flips(config):
    dataset = DATASETS.build(config.train_dataloader.dataset)
    assert not any('Flip' in step['type'] for step in config.train_dataloader.dataset.pipeline)
    np.random.seed(0)
    samples = [dataset[1]['inputs'] for _ in range(5)]
    assert all(sample.shape == (8, 3, 48, 48) for sample in samples)
    assert any((sample != samples[0]).any() for sample in samples[1:])
    drawn = [_shrunk(frame) for frame in draw('train', 1, 1)]
    for sample in samples:
        for position, frame in enumerate(sample.float().mean(1)):
            # The crop may lie up to 2 pixels off the middle: compare what is in both.
            distance = [
                min(
                    (frame[2 + y : 46 + y, 2 + x : 46 + x] - other[2:46, 2:46]).abs().mean()
                    for y in (-2, -1, 0, 1, 2)
                    for x in (-2, -1, 0, 1, 2)
                )
                for other in drawn
            ]
            assert int(np.argmin(distance)) // 2 == position


def test_a_dataset_survives_pickling(config):
    dataset = pickle.loads(pickle.dumps(DATASETS.build(config.test_dataloader.dataset)))
    assert dataset[2]['data_samples'].gt_label.tolist() == [2]
