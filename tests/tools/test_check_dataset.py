"""tools/check_dataset.py names what is wrong with COCO folders, and its exit status says so."""

import json

import pytest

from tests.datasets.made_coco import made_content, make_coco
from tests.tools.command_lines import answered, refused

CONFIG = """
default_scope = 'mmdet'
custom_imports = dict(imports=['dynp_plugins.openmmlab'])
source = dict(type={kind!r}, data_root={root!r}, pipeline=[], {settings})
train = dict(**source, ann_file='train/boxes.json', data_prefix=dict(img='train/images'))
test = dict(**source, ann_file='test/boxes.json', data_prefix=dict(img={test_images!r}))
train_dataloader = dict(dataset=dict(type='HeldOut', part='rest', size=0.4, dataset=train))
calibration_dataloader = dict(
    dataset=dict(type='HeldOut', part='held_out', size=0.4, dataset=dict(**train, test_mode=True)))
val_dataloader = calibration_dataloader
test_dataloader = dict(dataset=dict(**test, test_mode=True))
"""
SUMMARY = """\
3 images of 24 x 36 to 40 x 30 pixels, 0 without boxes
4 boxes: 4 small, 0 medium, 0 large
    class  boxes  images
    cat        2       2
    dog        2       2
0 errors
"""


def write_config(tmp_path, kind='CocoFiles', settings='', test_images='test/images'):
    path = tmp_path / 'config.py'
    path.write_text(
        CONFIG.format(kind=kind, root=str(tmp_path), settings=settings, test_images=test_images)
    )
    return path


def test_a_good_folder(run, tmp_path):
    path = make_coco(tmp_path)
    assert answered(run('check_dataset', path, tmp_path / 'images')) == SUMMARY


def test_everything_that_is_wrong_is_told_up_to_a_limit(run, tmp_path):
    content = made_content()
    content['images'][0]['file_name'] = 'z.png'
    for number in range(10, 15):
        content['annotations'].append(
            {'id': number, 'image_id': 3, 'category_id': 4, 'bbox': [0, 0, 0, number], 'area': 1}
        )
    content['annotations'][2]['image_id'] = 3
    path = make_coco(tmp_path, content)
    text = answered(run('check_dataset', path, tmp_path / 'images', '--limit', '2'), status=1)
    lines = text.splitlines()
    assert lines[0].startswith('error: missing picture, 1: ')
    assert lines[1] == f'    image 1 (z.png) is not in {tmp_path}/images'
    assert lines[2].startswith('error: empty box, 5: ')
    assert lines[3].endswith('image 3 (c.png): bbox=[0, 0, 0, 10]')
    assert lines[5] == '    ... and 3 more'
    assert lines[6].startswith('note: image without boxes, 1: ')
    assert '2 images of 24 x 36 to 32 x 32 pixels, 1 without boxes, what is wrong left out' in lines
    assert lines[-1] == '6 errors'


def test_notes_are_no_errors(run, tmp_path):
    content = made_content()
    content['annotations'][0]['id'] = 0
    text = answered(run('check_dataset', make_coco(tmp_path, content), tmp_path / 'images'))
    assert text.startswith('note: annotation id 0, 1: ')


def test_another_format_is_an_error(run, tmp_path):
    path = make_coco(tmp_path)
    path.write_text('<annotation/>')
    text = answered(run('check_dataset', path, tmp_path / 'images'), status=1)
    assert text.startswith(f'error: {path} is no JSON file: it looks like Pascal VOC')
    text = answered(run('check_dataset', path, tmp_path / 'pictures'), status=1)
    assert text.startswith(f'error: there is no picture folder {tmp_path}/pictures')


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['boxes.json'], 'boxes.json: name the folder of its pictures, too'),
        (['config.py', 'images'], 'images: a config names its pictures itself'),
        (['config.py'], 'no config file config.py'),
        (['boxes.json', 'images', '--limit', '-1'], '--limit -1: give 0 or more'),
    ],
)
def test_what_is_asked_wrongly(run, arguments, message):
    refused(run('check_dataset', *arguments), message)


