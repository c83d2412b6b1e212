"""Galleries: which images are picked, and that their colours are right."""

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


class Preprocessor(torch.nn.Module):
    to_rgb = False


@pytest.fixture(scope='module')
def measured():
    calibration, test = random_tables()
    digest = picture_digest(Pictures()[0]['inputs'].numpy())
    test = replace(test, picture=np.tile(np.frombuffer(digest, np.uint8), (len(test), 1)))
    return test, choose_policies(calibration, np.linspace(1, 4, 9))


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
    content = base64.b64decode(picture.image.removeprefix('data:image/jpeg;base64,'))
    image = Image.open(io.BytesIO(content))
    assert max(image.size) == 96
    assert np.asarray(image).mean((0, 1)).argmax() == bright
    assert len(content) < 5000


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


def test_an_exit_where_few_leave_shows_few(measured):
    test, policies = measured
    few = replace(test, confidences={'max_softmax': np.eye(4)[np.arange(len(test)) % 4]})
    few.confidences['max_softmax'][:, 0] = 0
    few.confidences['max_softmax'][:3, 0] = 1
    shown = make_gallery(few, policies, Pictures(), Preprocessor()).pictures
    assert sum(picture.exit == 'exit0' for picture in shown) == 3
