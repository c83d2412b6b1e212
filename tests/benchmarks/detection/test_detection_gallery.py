"""Pictures of a detector's best and worst images, and the score from which boxes are shown."""

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from benchmarks.detection import gallery
from benchmarks.detection.coco_metrics import evaluate
from benchmarks.detection.gallery import image_f1, make_detection_gallery, score_threshold
from benchmarks.provenance import picture_digest
from dynp_plugins import UserError
from tests.benchmarks.detection.tables import made_up_image, random_images, table_of

BOX, ELSEWHERE = (0, 0, 0, 50, 50), (0, 100, 100, 150, 150)


def found(score, box=BOX):
    return (score, *box)


@pytest.mark.parametrize('ties', [False, True])
def test_the_threshold_has_the_best_f1_of_all(ties):
    table = table_of(random_images(20, ties=ties))
    seen = evaluate(table)
    right, ignored = seen.matches.right[0], seen.matches.ignored[0]

    def f1(threshold):
        shown = (table.scores >= threshold) & ~ignored
        return 2 * (right & shown).sum() / (shown.sum() + (~table.crowd).sum())

    by_hand = {float(score): f1(score) for score in table.scores}
    best = score_threshold(table, seen)
    assert by_hand[best] == max(by_hand.values())
    assert 0.2 < best < 0.9


def test_a_detector_that_finds_nothing():
    table = table_of([made_up_image([BOX])])
    assert score_threshold(table, evaluate(table)) == 0


def test_f1_of_images():
    crowd = made_up_image([BOX, ELSEWHERE], [found(0.9), found(0.9, ELSEWHERE)], crowd=[0, 1])
    images = [
        crowd,
        made_up_image([BOX, ELSEWHERE], [found(0.9), found(0.2, ELSEWHERE)], number=1),
        made_up_image([BOX], [found(0.9, ELSEWHERE)], number=2),
        made_up_image(found=[found(0.9)], number=3),
        made_up_image(found=[found(0.3)], number=4),
    ]
    table = table_of(images)
    f1 = image_f1(table, evaluate(table), 0.5)
    np.testing.assert_allclose(f1, [1, 2 / 3, 0, 0, np.nan])


@pytest.fixture
def saved(tmp_path):
    """A table of images that are really there, 400x300 pixels, its first of objects that count."""

    def saved(images):
        made = []
        for i, image in enumerate(images):
            pixels = np.random.default_rng(i).integers(256, size=(30, 40, 3), dtype=np.uint8)
            pixels = pixels.repeat(10, 0).repeat(10, 1)
            path = tmp_path / f'{i}.png'
            Image.fromarray(pixels).save(path)
            made.append(
                replace(image, source=str(path), picture=picture_digest(pixels), size=(400, 300))
            )
        return table_of(made)

    return saved


def of_table(table):
    seen = evaluate(table)
    return make_detection_gallery(table, seen, table, seen)


def test_best_and_worst(saved, monkeypatch):
    monkeypatch.setattr(gallery, 'PER_GROUP', 2)
    images = [
        made_up_image([BOX], [found(0.9)]),
        made_up_image([BOX, ELSEWHERE], [found(0.9), found(0.8, ELSEWHERE)]),
        made_up_image([BOX, ELSEWHERE], [found(0.9)]),
        made_up_image([BOX]),
        made_up_image([BOX, ELSEWHERE]),
        made_up_image(),
    ]
    pictures = of_table(saved(images)).pictures
    assert [(p.group, p.index) for p in pictures] == [
        ('best', 1),
        ('best', 0),
        ('worst', 4),
        ('worst', 3),
    ]
    assert [p.f1_percent for p in pictures] == [100, 100, 0, 0]


def test_no_image_is_best_and_worst(saved):
    images = [made_up_image([BOX], [found(0.9)]) for _ in range(3)]
    pictures = of_table(saved(images)).pictures
    assert [(p.group, p.index) for p in pictures] == [('best', 0), ('best', 1), ('worst', 2)]


def test_a_picture_and_its_boxes(saved):
    image = made_up_image(
        [BOX, ELSEWHERE, (1, 200, 30, 400, 300), (2, 300, 0, 400, 50)],
        [
            found(0.75),
            found(0.5, (1, 0, 200, 50, 290)),
            found(0.4, (2, 300, 0, 400, 50)),  # on what does not count
            found(0.6, ELSEWHERE),
            found(0.3, (0, 250, 250, 280, 280)),  # below the threshold
        ],
        crowd=[0, 0, 0, 1],
    )
    made = of_table(saved([image]))
    assert made.scale == [640, 480]
    assert made.score_threshold == pytest.approx(0.6)
    (picture,) = made.pictures
    assert (picture.width, picture.height) == (320, 240)
    jpeg = Image.open(io.BytesIO(base64.b64decode(picture.image.partition(',')[2])))
    assert (jpeg.format, jpeg.size) == ('JPEG', (320, 240))
    boxes = [(b.kind, b.label, b.score and round(b.score, 3)) for b in picture.boxes]
    assert boxes == [
        ('found', 'red', None),
        ('found', 'red', None),
        ('missed', 'white', None),
        ('crowd', 'platelet', None),
        ('right', 'red', 0.75),
        ('right', 'red', 0.6),
    ]
    assert picture.boxes[2].box == [0.5, 0.1, 1, 1]
    assert picture.f1_percent == pytest.approx(100 * 4 / 5)


def test_nothing_to_show(saved):
    assert of_table(saved([made_up_image(), made_up_image()])) is None


def test_files_that_have_changed_since(saved):
    table = saved([made_up_image([BOX], [found(0.9)])])
    Image.new('RGB', (400, 300)).save(table.source[0])
    with pytest.raises(UserError, match=r'0\.png is not the image.*leave out --reuse-tables'):
        of_table(table)
