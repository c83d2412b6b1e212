"""Every way in which a COCO file can be wrong is named, with the entry and what is left."""

import json
import math

import numpy as np
import pytest
from PIL import Image

from dynp_plugins.datasets.coco_check import check_coco
from dynp_plugins.datasets.coco_problems import ERRORS, NOTES, Problem, told
from dynp_plugins.errors import UserError
from tests.datasets.made_coco import made_content, make_pictures


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('pictures')
    make_pictures(folder)
    Image.fromarray(np.zeros((30, 40), np.uint16)).save(folder / 'deep.png')
    (folder / 'text.png').write_text('no picture')
    (folder / 'cut.jpg').write_bytes((folder / 'b.jpg').read_bytes()[:-100])
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.new('RGB', (40, 30)).save(folder / 'turned.jpg', exif=exif)
    (folder / 'images').mkdir()
    Image.new('RGB', (40, 30)).save(folder / 'images' / 'deeper.png')
    return str(folder)


def check(folder, content, pictures='pixels'):
    return check_coco(json.loads(json.dumps(content)), folder, pictures)


def found(folder, content, pictures='pixels'):
    return [(p.kind, p.text) for p in check(folder, content, pictures).problems]


def test_nothing_is_wrong_with_a_good_file(folder):
    content = made_content()
    result = check(folder, content)
    assert result.problems == []
    assert result.images == content['images']
    assert result.annotations == content['annotations']


# Changes of annotation 2 of image 1, which is 40 x 30: kind, what the message says, what is left.
WHERE = 'annotation 2 (annotations[1]) of image 1 (a.png): '
BOXES = [
    ([20, 0, 20], 'malformed box', WHERE + 'bbox=[20, 0, 20]', None),
    (None, 'malformed box', WHERE + 'bbox=None', None),
    ([20, 0, '20', 30], 'malformed box', WHERE + "bbox=[20, 0, '20', 30]", None),
    ([20, 0, math.nan, 30], 'malformed box', WHERE + 'bbox=[20, 0, nan, 30]', None),
    ([20, 0, math.inf, 30], 'malformed box', WHERE + 'bbox=[20, 0, inf, 30]', None),
    ([20, 0, True, 30], 'malformed box', WHERE + 'bbox=[20, 0, True, 30]', None),
    ([20, 0, 0, 30], 'empty box', WHERE + 'bbox=[20, 0, 0, 30]', None),
    ([20, 20, 5, -3], 'empty box', WHERE + 'bbox=[20, 20, 5, -3]', None),
    ([40, 0, 5, 5], 'box outside', WHERE + 'bbox=[40, 0, 5, 5], the 40 x 30 pixels', None),
    ([-9, 2, 9, 5], 'box outside', WHERE + 'bbox=[-9, 2, 9, 5], the 40 x 30 pixels', None),
    (
        [-3, 2, 9, 5],
        'box over the edge',
        WHERE + 'bbox=[-3, 2, 9, 5] reaches 3 pixels over the edge of the 40 x 30 pixels',
        [0, 2, 6, 5],
    ),
    (
        [30, 20, 12.5, 10],
        'box over the edge',
        WHERE + 'bbox=[30, 20, 12.5, 10] reaches 2.5 pixels over the edge of the 40 x 30 pixels',
        [30, 20, 10, 10],
    ),
    (
        [20, 10, 38, 28],
        'box over the edge',
        WHERE + 'bbox=[20, 10, 38, 28] reaches 18 pixels over the edge of the 40 x 30 pixels; is '
        'it written as corners, [x1, y1, x2, y2]?',
        [20, 10, 20, 20],
    ),
    ([5, 5, 0.5, 9], 'box below a pixel', WHERE + 'bbox=[5, 5, 0.5, 9]', [5, 5, 0.5, 9]),
]


@pytest.mark.parametrize(('box', 'kind', 'text', 'left'), BOXES, ids=[str(b[0]) for b in BOXES])
def test_boxes(folder, box, kind, text, left):
    content = made_content()
    content['annotations'][1]['bbox'] = box
    result = check(folder, content)
    assert [(p.kind, p.text) for p in result.problems] == [(kind, text)]
    others = [entry for entry in content['annotations'] if entry['id'] != 2]
    if left is None:
        assert result.annotations == others
    else:
        assert result.annotations[1]['bbox'] == left
        assert [entry['id'] for entry in result.annotations] == [1, 2, 3, 4]


