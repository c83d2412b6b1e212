"""An exported folder that is made once, and copies of it that may be changed."""

import pytest

from .small_exports import halving_policy, small_export, small_model


@pytest.fixture(scope='session')
def model():
    return small_model()


@pytest.fixture(scope='session')
def policy(model):
    return halving_policy(model)


@pytest.fixture(scope='session')
def once(model, policy, tmp_path_factory):
    folder = tmp_path_factory.mktemp('once') / 'small'
    small_export(folder, model, policy=policy)
    return folder


@pytest.fixture
def folder(once, tmp_path):
    """A copy that may be changed."""
    target = tmp_path / 'small'
    target.mkdir()
    for path in once.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    return target