def test_all_splits_of_a_config(run, tmp_path):
    make_coco(tmp_path / 'train')
    content = made_content()
    make_coco(tmp_path / 'test', content)
    text = answered(run('check_dataset', write_config(tmp_path)))
    head = f'train, calibration, val: {tmp_path}/train/boxes.json, pictures in {tmp_path}/train/im'
    assert text.startswith(head)
    assert f'\ntest: {tmp_path}/test/boxes.json, pictures in {tmp_path}/test/images\n' in text
    lengths = 'train: 2 images\ncalibration: 1 images\nval: 1 images\ntest: 3 images\n0 errors\n'
    assert text.endswith(lengths)


def test_splits_that_do_not_go_together(run, tmp_path):
    make_coco(tmp_path / 'train')
    make_coco(
        tmp_path / 'test', made_content() | {'categories': made_content()['categories'][::-1]}
    )
    config = write_config(tmp_path, test_images='train/images')
    text = answered(run('check_dataset', config), status=1)
    assert (
        f'3 pictures are in {tmp_path}/train/boxes.json and in {tmp_path}/test/boxes.json' in text
    )
    assert 'boxes.json numbers the classes cat, dog, ' in text
    assert text.endswith('2 errors\n')
    agreed = write_config(tmp_path, settings="metainfo=dict(classes=('cat', 'dog'))")
    answered(run('check_dataset', agreed))


def test_classes_of_another_data_set(run, tmp_path):
    for split in ('train', 'test'):
        make_coco(
            tmp_path / split,
            made_content() | {'categories': [{'id': 7, 'name': 'cell'}, {'id': 4, 'name': 'clot'}]},
        )
    # mmdet's own class has COCO's 80 classes, and would leave all boxes out without a word.
    text = answered(run('check_dataset', write_config(tmp_path, kind='CocoDataset')), status=1)
    assert 'has the classes cell, clot, but the dataset is given person, bicycle, ' in text


def test_boxes_of_a_class_that_training_lacks(run, tmp_path):
    make_coco(tmp_path / 'train')
    content = made_content()
    content['categories'].append({'id': 9, 'name': 'emu'})
    content['annotations'][0]['category_id'] = content['annotations'][1]['category_id'] = 9
    make_coco(tmp_path / 'test', content)
    config = write_config(tmp_path, settings="metainfo=dict(classes=('cat', 'dog'))")
    text = answered(run('check_dataset', config), status=1)
    left_out = f'error: 2 boxes of class emu in {tmp_path}/test/boxes.json are left out'
    assert left_out in text and text.endswith('\n1 error\n')
    make_coco(tmp_path / 'train', made_content() | {'categories': content['categories']})
    answered(run('check_dataset', config))  # left out of both, as the config wants it


def test_training_data_without_a_box(run, tmp_path):
    make_coco(tmp_path / 'train', made_content() | {'annotations': []})
    make_coco(tmp_path / 'test')
    text = answered(run('check_dataset', write_config(tmp_path)), status=1)
    assert f'error: {tmp_path}/train/boxes.json has no box of any class' in text
    config = write_config(tmp_path, settings="metainfo=dict(classes=('dog',))")
    content = made_content()
    content['annotations'] = content['annotations'][::2]  # cats alone
    make_coco(tmp_path / 'train', content)
    assert 'train/boxes.json has no box of any class' in answered(
        run('check_dataset', config), status=1
    )


def test_a_file_that_cannot_be_read_is_one_error(run, tmp_path):
    make_coco(tmp_path / 'test')
    text = answered(
        run(
            'check_dataset',
            write_config(tmp_path, settings="metainfo=dict(classes=('cat', 'dog'))"),
        ),
        status=1,
    )
    assert text.count('error: ') == 1 and text.endswith('\n1 error\n')


def test_what_only_shows_when_the_datasets_are_made(run, tmp_path):
    for split in ('train', 'test'):
        make_coco(tmp_path / split)
    config = write_config(tmp_path)
    config.write_text(config.read_text().replace('size=0.4', "size=0.4, group='slide'"))
    text = answered(run('check_dataset', config), status=1)
    assert "error: group='slide' is not found in the path a.png\n1 error\n" in text


def test_a_config_without_data_is_refused(run, tmp_path):
    path = tmp_path / 'config.py'
    path.write_text(json.dumps({}).replace('{}', 'model = dict()'))
    refused(run('check_dataset', path), 'has no data loaders')