@pytest.mark.parametrize('box', [[-1, 0, 20, 30], [20, 0, 21, 31], [0, 0, 40, 30]])
def test_a_pixel_over_the_edge_is_rounding(folder, box):
    content = made_content()
    content['annotations'][1]['bbox'] = box
    assert found(folder, content) == []
    assert check(folder, content).annotations[1]['bbox'] == box


def test_boxes_in_shares_of_the_image(folder):
    content = made_content()
    for entry in content['annotations']:
        entry['bbox'] = [0.1, 0.2, 0.5, 0.5]
    result = check(folder, content)
    kinds = [p.kind for p in result.problems]
    assert kinds == ['relative boxes'] + 3 * ['image without boxes']
    assert result.problems[0].text == (
        'all 4 boxes lie within 1 x 1 pixel: [0.1, 0.2, 0.5, 0.5], ...'
    )
    assert result.annotations == []


@pytest.mark.parametrize(
    ('change', 'kind', 'text', 'ids'),
    [
        (
            {'image_id': 9},
            'unknown image',
            'annotation 2 (annotations[1]): no image has the id 9',
            [1, 3, 4],
        ),
        ({'category_id': 3}, 'unknown category', WHERE + 'no category has the id 3', [1, 3, 4]),
        ({'category_id': '7'}, 'unknown category', WHERE + "no category has the id '7'", [1, 3, 4]),
        (
            {'id': 1},
            'repeated annotation id',
            'annotation 1 (annotations[1]) of image 1 (a.png): not the first with this id',
            [1, 2, 3, 4],
        ),
        (
            {'id': 0},
            'annotation id 0',
            'annotation 0 (annotations[1]) of image 1 (a.png)',
            [1, 0, 3, 4],
        ),
        (
            {'bbox': [2, 3, 10, 12], 'category_id': 7},
            'repeated box',
            WHERE + 'bbox=[2, 3, 10, 12]',
            [1, 2, 3, 4],
        ),
        ({'area': None}, 'no area', WHERE + 'area=None', [1, 2, 3, 4]),
        ({'area': -1}, 'no area', WHERE + 'area=-1', [1, 2, 3, 4]),
    ],
)
def test_annotations(folder, change, kind, text, ids):
    content = made_content()
    content['annotations'][1].update(change)
    result = check(folder, content)
    assert [(p.kind, p.text) for p in result.problems] == [(kind, text)]
    assert [entry['id'] for entry in result.annotations] == ids


@pytest.mark.parametrize('key', ['id', 'image_id', 'category_id', 'bbox'])
def test_annotations_that_lack_something(folder, key):
    content = made_content()
    del content['annotations'][1][key]
    ((kind, text),) = found(folder, content)
    assert kind == 'malformed annotation'
    assert text.startswith(f'annotations[1] has no {key}: {{')
    content['annotations'][1] = 'box'
    assert found(folder, content) == [
        ('malformed annotation', "annotations[1] is no object: 'box'")
    ]


def test_areas_that_lack_are_those_of_the_boxes(folder):
    content = made_content()
    for entry in content['annotations']:
        del entry['area']
    result = check(folder, content)
    assert result.problems[0] == Problem(
        'no area', WHERE[:-2].replace('2 (annotations[1])', '1 (annotations[0])')
    )
    assert [entry['area'] for entry in result.annotations] == [120, 600, 64, 1024]


