"""Files that are no COCO detection files are refused by what they look like."""

import json

import pytest

from dynp_plugins.datasets.coco_format import class_names, read_classes, read_coco
from dynp_plugins.errors import UserError
from tests.datasets.made_coco import made_content

BOX = {'id': 1, 'image_id': 1, 'category_id': 1, 'bbox': [0, 0, 1, 1]}
OF_IMAGES = {'images': [{'id': 1}], 'categories': [{'id': 1, 'name': 'a'}]}
FORMATS = {
    'empty': ('', 'it is empty'),
    'binary': ('\x89PNG\0\0', 'it is binary'),
    'voc': ('<?xml version="1.0"?>\n<annotation></annotation>', 'looks like Pascal VOC'),
    'cvat': ('<annotations', 'looks like Pascal VOC'),
    'xml': ('<data/>', 'looks like XML'),
    'yolo': ('0 0.5 0.5 0.25 0.125\n1 0.1 0.1 0.2 0.2\n', 'looks like YOLO'),
    'lines': ('{"image": "a"}\n{"image": "b"}\n', 'looks like JSON lines'),
    'table': ('file,x,y,width,height\na.png,0,0,1,1\n', r'looks like a table \(CSV\)'),
    'cut': ('{"images": [{"id": 1},', 'breaks off or has a mistake'),
    'number': ('3', 'it is a single int'),
    'detections': (
        json.dumps([{**BOX, 'score': 0.5}]),
        'looks like detections, a list of boxes with scores',
    ),
    'boxes alone': (json.dumps([BOX]), 'looks like the annotations alone'),
    'list': ('[{"a": 1, "b": 2}]', r'a list of 1 entries \(the first has a, b\)'),
    'labelme': ('{"shapes": [], "imagePath": "a.png"}', 'looks like LabelMe'),
    'via': ('{"_via_img_metadata": {}}', 'VGG Image Annotator'),
    'openmmlab': ('{"metainfo": {}, "data_list": []}', "OpenMMLab's own format"),
    'geo': ('{"type": "FeatureCollection", "features": []}', 'GeoJSON'),
    'captions': (
        json.dumps({'images': [], 'annotations': [{'id': 1, 'image_id': 1, 'caption': 'a'}]}),
        'looks like COCO captions; annotations have no bbox',
    ),
    'keypoints': (
        json.dumps({**OF_IMAGES, 'annotations': [{'id': 1, 'keypoints': [0, 0, 1]}]}),
        'looks like COCO keypoints',
    ),
    'panoptic': (
        json.dumps({**OF_IMAGES, 'annotations': [{'segments_info': [], 'file_name': 'a'}]}),
        'looks like COCO panoptic',
    ),
    'masks': (
        json.dumps({**OF_IMAGES, 'annotations': [{'segmentation': []}]}),
        'looks like masks without boxes',
    ),
    'lacking': ('{"images": [], "objects": []}', r'lacks annotations, categories \(it has images'),
    'no list': (
        json.dumps({**OF_IMAGES, 'annotations': {}}),
        'annotations is no list but a dict',
    ),
}


@pytest.mark.parametrize(('text', 'message'), FORMATS.values(), ids=FORMATS)
def test_other_formats(tmp_path, text, message):
    path = tmp_path / 'labels'
    path.write_text(text)
    with pytest.raises(UserError, match=rf'labels is no .*{message}.*COCO detection files hold'):
        read_coco(path)


@pytest.mark.parametrize(
    ('names', 'message'),
    [
        (['a.xml'], 'is a folder of XML files, as of Pascal VOC'),
        (['a.txt'], 'is a folder of text files, as of YOLO'),
        (['a.json'], 'is a folder of JSON files: name one of them'),
        ([], r'is a folder\. COCO detection files hold'),
    ],
)
def test_folders(tmp_path, names, message):
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(UserError, match=message):
        read_coco(tmp_path)


def test_a_missing_file_is_named_with_its_neighbours(tmp_path):
    with pytest.raises(UserError, match=r'no annotation file .*train\.json in .*no \.json files'):
        read_coco(tmp_path / 'train.json')
    (tmp_path / 'instances_train.json').touch()
    with pytest.raises(UserError, match=r'train\.json in .*; it has instances_train\.json'):
        read_coco(tmp_path / 'train.json')
    with pytest.raises(UserError, match=r'and no folder .*set data_root'):
        read_coco(tmp_path / 'labels' / 'train.json')


def test_a_good_file_is_read_also_with_a_byte_order_mark(tmp_path):
    path = tmp_path / 'boxes.json'
    path.write_text(json.dumps(made_content()), encoding='utf-8-sig')
    assert read_coco(path) == made_content()
    assert class_names(read_coco(path)) == ('cat', 'dog')


def test_configs_can_be_read_without_their_data(tmp_path):
    path = tmp_path / 'boxes.json'
    assert read_classes(path, missing=('object',)) == ('object',)
    with pytest.raises(UserError, match='no annotation file'):
        read_classes(path)
    path.write_text(json.dumps(made_content()))
    assert read_classes(path, missing=('object',)) == ('cat', 'dog')
    path.write_text(json.dumps(made_content() | {'categories': []}))
    with pytest.raises(UserError, match=r'boxes\.json: categories is an empty list'):
        read_classes(path, missing=('object',))
