"""Another scale in a detector's test pipeline."""

import pytest

from dynp_plugins import UserError
from dynp_plugins.inference.input_scale import at_scale, check_scale, parse_scale, scale_of

LOAD = dict(type='LoadImageFromFile')
PACK = dict(type='PackDetInputs')


def pipeline(*steps):
    return [LOAD, *steps, PACK]


def test_a_scale_takes_the_place_of_another():
    steps = pipeline(
        dict(type='mmdet.Resize', scale=(1333, 800), keep_ratio=True, backend='pillow')
    )
    assert at_scale(steps, [640, 400]) == pipeline(
        dict(type='mmdet.Resize', scale=(640, 400), keep_ratio=True, backend='pillow')
    )
    assert steps[1]['scale'] == (1333, 800)
    assert scale_of(steps) == (1333, 800)
    assert scale_of(at_scale(steps, (640, 400))) == (640, 400)


def test_a_scale_takes_the_place_of_a_factor():
    steps = pipeline(dict(type='Resize', scale_factor=1.0))
    assert scale_of(steps) is None
    assert at_scale(steps, (640, 400))[1] == dict(type='Resize', scale=(640, 400), keep_ratio=True)


def test_padding_to_one_size_goes_with_it():
    """As in RTMDet, whose pictures are padded to a square; padding to a multiple stays."""
    resize = dict(type='Resize', scale=(640, 640), keep_ratio=True)
    pad, other = dict(type='Pad', size=(640, 640), pad_val=114), dict(type='Pad', size_divisor=32)
    found = at_scale(pipeline(resize, pad, other), (320, 256))
    assert found[1]['scale'] == (320, 256)
    assert found[2] == dict(type='Pad', size=(320, 320), pad_val=114)
    assert found[3] == other


def test_a_pipeline_that_does_not_keep_the_ratio_takes_squares():
    """As in SSD: its objects were stretched in training, too."""
    steps = pipeline(dict(type='Resize', scale=(320, 320), keep_ratio=False))
    assert at_scale(steps, (256, 256))[1] == dict(type='Resize', scale=(256, 256), keep_ratio=False)
    with pytest.raises(UserError, match='aspect ratio'):
        at_scale(steps, (320, 256))


@pytest.mark.parametrize('number', [0, 2])
def test_no_place_for_a_scale(number):
    steps = pipeline(*[dict(type='Resize', scale=(9, 9), keep_ratio=True)] * number)
    assert scale_of(steps) is None
    with pytest.raises(UserError, match=f'{number} Resize steps among LoadImageFromFile'):
        at_scale(steps, (640, 400))


@pytest.mark.parametrize('scale', [(0, 0), (3, 4), (4,), (4, 3, 2), 4, None, 'ab', (4.5, 3)])
def test_no_scale(scale):
    with pytest.raises(UserError, match='longer side, shorter side'):
        check_scale(scale)


def test_a_scale_as_text():
    assert parse_scale('1333x800') == (1333, 800)
    assert parse_scale(' 64X64 ') == (64, 64)
    assert parse_scale('320', own=(800, 400)) == (640, 320)
    for text in ('1333', '1333x', 'axb', '-3x-4', '1333*800'):
        with pytest.raises(UserError, match='LONGxSHORT'):
            parse_scale(text)
    with pytest.raises(UserError, match='longer side'):
        parse_scale('800x1333')
