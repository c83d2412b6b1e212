"""Detections drawn into pictures."""

import numpy as np
import pytest
from PIL import Image

from dynp_plugins import UserError
from reports.answers.drawing import draw_detections, drawing_paths, save_drawing

GREY = (90, 90, 90)


def answer(*boxes, labels=None, names=None):
    labels = np.array(labels or [0] * len(boxes))
    return {
        'bboxes': np.array(boxes, np.float32).reshape(-1, 4),
        'labels': labels,
        'scores': np.linspace(0.9, 0.5, len(boxes)),
        'class_names': names,
    }


def drawn(size, *boxes, **words):
    """(height, width): where a grey picture of (width, height) was drawn on."""
    picture = draw_detections(Image.new('RGB', size, GREY), answer(*boxes, **words))
    return (np.array(picture) != GREY).any(-1)


def test_a_box_and_its_label():
    """A large picture stays as large as it is; the label stands on the box."""
    changed = drawn((900, 700), (300, 200, 500, 400))
    assert changed.shape == (700, 900)
    inside = changed[204:396, 304:496]
    assert not inside.any()  # the box is a frame
    for line in (changed[200, 300:500], changed[400, 300:500], changed[200:400, 300]):
        assert line.all()
    rows, columns = np.nonzero(changed)
    assert columns.min() == 300
    assert (rows.min() < 195, rows.max()) == (True, 400)
    assert changed[rows.min() : 200, 300:350].mean() == 1  # the label's background


def test_small_pictures_are_enlarged():
    changed = drawn((64, 48), (10, 10, 20, 20))
    assert changed.shape == (480, 640)
    assert changed[100:200, 100].all()
    assert changed[200, 100:200].all()


@pytest.mark.parametrize(
    'box', [(0, 0, 899, 699), (850, 0, 899, 30), (860, 650, 899, 699), (0, 300, 20, 330)], ids=str
)
def test_labels_stay_in_the_picture(box):
    """All of the text is there, also at the edges."""
    assert white_pixels((900, 700), box) == white_pixels((900, 700), (300, 300, 600, 600)) > 50


def test_labels_do_not_cover_each_other():
    """Two boxes in one place show as much text as two that are far from each other."""
    box = (100, 100, 400, 400)
    apart = white_pixels((900, 700), box, (500, 100, 800, 400))
    assert white_pixels((900, 700), box, box) == apart > white_pixels((900, 700), box)


def white_pixels(size, *boxes):
    """Of the texts, which are white on the first class's blue."""
    picture = draw_detections(Image.new('RGB', size, GREY), answer(*boxes))
    return int((np.array(picture) == 255).all(-1).sum())


def test_classes_have_their_colours_and_names_or_numbers():
    boxes = ((100, 100, 200, 200), (300, 100, 400, 200), (500, 100, 600, 200))
    picture = Image.new('RGB', (900, 700), GREY)
    pixels = np.array(draw_detections(picture, answer(*boxes, labels=[0, 1, 0])))
    colours = [tuple(pixels[150, left]) for left in (100, 300, 500)]
    assert colours[0] == colours[2] != colours[1]
    named = drawn((900, 700), boxes[0], names=('a very long name of a class',))
    numbered = drawn((900, 700), boxes[0])
    assert np.nonzero(named)[1].max() > np.nonzero(numbered)[1].max()


def test_nothing_found_nothing_drawn():
    assert not drawn((900, 700)).any()


def test_paths_of_drawings(tmp_path):
    """As below the folder that all pictures share; what is no JPEG or PNG becomes PNG."""
    pictures = [str(tmp_path / name) for name in ('a/1.JPG', 'a/b/1.png', 'a/c/1.webp')]
    out = tmp_path / 'out'
    assert drawing_paths(out, pictures) == [
        *(out / '1.JPG', out / 'b/1.png', out / 'c/1.webp.png'),
    ]
    assert drawing_paths(out, pictures[1:2]) == [out / '1.png']
    assert drawing_paths(out, pictures[1:2] * 2) == [out / '1.png'] * 2
    assert drawing_paths(out, []) == []


def test_drawings_that_would_replace_something(tmp_path):
    picture = str(tmp_path / 'a/1.png')
    with pytest.raises(UserError, match='would replace'):
        drawing_paths(tmp_path / 'a', [picture])
    (tmp_path / 'a').mkdir()
    (tmp_path / 'link').symlink_to(tmp_path / 'a')
    with pytest.raises(UserError, match='would replace'):
        drawing_paths(tmp_path / 'link', [picture])
    two = [str(tmp_path / 'a/1.bmp'), str(tmp_path / 'a/1.bmp.png')]
    with pytest.raises(UserError, match=r'1\.bmp\.png and .*1\.bmp would both be drawn'):
        drawing_paths(tmp_path / 'out', two)


@pytest.mark.parametrize('name', ['a.JPEG', 'b.jpg', 'c.png'])
def test_formats_of_files(tmp_path, name):
    save_drawing(Image.new('RGB', (8, 8), GREY), tmp_path / 'new/folder' / name)
    with Image.open(tmp_path / 'new/folder' / name) as image:
        assert image.format == ('PNG' if name.endswith('.png') else 'JPEG')
        assert image.getpixel((4, 4)) == GREY
    assert [path.name for path in (tmp_path / 'new/folder').iterdir()] == [name]
