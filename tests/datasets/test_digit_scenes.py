"""The embedded scenes: what is drawn, what the boxes are, and that neither ever changes."""

import hashlib
import json
import logging
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from dynp_plugins.datasets import digit_scenes, scene_rendering
from dynp_plugins.datasets.coco_check import check_coco
from dynp_plugins.datasets.digit_scans import SPLITS, load_digit_scans, make_glyphs, split_scans
from dynp_plugins.datasets.digit_scenes import (
    CLASSES,
    DEFAULT_SIZES,
    draw_scene,
    load_digit_scenes,
    make_digit_scenes,
)
from dynp_plugins.errors import UserError

SIZES = {'train': 60, 'calibration': 8, 'test': 12}


@pytest.fixture(scope='module')
def scenes(tmp_path_factory):
    cache_dir = tmp_path_factory.mktemp('cache')
    return {split: load_digit_scenes(split, cache_dir, sizes=SIZES) for split in SPLITS}


@pytest.fixture(scope='module')
def glyphs():
    scans = load_digit_scans()
    return make_glyphs(scans.ink[split_scans(scans.labels)['test']])


def content(scenes, split):
    return json.loads(scenes[split].annotations.read_text())


def test_scenes_are_those_of_this_generator_version(scenes):
    # Changed pixels or boxes need a new GENERATOR_VERSION, or old caches would be mixed with new.
    digest = hashlib.sha256()
    for split in SPLITS:
        data = content(scenes, split)
        for image in data['images'][:8]:
            with Image.open(scenes[split].folder / image['file_name']) as picture:
                digest.update(np.asarray(picture).tobytes())
        entries = [(a['bbox'], a['category_id'], a['scan']) for a in data['annotations'][:20]]
        digest.update(json.dumps(entries).encode())
    assert (digit_scenes.GENERATOR_VERSION, digest.hexdigest()[:16]) == (2, '8b7dbe871165c9d5')


def test_files_are_coco_without_a_fault(scenes):
    for split, count in SIZES.items():
        data = content(scenes, split)
        check = check_coco(data, str(scenes[split].folder))
        assert check.problems == []
        assert len(check.images) == count
        assert [category['name'] for category in data['categories']] == list(CLASSES)


