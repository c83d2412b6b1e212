"""The gallery shows the right pictures, and nothing that is no picture."""

import dataclasses

import pytest

from benchmarks.curve_records import Gallery, GalleryPicture
from reports.page.document import page
from reports.page.gallery import galleries, is_picture
from reports.page.page_panels import page_panels

from ..made_up_results import made_up_model, made_up_results, video_models
from .page_reader import PageReader

PNG = 'data:image/png;base64,iVBORw0KGgo='


def picture(exit='early', index=0, right=True, image=PNG, **changes):
    fields = {'source': 'a/b.png', 'label': 'cat', 'prediction': 'cat' if right else 'dog'}
    fields |= {'right': right, 'confidence': 0.987, **changes}
    fields = {'frames': 1} | fields
    return GalleryPicture(exit=exit, index=index, image=image, **fields)


def shown(pictures, per_exit=12):
    model = made_up_model()
    gallery = Gallery(model.points[16].target_gmacs, pictures)
    results = made_up_results(dataclasses.replace(model, gallery=gallery))
    return galleries(page_panels(results)[0], per_exit)


@pytest.mark.parametrize(
    'image, good',
    [
        (PNG, True),
        ('data:image/jpeg;base64,/9j/4AAQ', True),
        ('data:image/svg+xml;base64,PHN2Zz4=', False),
        ('data:text/html;base64,PHN2Zz4=', False),
        ('data:image/png;base64,abc" onerror="alert(1)', False),
        ('data:image/png;base64,', False),
        ('data:image/png,abc', False),
        ('https://example.org/a.png', False),
        ('javascript:alert(1)', False),
        (f' {PNG}', False),
        (f'{PNG}\n', False),
    ],
)
def test_only_png_and_jpeg_inside_the_page(image, good):
    assert is_picture(picture(image=image)) is good
    found = shown([picture(), picture(index=1, image=image)])
    assert len(found[0].exits[0].pictures) == 1 + good


def test_exits_come_in_the_order_of_the_network_with_what_happened_there():
    model = made_up_model()
    point = model.points[16]
    (gallery,) = shown([picture('merged'), picture('early')])
    assert [exit.exit for exit in gallery.exits] == list(point.exit_shares)
    assert [len(exit.pictures) for exit in gallery.exits] == [1, 0, 0, 1]
    assert gallery.exits[3].finding == (
        f'{100 * point.exit_shares["merged"]:.1f} % of the test images leave here, '
        f'{point.exit_top1_percent["merged"]:.1f} % of them right'
    )


def test_wrong_ones_are_told_in_words():
    (gallery,) = shown([picture(), picture(index=7, right=False)])
    right, wrong = gallery.exits[0].pictures
    assert right.alt == 'cat, predicted as cat, confidence 0.99'
    assert wrong.alt == 'cat, wrongly taken for dog, confidence 0.99'
    assert wrong.title == 'test sample 7, a/b.png'


def test_a_strip_says_how_many_frames_it_has():
    (gallery,) = shown([picture(), picture('merged', frames=4, right=False)])
    assert gallery.frames == 4
    first, strip = gallery.exits[0].pictures[0], gallery.exits[3].pictures[0]
    assert (first.frames, strip.frames) == (1, 4)
    assert strip.alt == '4 frames of a video: cat, wrongly taken for dog, confidence 0.99'
    (images,) = shown([picture()])
    assert images.frames == 1


def test_strips_are_laid_out_as_strips():
    text = page(video_models())
    reader = PageReader(text)
    assert 'A strip shows 4 frames of a video, in order.' in reader.section('gallery-0')
    lists = [attrs['class'] for tag, attrs in reader.tags if tag == 'ol']
    assert lists == ['tiles strips'] * len(lists) and lists
    strips = [attrs for tag, attrs in reader.tags if tag == 'img']
    assert strips and all(attrs['data-frames'] == '4' for attrs in strips)
    assert all(attrs['alt'].startswith('4 frames of a video: ') for attrs in strips)
    images = PageReader(page(made_up_results()))
    assert 'strip shows' not in images.section('gallery-0')
    assert {attrs['class'] for tag, attrs in images.tags if tag == 'ol'} == {'tiles'}
    assert not any('data-frames' in attrs for _, attrs in images.tags)


def test_fewer_pictures_are_still_spread_from_sure_to_unsure():
    pictures = [picture(index=i) for i in range(8)]

    def numbers(per_exit):
        (gallery,) = shown(pictures, per_exit)
        return [int(tile.title.split()[2].strip(',')) for tile in gallery.exits[0].pictures]

    assert numbers(8) == numbers(12) == list(range(8))
    assert numbers(2) == [0, 7] and numbers(1) == [0]
    assert numbers(4)[0] == 0 and numbers(4)[-1] == 7 and len(numbers(4)) == 4
    assert shown(pictures, 0) == []


def test_models_without_a_picture_have_no_gallery():
    assert shown([picture(image='https://example.org/a.png')]) == []
    models = made_up_model('none', gallery=False), made_up_model('some', seed=1)
    (gallery,) = galleries(page_panels(made_up_results(*models))[0], 3)
    assert gallery.model == 1
