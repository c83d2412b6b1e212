"""The gallery of detectors: the right pictures with the right boxes, and names that fit."""

import dataclasses

import numpy as np
import pytest

from benchmarks.detection_records import DetectionGallery, DetectionPicture, PictureBox
from reports.page.detection.box_labels import (
    HEIGHT,
    LETTER,
    MOST,
    MOST_HIGH,
    PADDING,
    label_text,
    place_box_labels,
    shown_width,
)
from reports.page.detection.gallery import KINDS, detector_galleries, is_scene
from reports.page.detection.panel import detection_panels

from ...made_up_detectors import made_up_detection, made_up_detector, three_detectors

JPEG = 'data:image/jpeg;base64,/9j/4AAQ'
BOXES = [
    PictureBox([0.1, 0.2, 0.4, 0.6], 'cat', 'found', None),
    PictureBox([0.5, 0.1, 0.9, 0.4], 'dog', 'missed', None),
    PictureBox([0.5, 0.5, 1.0, 1.0], 'dog', 'crowd', None),
    PictureBox([0.11, 0.2, 0.4, 0.6], 'cat', 'right', 0.914),
    PictureBox([0.0, 0.5, 0.2, 0.9], 'dog', 'wrong', 0.5),
]


def picture(group='best', index=7, image=JPEG, width=100, height=50, boxes=BOXES, source='a/b.jpg'):
    return DetectionPicture(group, index, source, 50.0, image, width, height, boxes)


def shown(pictures, per_group=4):
    detector = made_up_detector(gallery=DetectionGallery([480, 320], 0.4, pictures))
    (panel,) = detection_panels(made_up_detection(detector))
    return detector_galleries(panel, per_group)


def test_truth_and_detections_are_apart_and_errors_lie_on_top():
    ((gallery,),) = [shown([picture()])]
    ((group,),) = [gallery.groups]
    (scene,) = group.scenes
    assert [box.kind for box in scene.truth.boxes] == ['crowd', 'found', 'missed']
    assert [box.kind for box in scene.detections.boxes] == ['right', 'wrong']
    missed, wrong = scene.truth.boxes[-1], scene.detections.boxes[-1]
    assert (missed.left, missed.top, missed.width, missed.height) == (50.0, 5.0, 40.0, 15.0)
    assert wrong.text == 'dog, detection, wrong, score 0.50'
    assert scene.finding == 'F1 50 %: 1 of 2 objects found, 1 wrong detection'
    assert scene.title == 'test image 7, a/b.jpg'
    assert scene.truth.alt.startswith('What is there: dog, object, missed; cat, object, found')
    assert scene.detections.alt == (
        'What was detected: dog, detection, wrong, score 0.50; cat, detection, right, score 0.91'
    )
    assert gallery.kinds == list(KINDS)


def test_best_and_worst_come_in_this_order_and_no_more_than_asked_for():
    pictures = [picture(group, i) for i, group in enumerate(['worst', 'best', 'best', 'worst'])]
    (gallery,) = shown(pictures, 1)
    assert [group.title for group in gallery.groups] == [
        'Where it does best',
        'Where it does worst',
    ]
    titles = [scene.title for group in gallery.groups for scene in group.scenes]
    assert titles == ['test image 1, a/b.jpg', 'test image 0, a/b.jpg']
    assert shown(pictures, 0) == [] and shown([]) == []


def test_numbers_of_pictures_are_unique_on_the_page():
    results = three_detectors()
    (panel,) = detection_panels(results, 2)
    galleries = detector_galleries(panel, 12)
    ids = [s.id for gallery in galleries for group in gallery.groups for s in group.scenes]
    assert len(ids) == len(set(ids)) == 24 and min(ids) == 2000
    assert [gallery.model for gallery in galleries] == [0, 1, 2]


