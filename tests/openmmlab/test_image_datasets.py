"""Pictures from folders and lists, the held-out split, and the embedded digits."""

import copy
import logging
import pickle
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import DATASETS, TRANSFORMS
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


@pytest.fixture
def warnings():
    """What mmengine's logger warns of; it hands nothing on to the loggers pytest watches."""
    messages = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: messages.append(record.getMessage())
    logger = MMLogger.get_current_instance()
    logger.addHandler(handler)
    yield messages
    logger.removeHandler(handler)


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


def test_unreadable_pictures_can_be_skipped(folder, warnings):
    (folder / 'cat' / '4.png').write_bytes(b'')
    (folder / 'dog' / '0.png').write_bytes(b'not a picture')
    dataset = image_files(folder, unreadable='skip')
    assert all(name in warnings[-1] for name in ('cat/4.png', 'dog/0.png'))
    assert len(dataset) == 18
    names = [dataset.get_data_info(i)['img_path'] for i in range(18)]
    assert not any(name.endswith(('cat/4.png', 'dog/0.png')) for name in names)
    dataset[4]


@TRANSFORMS.register_module()
class FailsWhenCalled:
    """A transform with a mistake of its own."""

    def __call__(self, results):
        raise ZeroDivisionError(f'no luck with {results["img"].shape}')


def test_a_failing_transform_is_not_blamed_on_the_picture(folder):
    dataset = image_files(folder, pipeline=[*PIPELINE[:1], dict(type='FailsWhenCalled')])
    with pytest.raises(ZeroDivisionError, match=r'no luck with \(16, 16, 3\)'):
        dataset[0]


def test_a_listed_picture_that_does_not_exist(folder, warnings):
    (folder / 'list.txt').write_text('cat/0.png 0\ncat/none.png 0\n')
    dataset = image_files(folder, ann_file='list.txt')
    with pytest.raises(UserError, match=r'none\.png does not exist; the list .*list\.txt names it'):
        dataset[1]
    assert len(image_files(folder, ann_file='list.txt', unreadable='skip')) == 1
    assert 'none.png (does not exist)' in warnings[-1]


@pytest.mark.parametrize('dtype', [np.uint16, np.int32, np.float32])
def test_pictures_deeper_than_8_bit_are_unreadable(folder, warnings, dtype):
    (folder / 'cat' / '4.png').unlink()
    Image.fromarray(np.full((16, 16), 3000, dtype)).save(folder / 'cat' / '4.tif')
    with pytest.raises(UserError, match=r'cannot read .*4\.tif: .*16-bit.*convert to 8 bit'):
        image_files(folder)[4]
    assert len(image_files(folder, unreadable='skip')) == 19
    assert 'convert to 8 bit' in warnings[-1]


def test_hidden_folders_are_neither_classes_nor_searched(folder):
    for hidden in (folder / '.ipynb_checkpoints', folder / 'cat' / '.ipynb_checkpoints'):
        hidden.mkdir()
        (hidden / '0.png').write_bytes((folder / 'cat' / '0.png').read_bytes())
    dataset = image_files(folder)
    assert dataset.metainfo['classes'] == ('cat', 'dog')
    assert len(dataset) == 20
    assert dataset.get_data_info(0)['gt_label'] == 0


def test_folders_that_do_not_fit_the_given_classes(folder):
    with pytest.raises(UserError, match=r'2 class folders \(cat, dog\), .* 3 classes'):
        image_files(folder, metainfo=dict(classes=('cat', 'cow', 'dog')))


def test_files_that_are_not_read_are_counted(folder, warnings):
    for name in ('a.webp', 'b.webp', 'notes.txt'):
        (folder / 'dog' / name).write_bytes(b'')
    assert len(image_files(folder)) == 20
    assert len(warnings) == 1
    assert 'left out 3 files' in warnings[0]
    assert '(2 .webp, 1 .txt)' in warnings[0]


@pytest.mark.parametrize(
    'content',
    [
        b'\xef\xbb\xbfdog/3.png 1\ncat/0.png 0\n',
        b'\ndog/3.png 1\r\n  \r\ncat/0.png 0\n\n',
    ],
    ids=['byte order mark', 'blank lines'],
)
def test_lists_as_editors_write_them(folder, content):
    (folder / 'list.txt').write_bytes(content)
    dataset = image_files(folder, ann_file='list.txt')
    assert [dataset[i]['data_samples'].gt_label.item() for i in range(len(dataset))] == [1, 0]


def test_a_list_of_paths_alone(folder):
    (folder / 'list.txt').write_text('\ncat/0.png\n')
    dataset = image_files(folder, ann_file='list.txt', with_label=False)
    assert paths(dataset) == {str(folder / 'cat' / '0.png')}


def test_a_list_in_another_encoding(folder):
    (folder / 'list.txt').write_bytes('cat/Käse.png 0\n'.encode('latin-1'))
    with pytest.raises(UserError, match=r'list\.txt is not UTF-8'):
        image_files(folder, ann_file='list.txt')


def test_any_folder_name_reaches_the_shipped_config(monkeypatch, tmp_path):
    name = "o'brien\\data"
    monkeypatch.setenv('DATA_ROOT', name)
    config = Config.fromfile(
        Path(__file__).parents[2]
        / 'configs/classification/dyn_perceiver/dyn-perceiver_regnety-tiny_image-files.py'
    )
    assert 'os' not in config
    config.dump(tmp_path / 'dumped.py')
    for version in (
        config,
        copy.deepcopy(config),
        pickle.loads(pickle.dumps(config)),
        Config.fromstring(config.pretty_text, '.py'),
        Config.fromfile(tmp_path / 'dumped.py'),
    ):
        for loader in ('train_dataloader', 'calibration_dataloader', 'val_dataloader'):
            assert version[loader].dataset.dataset.data_root == name
        assert version.test_dataloader.dataset.data_root == name


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