def test_scenes_differ_in_size_and_number_of_digits(scenes):
    data = content(scenes, 'train')
    sides = [(image['width'], image['height']) for image in data['images']]
    assert {max(side) for side in sides} == {128}
    assert min(map(min, sides)) < 80 < 120 < max(min(side) for side in sides) <= 128
    assert 0.25 < np.mean([width > height for width, height in sides]) < 0.75
    # Padded to a multiple of 32, some cost more than others.
    padded = Counter(-(-min(side) // 32) * 32 for side in sides)
    assert padded.keys() == {96, 128}
    assert min(padded.values()) > 10
    digits = Counter(entry['image_id'] for entry in data['annotations'])
    assert set(digits.values()) == {1, 2, 3, 4, 5, 6}
    assert len(digits) == len(data['images'])


def test_digits_differ_in_size_and_are_partly_hidden(scenes):
    annotations = content(scenes, 'train')['annotations']
    heights = [entry['bbox'][3] for entry in annotations]
    assert min(heights) <= 16
    assert max(heights) >= 56
    small = np.mean([entry['area'] < 32**2 for entry in annotations])
    assert 0.5 < small < 0.85  # the others are medium
    visible = np.array([entry['visible'] for entry in annotations])
    assert visible.min() >= 0.5
    assert 0.2 < np.mean(visible < 0.95) < 0.5


def test_classes_are_those_of_the_scans_and_no_split_shares_one(scenes):
    digits = load_digit_scans()
    members = split_scans(digits.labels)
    seen = set()
    for split in SPLITS:
        annotations = content(scenes, split)['annotations']
        for entry in annotations:
            assert entry['category_id'] == digits.labels[entry['scan']] + 1
        scans = {entry['scan'] for entry in annotations}
        assert scans <= set(members[split])
        assert not scans & seen
        seen |= scans
    assert {entry['category_id'] for entry in annotations} == set(range(1, 11))


def painted(monkeypatch, rng, glyphs, difficulty):
    """A scene, and the opacity (H, W) of all that was painted over the background, in order."""
    layers = []
    blend = scene_rendering._blend

    def remember(canvas, layer, colour):
        layers.append(layer[:, :, 0].copy())
        blend(canvas, layer, colour)

    monkeypatch.setattr(scene_rendering, '_blend', remember)
    picture, digits = scene_rendering.render_scene(rng, glyphs, difficulty)
    monkeypatch.undo()
    height, width = picture.shape[:2]
    return picture, digits, layers, (slice(16, 16 + height), slice(16, 16 + width))


@pytest.mark.parametrize('seed', range(12))
def test_boxes_hold_all_ink_and_no_more(monkeypatch, glyphs, seed):
    rng = np.random.RandomState(seed)
    picture, digits, layers, window = painted(monkeypatch, rng, glyphs, seed / 11)
    # Every digit is painted as a rim, at 0.7 of its opacity, and the digit itself.
    for k, digit in enumerate(digits):
        ink = layers[2 * k + 1] >= 0.5
        inside = np.zeros_like(ink)
        inside[window] = True
        x, y, width, height = digit.box
        rows, columns = np.nonzero(ink[window])
        assert (x, y) == (columns.min(), rows.min())
        assert (x + width, y + height) == (columns.max() + 1, rows.max() + 1)
        assert x + width <= picture.shape[1]
        assert y + height <= picture.shape[0]
        covered = np.zeros_like(ink)
        for later, layer in enumerate(layers[2 * k + 2 :], 2 * k + 2):
            is_rim = later < 2 * len(digits) and later % 2 == 0
            covered |= layer >= (np.float32(0.35) if is_rim else 0.5)
        seen = (ink & inside & ~covered).sum() / ink.sum()
        assert digit.visible == pytest.approx(seen, abs=1e-12)
        assert digit.visible >= 0.5


def test_digits_are_brighter_than_what_is_around_them(glyphs):
    # By the pixels alone: a digit in front, of an easy scene, against its surroundings.
    for index in range(12):
        picture, digits = scene_rendering.render_scene(np.random.RandomState(index), glyphs, 0.0)
        x, y, width, height = digits[-1].box
        brightness = picture @ np.array([0.299, 0.587, 0.114])
        inside = brightness[y : y + height, x : x + width]
        assert np.percentile(inside, 90) > np.median(brightness) + 0.4 * 255


def test_a_scene_does_not_depend_on_how_many_are_made(scenes):
    files = list(make_digit_scenes('train', 2))
    assert [name for name, _ in files] == ['00000.png', '00001.png', 'instances_train.json']
    for name, made in files[:2]:
        assert made == (scenes['train'].folder / name).read_bytes()
    few, many = json.loads(files[2][1]), content(scenes, 'train')
    assert few['images'] == many['images'][:2]
    assert few['annotations'] == many['annotations'][: len(few['annotations'])]


def test_files_show_what_is_drawn(glyphs, scenes):
    picture, digits, difficulty = draw_scene('test', 5, glyphs)
    with Image.open(scenes['test'].folder / '00005.png') as file:
        np.testing.assert_array_equal(np.asarray(file), picture)
    data = content(scenes, 'test')
    assert data['images'][5]['difficulty'] == round(difficulty, 4)
    boxes = [entry['bbox'] for entry in data['annotations'] if entry['image_id'] == 6]
    assert boxes == [list(digit.box) for digit in digits]


def test_a_damaged_picture_is_made_again(scenes, tmp_path, caplog):
    folder = load_digit_scenes('calibration', tmp_path, sizes=SIZES).folder
    (folder / '00003.png').write_bytes(b'damaged')
    with caplog.at_level(logging.WARNING, logger='dynp_plugins'):
        assert load_digit_scenes('calibration', tmp_path, sizes=SIZES).folder == folder
    assert '00003.png does not match its checksum' in caplog.text
    for path in folder.iterdir():
        assert path.read_bytes() == (scenes['calibration'].folder / path.name).read_bytes()


def test_a_newer_generator_replaces_the_scenes(tmp_path, monkeypatch):
    sizes = {'test': 1}
    folder = load_digit_scenes('test', tmp_path, sizes=sizes).folder
    monkeypatch.setattr(digit_scenes, 'GENERATOR_VERSION', 1000)
    monkeypatch.setattr(digit_scenes, '_png', lambda picture: b'new')
    load_digit_scenes('test', tmp_path, sizes=sizes)
    assert (folder / '00000.png').read_bytes() == b'new'


def test_the_cache_variable_is_respected(tmp_path, monkeypatch):
    monkeypatch.setenv('DYNP_CACHE', str(tmp_path / 'mine'))
    folder = load_digit_scenes('test', sizes={'test': 1}).folder
    assert folder == tmp_path / 'mine' / 'digit_scenes' / 'test_1'


def test_bad_arguments_are_named(tmp_path):
    with pytest.raises(UserError, match=r"'val'.*train, calibration, test"):
        load_digit_scenes('val', tmp_path)
    with pytest.raises(UserError, match="0 scenes asked for split 'test'"):
        load_digit_scenes('test', tmp_path, sizes={'test': 0})
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_default_data_set_is_complete(tmp_path):
    for split, count in DEFAULT_SIZES.items():
        scenes = load_digit_scenes(split, tmp_path)
        data = json.loads(scenes.annotations.read_text())
        assert len(data['images']) == count
        assert check_coco(data, str(scenes.folder)).problems == []
        boxes = Counter(entry['category_id'] for entry in data['annotations'])
        assert len(boxes) == 10
        assert min(boxes.values()) > 0.7 * max(boxes.values())