@pytest.mark.parametrize(
    'changes, good',
    [
        ({}, True),
        ({'image': 'data:image/png;base64,iVBORw0KGgo='}, True),
        ({'image': 'data:image/svg+xml;base64,PHN2Zz4='}, False),
        ({'image': 'https://example.org/a.png'}, False),
        ({'image': f'{JPEG}" onload="alert(1)'}, False),
        ({'width': 0}, False),
        ({'group': 'middling'}, False),
    ],
)
def test_only_pictures_inside_the_page_are_shown(changes, good):
    assert is_scene(picture(**changes)) is good
    found = shown([picture(**changes)])
    assert len(found) == good


def test_a_picture_without_anything():
    ((gallery,),) = [shown([picture(boxes=[], source='')])]
    scene = gallery.groups[0].scenes[0]
    assert scene.finding == 'F1 50 %: no object there, nothing wrongly detected'
    assert scene.truth.alt == 'What is there: nothing' and scene.title == 'test image 7'


def test_slim_pictures_are_not_shown_too_high():
    ((gallery,),) = [shown([picture(width=30, height=100), picture(width=100, height=100)])]
    slim, square = gallery.groups[0].scenes
    assert slim.slim == pytest.approx(0.3 * MOST_HIGH) and square.slim is None


def test_many_boxes_are_counted_not_told():
    boxes = [PictureBox([0, 0, 1, 1], 'cell', 'right', 0.9)] * 30
    ((gallery,),) = [shown([picture(boxes=boxes)])]
    alt = gallery.groups[0].scenes[0].detections.alt
    assert alt.count('cell') == 12 and alt.endswith('; and 18 more')


def rectangle(label, aspect):
    """Where a name is on a picture as wide as it is shown."""
    width, whole = LETTER * len(label.text) + PADDING, shown_width(aspect)
    high = whole / aspect
    if label.left is not None:
        left = label.left / 100 * whole
    else:
        left = whole * (1 - label.right / 100) - width
    top = label.top / 100 * high - (HEIGHT if label.above else 0)
    return left, top, left + width, top + HEIGHT


@pytest.mark.parametrize('aspect', [0.4, 0.6, 1.0, 1.8])
@pytest.mark.parametrize('seed', range(4))
def test_names_stay_apart_and_inside(aspect, seed):
    random = np.random.default_rng(seed)
    corners = random.uniform(0, 0.8, (15, 2))
    sides = random.uniform(0.05, 0.2, (15, 2))
    boxes = [
        PictureBox([*corner, *(corner + side)], f'class {k}', 'right', 0.5)
        for k, (corner, side) in enumerate(zip(corners.tolist(), sides, strict=True))
    ]
    labels = place_box_labels(boxes, aspect)
    assert 4 <= len(labels) <= MOST
    spots = [rectangle(label, aspect) for label in labels]
    for i, (left, top, right, bottom) in enumerate(spots):
        assert left >= -0.5 and right <= shown_width(aspect) + 1.5
        assert top >= -0.5 and bottom <= shown_width(aspect) / aspect + 0.5
        for x0, y0, x1, y1 in spots[:i]:
            assert min(right, x1) - max(left, x0) < 0.5 or min(bottom, y1) - max(top, y0) < 0.5


def test_the_first_boxes_have_the_first_choice():
    same = [PictureBox([0.4, 0.4, 0.6, 0.6], f'{k}', 'right', 0.5) for k in range(9)]
    labels = place_box_labels(same, 1.0)
    assert [label.text for label in labels] == ['0 50', '1 50', '2 50', '3 50']
    assert labels[0].above and labels[0].left == 40.0 and labels[0].top == 40.0


def test_a_name_that_would_leave_the_picture_is_told_from_the_right():
    (label,) = place_box_labels([PictureBox([0.9, 0.5, 1.0, 0.9], 'platelets', 'wrong', 0.31)], 1.0)
    assert label.left is None and label.right == pytest.approx(0, abs=0.1)
    assert label.text == 'platelets 31'


def test_long_names_are_shortened():
    box = PictureBox([0, 0, 1, 1], 'x' * 60, 'found', None)
    assert len(label_text(box)) == 16
    assert len(label_text(dataclasses.replace(box, score=0.123))) == 19
