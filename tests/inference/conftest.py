"""A network of videos with its config and weights, and videos, shared by the tests of a module."""

import pytest

from dynp_plugins.inference import DynamicInferencer

from .tiny_videos import make_classifier, save_videos, save_weights, write_config


@pytest.fixture(scope='session')
def video_config(tmp_path_factory):
    return write_config(tmp_path_factory.mktemp('config') / 'videos.py')


@pytest.fixture(scope='session')
def video_classifier(video_config):
    return make_classifier(video_config)


@pytest.fixture(scope='session')
def video_checkpoint(video_classifier, tmp_path_factory):
    return save_weights(video_classifier, tmp_path_factory.mktemp('weights') / 'tiny.pth')


@pytest.fixture(scope='session')
def videos(tmp_path_factory):
    """Paths of nine."""
    return save_videos(tmp_path_factory.mktemp('videos'), 9)


@pytest.fixture(scope='session')
def video_inferencer(video_config, video_checkpoint):
    return DynamicInferencer(video_config, video_checkpoint, device='cpu')
