"""Galleries: which samples are picked, that their colours are right, and strips of videos."""

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.curve import chosen_exits
from benchmarks.gallery import PER_EXIT, make_gallery
from benchmarks.provenance import picture_digest
from dynp_plugins import UserError
from dynp_plugins.early_exit import choose_policies
from tests.exit_tables import random_tables


class Pictures:
    metainfo = {'classes': ('zero', '<b>one</b>')}  # noqa: RUF012

    def __getitem__(self, index):
        image = torch.zeros(3, 200, 120, dtype=torch.uint8)
        image[0] = 250  # red, or blue where the order is BGR
        return {'inputs': image}


class Videos:
    """Frames of (height, 60) whose brightness is 10 times their number in the video."""

    metainfo = Pictures.metainfo

    def __init__(self, frames=16, height=80, channels=3):
        self.shape = frames, channels, height, 60

    def __getitem__(self, index):
        number = torch.arange(self.shape[0], dtype=torch.uint8)[:, None, None, None]
        return {'inputs': (10 * number).expand(self.shape).contiguous()}


class Preprocessor(torch.nn.Module):
    to_rgb = False


@pytest.fixture(scope='module')
def measured():
    calibration, test = random_tables()
    return of_samples(test, Pictures()), choose_policies(calibration, np.linspace(1, 4, 9))


def of_samples(table, dataset):
    """The table as if it had been made from a data set whose samples are all the same."""
    digest = picture_digest(dataset[0]['inputs'].numpy())
    return replace(table, picture=np.tile(np.frombuffer(digest, np.uint8), (len(table), 1)))


def opened(picture):
    content = base64.b64decode(picture.image.removeprefix('data:image/jpeg;base64,'))
    return Image.open(io.BytesIO(content)), len(content)


def test_who_is_shown(measured):
    test, policies = measured
    gallery = make_gallery(test, policies, Pictures(), Preprocessor())
    policy = next(p for p in policies if p.settings['budget_gmacs'] == gallery.target_gmacs)
    shares = np.array(list(policy.expected.exit_shares.values()))
    assert shares.min() > 0.1  # spread over all exits
    exits = chosen_exits(test, policy)
    for k, name in enumerate(policy.exit_names):
        shown = [picture for picture in gallery.pictures if picture.exit == name]
        assert len(shown) == PER_EXIT
        assert all(exits[picture.index] == k for picture in shown)
        confidences = [picture.confidence for picture in shown]
        assert confidences == sorted(confidences, reverse=True)
        everybody = test.confidence('max_softmax')[exits == k, k]
        assert (confidences[0], confidences[-1]) == (everybody.max(), everybody.min())
    for picture in gallery.pictures:
        assert picture.label == 'zero'
        assert (picture.prediction == 'zero') == picture.right
        assert picture.right == test.correct[picture.index, policy.exit_names.index(picture.exit)]


@pytest.mark.parametrize(('to_rgb', 'bright'), [(False, 0), (True, 2)])
def test_size_and_order_of_the_channels(measured, to_rgb, bright):
    preprocessor = Preprocessor()
    preprocessor.to_rgb = to_rgb
    picture = make_gallery(*measured, Pictures(), preprocessor).pictures[0]
    image, size = opened(picture)
    assert max(image.size) == 96 and picture.frames == 1
    assert np.asarray(image).mean((0, 1)).argmax() == bright
    assert size < 5000


@pytest.mark.parametrize(
    ('frames', 'together', 'shown'),
    [
        (16, 8, [0, 2, 5, 7]),  # two views: the first one is shown
        (8, 8, [0, 2, 5, 7]),
        (16, 1, [0, 5, 10, 15]),  # nobody knows what a view is
        (3, 1, [0, 1, 2]),
        (4, 2, [0, 1]),
    ],
)
def test_a_video_is_a_strip_of_evenly_spaced_frames_of_its_first_view(
    measured, frames, together, shown
):
    test, policies = measured
    videos = Videos(frames)
    gallery = make_gallery(of_samples(test, videos), policies, videos, Preprocessor(), together)
    assert len(gallery.pictures) == 4 * PER_EXIT
    for picture in gallery.pictures:
        assert picture.frames == len(shown)
    image, size = opened(gallery.pictures[0])
    assert image.height == 64 and size < 6000
    assert image.width == len(shown) * 48 + (len(shown) - 1) * 2  # 60 x 80, as high as the strip
    pixels = np.asarray(image).mean((0, 2))
    middles = [pixels[50 * k + 10 : 50 * k + 38].mean() for k in range(len(shown))]
    assert middles == pytest.approx([10 * number for number in shown], abs=3)


def test_frames_smaller_than_a_strip_are_not_blown_up(measured):
    test, policies = measured
    videos = Videos(8, height=32)
    gallery = make_gallery(of_samples(test, videos), policies, videos, Preprocessor(), 8)
    assert opened(gallery.pictures[0])[0].size == (4 * 60 + 3 * 2, 32)


@pytest.mark.parametrize(('to_rgb', 'bright'), [(False, 0), (True, 2)])
def test_channels_of_videos(measured, to_rgb, bright):
    class Red(Videos):
        def __getitem__(self, index):
            frames = torch.zeros(self.shape, dtype=torch.uint8)
            frames[:, 0] = 250
            return {'inputs': frames}

    test, policies = measured
    preprocessor = Preprocessor()
    preprocessor.to_rgb = to_rgb
    gallery = make_gallery(of_samples(test, Red()), policies, Red(), preprocessor, 8)
    strip = np.asarray(opened(gallery.pictures[0])[0])
    assert strip[8:-8, 8:40].mean((0, 1)).argmax() == bright


def test_videos_that_cannot_be_shown_have_no_gallery(measured):
    test, policies = measured
    flow = Videos(channels=2)
    assert make_gallery(of_samples(test, flow), policies, flow, Preprocessor()) is None


def test_data_without_pictures_have_no_gallery(measured):
    class Features(Pictures):
        def __getitem__(self, index):
            return {'inputs': torch.zeros(3, 8, 8)}

    assert make_gallery(*measured, Features(), Preprocessor()) is None


def test_pictures_that_have_changed_since_are_refused(measured):
    class Others(Pictures):
        def __getitem__(self, index):
            return {'inputs': torch.ones(3, 8, 8, dtype=torch.uint8)}

    with pytest.raises(UserError, match=r'picture \d+ of the test split is not the one'):
        make_gallery(*measured, Others(), Preprocessor())
    with pytest.raises(UserError, match=r'video \d+ of the test split is not the one'):
        make_gallery(*measured, Videos(), Preprocessor())


def test_an_exit_where_few_leave_shows_few(measured):
    test, policies = measured
    few = replace(test, confidences={'max_softmax': np.eye(4)[np.arange(len(test)) % 4]})
    few.confidences['max_softmax'][:, 0] = 0
    few.confidences['max_softmax'][:3, 0] = 1
    shown = make_gallery(few, policies, Pictures(), Preprocessor()).pictures
    assert sum(picture.exit == 'exit0' for picture in shown) == 3
