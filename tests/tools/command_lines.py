"""What tests of command lines share: a config, options that make it quick, checks of answers."""

import csv

from tests.conftest import REPOSITORY

CONFIG = str(REPOSITORY / 'configs/demo/dyn-perceiver_regnety-tiny_digits.py')
SMALL = [
    '--cfg-options',
    'calibration_dataloader.num_batch_per_epoch=1',
    'test_dataloader.num_batch_per_epoch=1',
]


def refused(answer, *expected):
    """Exit status 2 and one screen of explanation (besides keys that are listed), no traceback."""
    status, _, error = answer
    assert status == 2, error
    assert 'Traceback' not in error
    text = error[error.index('error: ') :]
    assert len([line for line in text.splitlines() if not line.startswith('    ')]) < 40
    for part in expected:
        assert part in text


def answered(answer, status=0):
    """The text on stdout of a run that ended with this exit status."""
    found, out, error = answer
    assert found == status, error
    assert '\x1b' not in out  # no colours in a file
    return out


def csv_rows(path):
    with open(path, encoding='utf-8', newline='') as file:
        return list(csv.DictReader(file))
