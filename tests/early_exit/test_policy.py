"""Policies: their file, what they refuse, and how thresholds are rounded."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynp_plugins import UserError
from dynp_plugins.early_exit import (
    ALWAYS,
    MEASURES,
    NEVER,
    CalibrationSplit,
    ExitPolicy,
    Expectation,
)

NAMES = ('early', 'middle', 'last')


def full_policy():
    shares = dict(zip(NAMES, (0.5, 0.0, 0.5), strict=True))
    return ExitPolicy(
        NAMES,
        'max_softmax',
        (0.75, NEVER, ALWAYS),
        classes=10,
        model='net',
        weights_sha256='a' * 64,
        method='geometric',
        settings={'budget_gmacs': 1.5},
        calibration=CalibrationSplit('calibration', 100, 'c' * 64),
        expected=Expectation(1.5, 91.0, shares, shares, shares),
    )


def test_round_trip(tmp_path):
    full_policy().save(tmp_path / 'policy.json')
    assert ExitPolicy.load(tmp_path / 'policy.json') == full_policy()
    assert (tmp_path / 'policy.json').stat().st_size < 2000


@given(st.floats(0, 1), st.sampled_from(sorted(MEASURES)))
def test_thresholds_survive_the_file_bit_by_bit(tmp_path_factory, share, measure):
    low, high = MEASURES[measure].bounds(3, 2)
    policy = ExitPolicy(NAMES, measure, (low + share * (high - low), ALWAYS, ALWAYS))
    path = tmp_path_factory.mktemp('policy') / 'policy.json'
    policy.save(path)
    assert ExitPolicy.load(path).thresholds == policy.thresholds
    assert policy.thresholds[0] == np.float32(policy.thresholds[0])
    assert policy.thresholds[1] == low  # everybody reaches the least value


def test_a_file_written_by_hand_needs_little(tmp_path):
    content = {
        'schema_version': 1,
        'exit_names': NAMES,
        'measure': 'margin',
        'thresholds': {'early': 0.9, 'middle': None},
    }
    (tmp_path / 'p.json').write_text(json.dumps(content))
    policy = ExitPolicy.load(tmp_path / 'p.json')
    assert policy == ExitPolicy(NAMES, 'margin', (0.9, NEVER, ALWAYS))
    assert json.loads((tmp_path / 'p.json').read_text())['thresholds']['early'] == 0.9
    assert policy.thresholds_by_exit == {'early': 0.9, 'middle': None}


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (
            {'thresholds': {'early': 1.5, 'middle': None}},
            r'p\.json: the threshold 1\.5 of exit early',
        ),
        ({'thresholds': {'early': 0.5}}, r'given for early, but they belong to early, middle'),
        ({'thresholds': {'middle': 0.5, 'early': 0.5}}, r'in order'),
        ({'thresholds': {'early': '0.5', 'middle': None}}, r"thresholds\.early is '0\.5'"),
        ({'measure': 'luck'}, r"'luck': choose one of max_softmax"),
        ({'measure': 'patience'}, r'patience lies between 1 and 3'),
        ({'schema_version': 7}, r'policy schema version 7, this program reads 1: choose'),
        ({'exit_names': []}, r'different names, not \(\)'),
        ({'surprise': 1}, r'policy\.surprise is unknown'),
    ],
)
def test_wrong_files_are_named(tmp_path, change, message):
    full_policy().save(tmp_path / 'p.json')
    content = json.loads((tmp_path / 'p.json').read_text()) | change
    if change == {'exit_names': []}:
        content['thresholds'] = {}
    (tmp_path / 'p.json').write_text(json.dumps(content))
    with pytest.raises(UserError, match=message):
        ExitPolicy.load(tmp_path / 'p.json')


def test_no_file_and_no_json(tmp_path):
    with pytest.raises(UserError, match=r'none\.json is not a policy file'):
        ExitPolicy.load(tmp_path / 'none.json')


@pytest.mark.parametrize(
    ('thresholds', 'message'),
    [
        ((0.5, ALWAYS), '2 thresholds for the 3 exits'),
        ((0.5, 0.5, 0.5), 'the last exit last answers all that is left'),
        ((math.nan, 0.5, ALWAYS), 'threshold nan of exit early'),
        ((-0.1, 0.5, ALWAYS), r'threshold -0\.1 of exit early is out of range'),
    ],
)
def test_thresholds_that_make_no_sense(thresholds, message):
    with pytest.raises(UserError, match=message):
        ExitPolicy(NAMES, 'max_softmax', thresholds)


@pytest.mark.parametrize('threshold', ['1e60', '-1e60', 'Infinity', 'NaN', '1' + 400 * '0'])
def test_null_is_the_only_way_to_say_never(tmp_path, threshold):
    full_policy().save(tmp_path / 'p.json')
    text = (tmp_path / 'p.json').read_text().replace('0.75', threshold)
    (tmp_path / 'p.json').write_text(text)
    with pytest.raises(UserError, match=r'p\.json'):
        ExitPolicy.load(tmp_path / 'p.json')


def test_expectations_name_every_exit():
    expected = replace(full_policy().expected, exit_gmacs={'early': 1.0, 'last': 2.0})
    with pytest.raises(UserError, match=r'expected\.exit_gmacs is given for early, last, but the'):
        replace(full_policy(), expected=expected)


def test_a_policy_for_another_network_is_refused():
    policy = full_policy()
    policy.check_network(NAMES, 10, 'a' * 64)
    with pytest.raises(UserError, match=r'made for net with the exits early, middle, last, but'):
        policy.check_network(('early', 'last'))
    with pytest.raises(UserError, match=r'with 10 classes, but this network has 5'):
        policy.check_network(NAMES, 5)
    with pytest.raises(UserError, match=r'other weights \(aaaaaaaaaaaa.*choose_policy'):
        policy.check_network(NAMES, 10, 'b' * 64)


def test_a_policy_from_another_calibration_split_is_refused():
    full_policy().check_calibration('c' * 64, 'net')
    with pytest.raises(UserError, match=r'on other samples \(cccccccccccc.*split of net'):
        full_policy().check_calibration('d' * 64, 'net')


def test_samples_of_another_size_are_refused_where_the_size_is_known():
    expected = replace(full_policy().expected, input_shape=[3, 64, 48])
    policy = replace(full_policy(), expected=expected)
    for shape in ((3, 64, 48), (64, 48), [64, 48]):
        policy.check_input_shape(shape)
        full_policy().check_input_shape((9, 9))
    for shape in ((3, 48, 64), (48, 64), (1, 64, 48)):
        with pytest.raises(UserError, match=r'hold for \[3, 64, 48\] .*choose a policy for'):
            policy.check_input_shape(shape)
