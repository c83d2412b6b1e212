"""The digit pictures: what they hold, that they never change, and that the digit is there."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from dynp_plugins.datasets import digit_images
from dynp_plugins.datasets.digit_images import (
    DEFAULT_SIZES,
    IMAGE_SIZE,
    load_digit_images,
    make_digit_images,
    render,
)
from dynp_plugins.datasets.digit_scans import SPLITS, load_digit_scans, make_glyphs, split_scans
from dynp_plugins.datasets.drawing import Pose
from dynp_plugins.errors import UserError

SIZES = {'train': 60, 'calibration': 400, 'test': 60}


@pytest.fixture(scope='module')
def cache_dir(tmp_path_factory):
    return tmp_path_factory.mktemp('cache')


@pytest.fixture(scope='module')
def images(cache_dir):
    return {split: load_digit_images(split, cache_dir, sizes=SIZES) for split in SPLITS}


@pytest.fixture(scope='module')
def scans():
    return load_digit_scans()


@pytest.fixture(scope='module')
def ink(scans):
    return scans.ink[split_scans(scans.labels)['test']]


@pytest.fixture(scope='module')
def glyphs(ink):
    return make_glyphs(ink)


@pytest.mark.parametrize('split', SPLITS)
def test_arrays_have_the_promised_form(images, split):
    count, data = SIZES[split], images[split]
    assert data.images.shape == (count, IMAGE_SIZE, IMAGE_SIZE, 3)
    assert data.images.dtype == np.uint8
    for array, dtype in ((data.labels, np.int64), (data.scans, np.int64)):
        assert array.shape == (count,)
        assert array.dtype == dtype
    assert data.difficulty.shape == (count,)
    assert data.difficulty.dtype == np.float32
    assert set(data.labels.tolist()) == set(range(10))
    # Mapped from the file and shared, so nobody may write.
    assert isinstance(data.images, np.memmap)
    assert not data.images.flags.writeable


@pytest.mark.parametrize('split', SPLITS)
def test_pictures_come_from_the_scans_of_their_split(images, scans, split):
    members = split_scans(scans.labels)[split]
    data = images[split]
    assert np.isin(data.scans, members).all()
    np.testing.assert_array_equal(data.labels, scans.labels[data.scans])


def test_scans_are_used_equally_often_and_drawn_anew_each_time(images):
    data = images['calibration']
    _, uses = np.unique(data.scans, return_counts=True)
    assert uses.max() - uses.min() <= 1
    first, second = np.flatnonzero(data.scans == data.scans[0])
    assert (data.images[first] != data.images[second]).mean() > 0.5


def test_difficulty_is_spread_over_its_whole_range(images):
    difficulty = np.sort(images['calibration'].difficulty)
    assert difficulty[0] >= 0
    assert difficulty[-1] <= 1
    # Kolmogorov-Smirnov distance from the uniform distribution; 1 % critical value.
    even = (np.arange(len(difficulty)) + 0.5) / len(difficulty)
    assert np.abs(difficulty - even).max() < 1.63 / np.sqrt(len(difficulty))


@pytest.mark.parametrize('split', SPLITS)
def test_two_builds_give_identical_files(images, cache_dir, tmp_path, split):
    load_digit_images(split, tmp_path, sizes=SIZES)
    files = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob('*') if path.is_file())
    assert len(files) == 5
    for file in files:
        assert (tmp_path / file).read_bytes() == (cache_dir / file).read_bytes()


def test_a_picture_does_not_depend_on_how_many_are_made(images):
    few = make_digit_images('train', 7)
    for name, array in few.items():
        np.testing.assert_array_equal(array, getattr(images['train'], name)[:7])


def test_pictures_are_those_of_this_generator_version(images):
    # Changed bytes need a new GENERATOR_VERSION, or old caches would be mixed with new ones.
    digests = {
        split: hashlib.sha256(images[split].images[:60].tobytes()).hexdigest()[:16]
        for split in SPLITS
    }
    assert (digit_images.GENERATOR_VERSION, digests) == (
        2,
        {
            'train': '8a56ea885cdc5165',
            'calibration': 'ff088e7f00fb4571',
            'test': '66340c71a3bb1632',
        },
    )


def _with_and_without_digit(glyphs, chosen, difficulty):
    """The same picture twice, (64, 64) brightness in [0, 1], the second with an empty glyph."""
    blank = glyphs.copy()
    blank[chosen] = 0
    pictures = [
        render(np.random.RandomState(chosen), some, chosen, difficulty) for some in (glyphs, blank)
    ]
    return [picture.astype(float).mean(-1) / 255 for picture in pictures]


def _digit_box(present, absent):
    mask = np.abs(present - absent) > 0.02
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return mask, slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def test_an_easy_digit_stands_out_from_all_around_it(glyphs):
    for chosen in range(40):
        present, absent = _with_and_without_digit(glyphs, chosen, 0.0)
        mask, *_ = _digit_box(present, absent)
        core = np.abs(present - absent) > 0.3
        assert 0.03 < core.mean() < 0.5
        outside = present[~mask]
        assert abs(np.median(present[core]) - np.median(outside)) > 0.4
        # Calm: without the digit there is nothing else of that contrast.
        assert (np.abs(outside - np.median(outside)) > 0.4).mean() < 0.02


def test_an_easy_digit_has_the_shape_of_its_scan(glyphs, ink):
    agreement = []
    for chosen in range(40):
        mask, rows, columns = _digit_box(*_with_and_without_digit(glyphs, chosen, 0.0))
        inked = ink[chosen] > 5
        top, bottom = np.flatnonzero(inked.any(1))[[0, -1]]
        left, right = np.flatnonzero(inked.any(0))[[0, -1]]
        seen, scan = mask[rows, columns], inked[top : bottom + 1, left : right + 1]
        # Both on one 24x24 grid.
        grid = (np.arange(24) + 0.5) / 24
        seen, scan = (
            part[np.ix_(*((grid * length).astype(int) for length in part.shape))]
            for part in (seen, scan)
        )
        agreement.append((seen == scan).mean())
    # A mirrored, turned or foreign digit agrees in little more than half of the places.
    assert np.mean(agreement) > 0.8


def test_hard_digits_are_smaller_and_fainter_but_there(glyphs):
    height, contrast = {}, {}
    for difficulty in (0.0, 1.0):
        heights, contrasts = [], []
        for chosen in range(40):
            present, absent = _with_and_without_digit(glyphs, chosen, difficulty)
            mask, rows, _ = _digit_box(present, absent)
            heights.append(rows.stop - rows.start)
            contrasts.append(np.median(np.abs(present - absent)[mask]))
        height[difficulty], contrast[difficulty] = np.array(heights), np.array(contrasts)
    assert np.median(height[1.0]) < 0.7 * np.median(height[0.0])
    assert height[1.0].min() > 12
    assert np.median(contrast[1.0]) < 0.6 * np.median(contrast[0.0])
    assert contrast[1.0].min() > 0.04


def test_digits_lie_inside_the_picture_and_turn_at_most_30_degrees():
    # Further round, a 6 would become a 9.
    angles = []
    for seed in range(300):
        size = 21 + seed % 30
        tilt = 0.26 if size < 40 else 0.09
        pose = Pose.inside(np.random.RandomState(seed), size, tilt, IMAGE_SIZE)
        angles.append(np.degrees(np.arctan2(pose.sin, pose.cos)))
        for across, down in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
            dx, dy = across * pose.width / 2, down * pose.height / 2
            x, y = dx * pose.cos - dy * pose.sin + pose.x, dx * pose.sin + dy * pose.cos + pose.y
            assert -0.5 - 1e-6 <= x <= IMAGE_SIZE - 0.5 + 1e-6
            assert -0.5 - 1e-6 <= y <= IMAGE_SIZE - 0.5 + 1e-6
        assert pose.cos**2 + pose.sin**2 == pytest.approx(1)
    assert 20 < np.abs(angles).max() <= 30


def test_a_damaged_cache_gives_the_same_pictures_again(tmp_path, images):
    load_digit_images('test', tmp_path, sizes=SIZES)
    file = tmp_path / 'digit_images' / 'test_60' / 'images.npy'
    content = bytearray(file.read_bytes())
    content[-1000] ^= 1
    file.write_bytes(content)
    again = load_digit_images('test', tmp_path, sizes=SIZES)
    np.testing.assert_array_equal(again.images, images['test'].images)


def test_a_newer_generator_replaces_the_pictures(tmp_path, monkeypatch):
    load_digit_images('test', tmp_path, sizes=SIZES)
    monkeypatch.setattr(digit_images, 'GENERATOR_VERSION', 1000)
    marked = make_digit_images('test', 60)
    marked['images'][:] = 7
    monkeypatch.setattr(digit_images, 'make_digit_images', lambda split, count: marked)
    assert (load_digit_images('test', tmp_path, sizes=SIZES).images == 7).all()


def test_bad_arguments_are_named(tmp_path):
    with pytest.raises(UserError, match=r"'val'.*train, calibration, test"):
        load_digit_images('val', tmp_path)
    with pytest.raises(UserError, match="0 pictures asked for split 'test'"):
        load_digit_images('test', tmp_path, sizes={'test': 0})
    assert not list(tmp_path.iterdir())


def test_import_brings_in_neither_openmmlab_nor_what_only_making_data_needs():
    heavy = ('mmengine', 'mmcv', 'mmpretrain', 'mmdet', 'mmaction', 'sklearn', 'av')
    script = (
        'import sys, dynp_plugins.datasets.digit_images, dynp_plugins.datasets.motion_clips; '
        f'print([name for name in {heavy} if name in sys.modules])'
    )
    done = subprocess.run([sys.executable, '-c', script], capture_output=True, text=True)
    assert done.stdout.strip() == '[]', done.stderr


@pytest.mark.slow
def test_the_default_data_set_is_balanced_and_complete(tmp_path, scans):
    parts = split_scans(scans.labels)
    for split, count in DEFAULT_SIZES.items():
        data = load_digit_images(split, tmp_path)
        assert len(data.images) == count
        assert set(data.scans.tolist()) == set(parts[split].tolist())
        assert np.bincount(data.labels).min() > 0.08 * count
