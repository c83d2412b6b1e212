"""Reading pictures: orders of channels, orientation, depth, and damage."""

import io

import numpy as np
import pytest
from PIL import Image

from dynp_plugins import UserError
from dynp_plugins.inference.image_reading import check_file_depth, read_rgb, why

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)


def test_a_path_an_array_and_an_image_give_the_same(tmp_path):
    path = str(tmp_path / 'a.png')
    Image.fromarray(PIXELS).save(path)
    for given in (path, PIXELS[..., ::-1], Image.fromarray(PIXELS)):
        assert np.array_equal(np.array(read_rgb(given)), PIXELS)


def test_pictures_are_turned_upright(tmp_path):
    path = str(tmp_path / 'turned.png')
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: turn by 90 degrees clockwise
    Image.fromarray(PIXELS).save(path, exif=exif)
    upright = np.rot90(PIXELS, -1)
    assert np.array_equal(np.array(read_rgb(path)), upright)
    assert np.array_equal(np.array(read_rgb(Image.open(path))), upright)


@pytest.mark.parametrize('mode', ['L', 'P', 'RGBA', 'LA', 'CMYK', '1'])
def test_all_modes_become_rgb(mode):
    image = read_rgb(Image.fromarray(PIXELS).convert(mode))
    assert image.mode == 'RGB'
    assert image.size == (7, 5)


def jpeg(tmp_path, share=1.0):
    buffer = io.BytesIO()
    Image.fromarray(PIXELS.repeat(20, 0).repeat(20, 1)).save(buffer, 'JPEG')
    path = tmp_path / 'a.jpg'
    path.write_bytes(buffer.getvalue()[: int(share * len(buffer.getvalue()))])
    return str(path)


@pytest.mark.parametrize('share', [0.6, 0.98])
def test_damage_is_found(tmp_path, share):
    assert read_rgb(jpeg(tmp_path)).size == (140, 100)
    with pytest.raises(OSError, match='truncated'):
        read_rgb(jpeg(tmp_path, share))


def test_deep_pictures_are_refused(tmp_path):
    path = str(tmp_path / 'deep.png')
    Image.fromarray(np.full((4, 4), 40_000, np.uint16)).save(path)
    for read in (read_rgb, check_file_depth):
        with pytest.raises(UserError, match='16-bit'):
            read(path)


def test_formats_unknown_to_pillow_are_left_to_the_loader(tmp_path):
    path = tmp_path / 'a.xyz'
    path.write_bytes(b'something else')
    check_file_depth(str(path))


def reason(action):
    with pytest.raises(Exception) as caught:
        action()
    return why(caught.value)


def test_reasons_are_one_line(tmp_path):
    text = tmp_path / 'a.jpg'
    text.write_text('no picture')
    assert reason(lambda: read_rgb(str(text))) == 'not a picture in a known format'
    assert reason(lambda: read_rgb(str(tmp_path / 'b.jpg'))) == 'does not exist'
    assert reason(lambda: read_rgb(str(tmp_path))) == 'Is a directory'
    assert why(RuntimeError('first\n  second')) == 'RuntimeError: first second'
