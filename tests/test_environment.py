"""Configs for your own files read environment variables; wrong values are named with them."""

from pathlib import Path

import pytest

from dynp_plugins import UserError, environment
from dynp_plugins.openmmlab.config_files import load_config

CONFIGS = Path(__file__).parents[1] / 'configs'
OWN_FILES = {
    'image-files': next(CONFIGS.rglob('*_image-files.py')),
    'video-files': next(CONFIGS.rglob('*_video-files.py')),
    'coco-files': next(CONFIGS.rglob('*_coco-files.py')),
}


@pytest.mark.parametrize(
    ('kind', 'setting', 'advice'),
    [
        ('coco-files', 'FLIP=2', 'give a number from 0 to 1'),
        ('coco-files', 'FLIP=nan', 'give a number from 0 to 1'),
        ('coco-files', 'SIZE=abc', 'give a whole number of at least 32'),
        ('coco-files', 'SIZE=8', 'give a whole number of at least 32'),
        ('coco-files', 'PROBLEMS=leave', 'choose stop or skip'),
        ('image-files', 'NUM_CLASSES=six', 'give a whole number of at least 2'),
        ('image-files', 'UNREADABLE=yes', 'choose stop or skip or skip_missing'),
        ('video-files', 'NUM_CLASSES=1', 'give a whole number of at least 2'),
        ('video-files', 'FLIP=half', 'give a number from 0 to 1'),
        ('video-files', 'UNREADABLE=', 'choose stop or skip or skip_missing'),
    ],
)
def test_a_wrong_value_is_named_with_its_variable(kind, setting, advice, monkeypatch):
    monkeypatch.setenv(*setting.split('='))
    with pytest.raises(UserError, match=f'environment variable {setting}: {advice}$'):
        load_config(OWN_FILES[kind])


def test_values_and_defaults(monkeypatch):
    monkeypatch.delenv('SIZE', raising=False)
    assert environment.whole_number('SIZE', 320, least=32) == 320
    assert load_config(OWN_FILES['coco-files']).size == 320
    monkeypatch.setenv('SIZE', '32')
    monkeypatch.setenv('FLIP', '1')
    monkeypatch.setenv('PROBLEMS', 'skip')
    config = load_config(OWN_FILES['coco-files'])
    assert (config.size, config.flip, config.problems) == (32, 1.0, 'skip')
    assert 'environment' not in config