@pytest.mark.parametrize(
    ('change', 'kind', 'text'),
    [
        ({'file_name': 'z.png'}, 'missing picture', 'image 1 (z.png) is not in {}'),
        (
            {'file_name': 'train/c.png'},
            'missing picture',
            'image 1 (train/c.png) is not in {}, but c.png is',
        ),
        (
            {'file_name': 'images\\deeper.png'},
            'missing picture',
            'image 1 (images\\deeper.png) is not in {}, but images/deeper.png is',
        ),
        ({'file_name': 'c.jpg'}, 'missing picture', 'image 1 (c.jpg) is not in {}, but c.png is'),
        (
            {'file_name': 'text.png'},
            'unreadable picture',
            'image 1 (text.png): not a picture in a known format',
        ),
        (
            {'file_name': 'deep.png'},
            'unreadable picture',
            'image 1 (deep.png): 16-bit or deeper (Pillow mode I;16); convert to 8 bit',
        ),
        (
            {'file_name': 'cut.jpg'},
            'unreadable picture',
            'image 1 (cut.jpg): OSError: image file is truncated',
        ),
        (
            {'width': 30, 'height': 40},
            'other size',
            'image 1 (a.png) is 40 x 30, not 30 x 40 as the json says',
        ),
        (
            {'file_name': 'turned.jpg'},
            'other size',
            'image 1 (turned.jpg) is 30 x 40, turned upright as its EXIF entry says, not 40 x 30 '
            'as the json says',
        ),
        (
            {'file_name': './b.jpg', 'width': 24, 'height': 36},
            'repeated picture',
            'image 2 (b.jpg) is also image 1',
        ),
        (
            {'id': 2},
            'repeated image id',
            'image 2 (b.jpg) (images[1]) is not the first with this id',
        ),
        ({'width': 0}, 'malformed image', 'images[0] has width=0: {{'),
        ({'height': 30.5}, 'malformed image', 'images[0] has height=30.5: {{'),
        ({'file_name': ''}, 'malformed image', 'images[0] has no file_name: {{'),
        ({'id': None}, 'malformed image', 'images[0] has no id: {{'),
    ],
)
def test_images(folder, change, kind, text):
    content = made_content()
    content['images'][0].update(change)
    result = check(folder, content)
    errors = [
        p
        for p in result.errors
        if p.kind not in ('unknown image', 'box over the edge', 'box outside')
    ]
    assert [p.kind for p in errors] == [kind]
    assert errors[0].text.startswith(text.format(folder))
    assert len(result.images) == 2
    kept = {image['id'] for image in result.images}
    assert {entry['image_id'] for entry in result.annotations} <= kept


def test_a_picture_that_lies_as_its_exif_entry_says_is_good(folder):
    content = made_content()
    content['images'][0].update(file_name='turned.jpg', width=30, height=40)
    del content['annotations'][1]
    assert found(folder, content) == []


def test_boxes_of_bad_images_are_not_told_again(folder):
    content = made_content()
    content['images'][0]['file_name'] = 'z.png'
    result = check(folder, content)
    assert [p.kind for p in result.problems] == ['missing picture']
    assert [entry['id'] for entry in result.annotations] == [3, 4]


def test_how_closely_pictures_are_looked_at(folder):
    content = made_content()
    content['images'][0]['width'] = 41
    content['images'][1]['file_name'] = 'cut.jpg'
    kinds = {
        pictures: [kind for kind, _ in found(folder, content, pictures)]
        for pictures in ('names', 'headers', 'pixels')
    }
    assert kinds == {
        'names': [],
        'headers': ['other size'],
        'pixels': ['other size', 'unreadable picture'],
    }


def test_images_without_boxes_are_no_errors(folder):
    content = made_content()
    del content['annotations'][3]
    result = check(folder, content)
    assert [(p.kind, p.text) for p in result.problems] == [
        ('image without boxes', 'image 3 (c.png)')
    ]
    assert result.errors == []
    assert len(result.images) == 3


@pytest.mark.parametrize(
    ('key', 'value', 'message'),
    [
        ('images', [], 'images is an empty list'),
        ('categories', [], 'categories is an empty list'),
        ('categories', [{'id': 1}], r"the category \{'id': 1\} has no name"),
        ('categories', [{'name': 'cat'}], r"the category \{'name': 'cat'\} has no id"),
        (
            'categories',
            [{'id': 1, 'name': 'cat'}, {'id': 1, 'name': 'dog'}],
            'two categories have the id 1; make them differ',
        ),
        (
            'categories',
            [{'id': 1, 'name': 'cat'}, {'id': 2, 'name': 'cat'}],
            "two categories have the name 'cat'; make them differ",
        ),
    ],
)
def test_what_nothing_can_be_made_of(folder, key, value, message):
    with pytest.raises(UserError, match=message):
        check(folder, made_content() | {key: value})


def test_problems_are_told_by_kind_errors_first():
    problems = [
        Problem('image without boxes', 'image 1'),
        *(Problem('empty box', f'annotation {i}') for i in range(3)),
    ]
    assert list(told(problems, 2)) == [
        f'error: empty box, 3: {ERRORS["empty box"]}',
        '    annotation 0',
        '    annotation 1',
        '    ... and 1 more',
        f'note: image without boxes, 1: {NOTES["image without boxes"]}',
        '    image 1',
    ]
