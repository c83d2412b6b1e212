"""Reading the digit scans, splitting them, and enlarging them to glyphs."""

import hashlib

import numpy as np
import pytest

from dynp_plugins.datasets.digit_scans import (
    GLYPH_SCALE,
    MAX_INK,
    NUM_CLASSES,
    SPLITS,
    check_split_name,
    load_digit_scans,
    make_glyphs,
    split_scans,
)
from dynp_plugins.errors import UserError


@pytest.fixture(scope='module')
def digits():
    return load_digit_scans()


@pytest.fixture(scope='module')
def parts(digits):
    return split_scans(digits.labels)


def test_scans_are_the_whole_data_set(digits):
    assert digits.ink.shape == (1797, 8, 8)
    assert digits.ink.dtype == np.uint8
    assert (digits.ink.min(), digits.ink.max()) == (0, MAX_INK)
    assert digits.labels.shape == (1797,)
    assert digits.labels.dtype == np.int64
    assert np.unique(digits.labels).tolist() == list(range(NUM_CLASSES))


def test_splits_are_disjoint_and_cover_every_scan(parts):
    assert tuple(parts) == SPLITS
    together = np.concatenate([parts[split] for split in SPLITS])
    assert np.sort(together).tolist() == list(range(1797))


def test_no_scan_occurs_twice_under_two_indices(digits):
    # Otherwise disjoint indices would not mean disjoint pictures.
    assert len(np.unique(digits.ink.reshape(1797, -1), axis=0)) == 1797


@pytest.mark.parametrize(('split', 'share'), [('train', 0.6), ('calibration', 0.2), ('test', 0.2)])
def test_every_class_is_split_alike(digits, parts, split, share):
    per_class = np.bincount(digits.labels, minlength=NUM_CLASSES)
    here = np.bincount(digits.labels[parts[split]], minlength=NUM_CLASSES)
    assert np.abs(here - share * per_class).max() < 2
    assert (np.diff(parts[split]) > 0).all()


def test_split_is_the_one_published(parts):
    # Moving a scan silently would let an old model's training scans into the test split.
    digests = {
        split: hashlib.sha256(indices.astype('<i8').tobytes()).hexdigest()[:16]
        for split, indices in parts.items()
    }
    assert digests == {
        'train': '0bb0f967805cbce1',
        'calibration': '1f869e5fd6085844',
        'test': 'e18da904fc20151b',
    }


@pytest.mark.parametrize('name', ['val', 'Train', '', 'training'])
def test_unknown_split_is_refused_with_the_known_ones(name):
    with pytest.raises(UserError) as caught:
        check_split_name(name)
    assert repr(name) in str(caught.value)
    assert all(split in str(caught.value) for split in SPLITS)


def test_glyphs_keep_the_scan_and_fade_out_at_the_border(digits):
    ink = digits.ink[:200]
    glyphs = make_glyphs(ink)
    assert glyphs.dtype == np.float32
    assert glyphs.min() == 0
    assert glyphs.max() == 1
    border = np.ones(glyphs.shape[1:], bool)
    border[1:-1, 1:-1] = False
    assert not glyphs[:, border].any()
    # Averaged over the area of each scan pixel, a glyph is that scan again, upright and unmirrored.
    cells = round(8 * GLYPH_SCALE)
    step = glyphs.shape[1] // cells
    small = glyphs.reshape(-1, cells, step, cells, step).mean((2, 4))[:, 1:-1, 1:-1]
    for glyph, scan in zip(small, ink, strict=True):
        assert np.corrcoef(glyph.ravel(), scan.ravel())[0, 1] > 0.95
