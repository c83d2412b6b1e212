"""Pictures from folders and lists, the held-out split, and the embedded digits."""

import logging
import pickle

import numpy as np
import pytest
from mmengine.registry import DATASETS
from PIL import Image

import dynp_plugins.openmmlab  # noqa: F401
from dynp_plugins import UserError

PIPELINE = [
    dict(type='mmpretrain.LoadImageFromFile', imdecode_backend='pillow'),
    dict(type='mmpretrain.PackInputs'),
]


@pytest.fixture
def folder(tmp_path):
    """Two classes, ten pictures each."""
    rng = np.random.RandomState(0)
    for name in ('cat', 'dog'):
        (tmp_path / name).mkdir()
        for i in range(10):
            pixels = rng.randint(0, 255, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f'{i}.png')
    return tmp_path


def image_files(root, **settings):
    config = dict(type='ImageFiles', data_root=str(root), pipeline=PIPELINE, test_mode=True)
    return DATASETS.build(config | settings)


def test_folder_per_class(folder):
    dataset = image_files(folder)
    assert len(dataset) == 20
    assert dataset.metainfo['classes'] == ('cat', 'dog')
    sample = dataset[11]
    assert sample['inputs'].shape == (3, 16, 16)
    assert sample['data_samples'].gt_label.item() == 1


def test_list_of_paths_and_labels(folder):
    (folder / 'list.txt').write_text('dog/3.png 1\ncat/0.png 0\n')
    dataset = image_files(folder, ann_file='list.txt')
    assert [dataset.get_data_info(i)['gt_label'] for i in range(2)] == [1, 0]
    assert len(dataset.metainfo['classes']) == 2


@pytest.mark.parametrize('damage', [b'', b'not a picture', None])
def test_unreadable_picture_stops_and_is_named(folder, damage):
    bad = folder / 'cat' / '4.png'
    bad.write_bytes(bad.read_bytes()[:200] if damage is None else damage)
    dataset = image_files(folder)
    with pytest.raises(UserError, match=r"cannot read the picture .*4\.png.*unreadable='skip'"):
        dataset[4]


def test_unreadable_pictures_can_be_skipped(folder, caplog):
    (folder / 'cat' / '4.png').write_bytes(b'')
    (folder / 'dog' / '0.png').write_bytes(b'not a picture')
    with caplog.at_level(logging.WARNING):
        dataset = image_files(folder, unreadable='skip')
    assert len(dataset) == 18
    names = [dataset.get_data_info(i)['img_path'] for i in range(18)]
    assert not any(name.endswith(('cat/4.png', 'dog/0.png')) for name in names)
    dataset[4]


def test_a_failing_transform_is_not_blamed_on_the_picture(folder):
    broken = [*PIPELINE[:1], dict(type='mmpretrain.CenterCrop', crop_size='wide')]
    with pytest.raises(Exception) as error:
        image_files(folder, pipeline=broken)[0]
    assert not isinstance(error.value, UserError)


@pytest.mark.parametrize(
    ('lines', 'message'),
    [
        ('cat/0.png 0\ncat/1.png\n', r"line 2: 'cat/1\.png' is not 'path label'"),
        ('cat/0.png zero\n', r'line 1'),
        ('', 'no pictures in'),
    ],
)
def test_bad_lists(folder, lines, message):
    (folder / 'list.txt').write_text(lines)
    with pytest.raises(UserError, match=message):
        image_files(folder, ann_file='list.txt')


def test_a_label_beyond_the_classes(folder):
    (folder / 'list.txt').write_text('cat/0.png 2\n')
    with pytest.raises(UserError, match='label 2, but there are only 2 classes'):
        image_files(folder, ann_file='list.txt', metainfo=dict(classes=('cat', 'dog')))


def test_missing_and_empty_folders(tmp_path):
    with pytest.raises(UserError, match=r'no picture folder .*nowhere'):
        image_files(tmp_path / 'nowhere')
    with pytest.raises(UserError, match='no sub-folders'):
        image_files(tmp_path)
    (tmp_path / 'cat').mkdir()
    with pytest.raises(UserError, match='no pictures in'):
        image_files(tmp_path)
    with pytest.raises(UserError, match='there is no list'):
        image_files(tmp_path, ann_file='list.txt')


def held_out(root, part, **settings):
    dataset = dict(type='ImageFiles', data_root=str(root), pipeline=PIPELINE, test_mode=True)
    return DATASETS.build(dict(type='HeldOut', dataset=dataset, part=part, **settings))


def paths(dataset):
    return {dataset.get_data_info(i)['img_path'] for i in range(len(dataset))}


def test_the_two_parts_are_disjoint_complete_and_stratified(folder):
    calibration, rest = (held_out(folder, part, size=0.3) for part in ('held_out', 'rest'))
    assert (len(calibration), len(rest)) == (6, 14)
    assert not paths(calibration) & paths(rest)
    assert paths(calibration) | paths(rest) == paths(image_files(folder))
    labels = [calibration.get_data_info(i)['gt_label'] for i in range(6)]
    assert sorted(labels) == [0, 0, 0, 1, 1, 1]
    assert calibration[0]['data_samples'].gt_label.item() == labels[0]


def test_the_choice_does_not_depend_on_where_the_folder_is(folder, tmp_path):
    def names(root):
        return {
            path.removeprefix(str(root)) for path in paths(held_out(root, 'held_out', size=0.3))
        }

    before = names(folder)
    moved = tmp_path / 'elsewhere'
    moved.mkdir()
    for name in ('cat', 'dog'):
        (folder / name).rename(moved / name)
    assert names(moved) == before


def test_size_as_a_number_and_another_seed(folder):
    assert len(held_out(folder, 'held_out', size=4)) == 4
    chosen = {frozenset(paths(held_out(folder, 'held_out', size=4, seed=s))) for s in range(5)}
    assert len(chosen) > 1


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(part='calibration', size=0.1), "choose 'held_out' or 'rest'"),
        (dict(part='rest', size=20), 'fewer than all 20'),
        (dict(part='rest', size=0), 'between 0 and 1'),
    ],
)
def test_impossible_cuts(folder, settings, message):
    with pytest.raises(UserError, match=message):
        held_out(folder, **settings)


def test_a_class_with_one_picture_cannot_be_cut(folder):
    for i in range(1, 10):
        (folder / 'cat' / f'{i}.png').unlink()
    with pytest.raises(UserError, match='class 0 has a single sample'):
        held_out(folder, 'held_out', size=0.3)


def test_embedded_digits_survive_pickling_without_their_pictures():
    dataset = DATASETS.build(
        dict(type='EmbeddedDigits', split='test', pipeline=[dict(type='mmpretrain.PackInputs')])
    )
    first = dataset[3]
    pickled = pickle.dumps(dataset)
    assert len(pickled) < 1_000_000
    again = pickle.loads(pickled)[3]
    assert (first['inputs'] == again['inputs']).all()
    assert first['data_samples'].gt_label == again['data_samples'].gt_label
    assert first['inputs'].shape == (3, 64, 64)
    assert dataset.metainfo['classes'] == tuple('0123456789')
