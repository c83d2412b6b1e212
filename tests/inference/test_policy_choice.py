"""Policies and budgets: where thresholds come from, and what does not belong together."""

import json
import re
import shutil

import numpy as np
import pytest
import torch

from dynp_plugins import UserError
from dynp_plugins.early_exit import ALWAYS, NEVER, ExitPolicy, ExitTable, choose_exits
from dynp_plugins.early_exit.choosing import choose_policy
from dynp_plugins.inference import DynamicInferencer

from .tiny_models import (
    EXITS,
    GMACS,
    NAME,
    exit_table,
    make_network,
    make_pictures,
    save_checkpoint,
)

FOLDER_TABLE = f'tables/{NAME}_calibration.npz'


def as_input(image):
    return torch.from_numpy(np.array(image)).permute(2, 0, 1) / 255 * 4 - 2


@pytest.fixture(scope='module')
def network():
    return make_network()


@pytest.fixture(scope='module')
def pictures():
    return make_pictures(40, seed=3)


@pytest.fixture(scope='module')
def images(pictures):
    return torch.stack([as_input(picture[..., ::-1].copy()) for picture in pictures])


@pytest.fixture
def checkpoint(network, tmp_path):
    return save_checkpoint(network, tmp_path / 'tiny.pth')


@pytest.fixture
def report(network, images, tmp_path):
    """A folder as `tools/budget_curve.py` writes it, with a table of another model beside ours."""
    folder = tmp_path / 'report'
    exit_table(network, images).save(folder / FOLDER_TABLE)
    exit_table(network, images, split='test').save(folder / f'tables/{NAME}_test.npz')
    other = dict(model='other', weights_sha256='f' * 64)
    exit_table(network, images, **other).save(folder / 'tables/other_calibration.npz')
    return folder


@pytest.fixture
def make(checkpoint):
    def make(policy=None, budget_gmacs=None, **arguments):
        arguments = dict(device='cpu', preprocess=as_input) | arguments
        return DynamicInferencer(NAME, checkpoint, policy, budget_gmacs, **arguments)

    return make


def mean_gmacs(answers):
    return np.mean([answer['gmacs'] for answer in answers])


@pytest.mark.parametrize('given', ['.', 'tables', FOLDER_TABLE])
def test_thresholds_for_a_budget_come_from_the_table(make, report, pictures, given):
    table = ExitTable.load(report / FOLDER_TABLE)
    for budget in (0.015, 0.03):
        inferencer = make(report / given, budget)
        assert inferencer.policy == choose_policy(table, budget, 'geometric', 'max_softmax')
        confidence = table.confidence('max_softmax')
        thresholds = np.array(inferencer.policy.thresholds)
        expected = np.array(GMACS)[choose_exits(confidence, thresholds)]
        answers = inferencer(pictures, batch_size=len(pictures))
        # A threshold is the confidence of a picture of the table, and smaller batches round it
        # otherwise: such pictures, and those equal to them, may go either way.
        clear = (np.abs(confidence - thresholds)[:, :-1] > 1e-6).all(1)
        assert clear.mean() > 0.7
        found = np.array([answer['gmacs'] for answer in answers])
        assert found[clear].tolist() == expected[clear].tolist()
        assert mean_gmacs(answers) <= budget + 0.002


def test_the_budget_changes_without_loading_anything(make, checkpoint, report, pictures):
    inferencer = make(report, 0.015)
    network = inferencer.network
    shutil.rmtree(report)
    checkpoint.unlink()
    cheap = mean_gmacs(inferencer(pictures, 40))
    for_one_call = mean_gmacs(inferencer(pictures, 40, budget_gmacs=0.03))
    assert for_one_call > cheap
    assert inferencer.budget_gmacs == 0.015
    assert mean_gmacs(inferencer(pictures, 40)) == cheap
    inferencer.budget_gmacs = 0.03
    assert mean_gmacs(inferencer(pictures, 40)) == for_one_call
    inferencer.budget_gmacs = None  # no limit
    assert mean_gmacs(inferencer(pictures, 40)) == GMACS[-1]
    assert inferencer.network is network


def test_the_ends_of_the_range_are_exits(make, report, pictures):
    inferencer = make(report)
    assert {a['exit_name'] for a in inferencer(pictures[:8], 8, GMACS[0])} == {'early'}
    assert {a['exit_name'] for a in inferencer(pictures[:8], 8, GMACS[-1])} == {'merged'}


@pytest.mark.parametrize('budget', [0.0099, 0.0401, -1, 0, float('nan'), float('inf')])
def test_budgets_outside_the_exits(make, report, pictures, budget):
    inferencer = make(report, 0.02)
    attempts = [
        lambda: make(report, budget),
        lambda: inferencer(pictures, budget_gmacs=budget),
        lambda: setattr(inferencer, 'budget_gmacs', budget),
    ]
    for attempt in attempts:
        with pytest.raises(UserError, match=r'0\.01 GMACs.*0\.04'):
            attempt()
    assert inferencer.budget_gmacs == 0.02
    assert inferencer.policy == make(report, 0.02).policy


@pytest.mark.parametrize('budget', ['0.02', True, [0.02]])
def test_budgets_that_are_no_numbers(make, report, budget):
    with pytest.raises(UserError, match='give a number of GMACs'):
        make(report, budget)


def test_numbers_of_numpy_are_budgets(make, report):
    assert make(report, np.float32(0.02)).policy == make(report, float(np.float32(0.02))).policy


def test_a_budget_needs_a_table(make, report, tmp_path):
    with pytest.raises(UserError, match=r'nothing to choose thresholds from.*budget_curve'):
        make(None, 0.02)
    path = tmp_path / 'policy.json'
    make(report, 0.02).policy.save(path)
    with pytest.raises(UserError, match=re.escape(f'{path} has fixed thresholds')):
        make(path, 0.02)
    inferencer = make(path)
    with pytest.raises(UserError, match=r'has fixed thresholds.*_calibration\.npz'):
        inferencer.budget_gmacs = 0.03
    assert inferencer.budget_gmacs is None


def test_a_policy_file_answers_as_the_table_it_comes_from(make, report, pictures, tmp_path):
    expected = make(report, 0.02)
    expected.policy.save(tmp_path / 'policy.json')
    for policy in (tmp_path / 'policy.json', str(tmp_path / 'policy.json'), expected.policy):
        answers = make(policy)(pictures, 40)
        assert [(a['exit_name'], a['gmacs'], a['pred_label']) for a in answers] == [
            (a['exit_name'], a['gmacs'], a['pred_label']) for a in expected(pictures, 40)
        ]


def test_a_policy_by_hand(make, pictures):
    everybody = ExitPolicy(EXITS, 'margin', (NEVER, 0.0, NEVER, ALWAYS))
    answers = make(everybody)(pictures)
    assert {answer['exit_name'] for answer in answers} == {'latent'}
    assert {answer['gmacs'] for answer in answers} == {None}


def test_pictures_of_another_size_than_the_tables(make, report, pictures):
    inferencer = make(report, 0.02)
    good, large = inferencer([pictures[0], pictures[0].repeat(2, 0)], batch_size=2)
    assert good['error'] is None
    assert '3 x 128 x 64' in large['error']
    assert '3 x 64 x 64' in large['error']


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(split='test'), 'that of the test split'),
        (dict(exit_names=['a', 'b', 'c', 'd']), 'exits a, b, c, d, but this network has early'),
        (dict(weights_sha256='e' * 64), 'with other weights'),
        (dict(classes=7), 'with 7 classes, but this network has 5'),
        (dict(exit_gmacs=None), 'does not say what its exits cost'),
    ],
    ids=str,
)
def test_tables_that_do_not_belong_to_the_network(
    make, network, images, tmp_path, changes, message
):
    path = tmp_path / 'a_calibration.npz'
    exit_table(network, images, **changes).save(path)
    with pytest.raises(UserError, match=message) as caught:
        make(path, 0.02)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(exit_names=('early', 'late', 'feature', 'merged')), 'has early, latent'),
        (dict(weights_sha256='e' * 64), 'with other weights'),
        (dict(classes=7), 'with 7 classes, but this network has 5'),
    ],
    ids=str,
)
def test_policies_that_do_not_belong_to_the_network(make, changes, message):
    settings = dict(exit_names=EXITS, measure='entropy', thresholds=(0.5, 0.5, 0.5, ALWAYS))
    with pytest.raises(UserError, match=message):
        make(ExitPolicy(**settings | changes))


def test_a_policy_that_leaves_out_a_cost(make, report, tmp_path):
    path = tmp_path / 'policy.json'
    make(report, 0.02).policy.save(path)
    content = json.loads(path.read_text())
    del content['expected']['exit_gmacs']['latent']
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match=r'exit_gmacs is given for early, feature, merged, but'):
        make(path)


def test_a_folder_with_no_table_or_several_of_this_model(make, network, images, report, tmp_path):
    (tmp_path / 'empty').mkdir()
    with pytest.raises(UserError, match='holds no exit table of a calibration split'):
        make(tmp_path / 'empty', 0.02)
    (report / FOLDER_TABLE).rename(report / 'tables/renamed_calibration.npz')
    (report / FOLDER_TABLE).with_suffix('.json').rename(report / 'tables/renamed_calibration.json')
    make(report, 0.02)  # found by its weights
    exit_table(network, images).save(report / 'tables/again_calibration.npz')
    with pytest.raises(UserError, match=r'several exit tables.*again.*renamed'):
        make(report, 0.02)
    for name in ('again', 'renamed'):
        (report / f'tables/{name}_calibration.npz').unlink()
    with pytest.raises(UserError, match=r'no exit table of .*other_calibration'):
        make(report, 0.02)


def test_a_damaged_table_of_another_model_does_no_harm(make, report):
    (report / 'tables/other_calibration.npz').write_bytes(b'damaged')
    assert make(report, 0.02).policy.model == NAME


@pytest.mark.parametrize('name', ['nowhere', 'nowhere.json', 'nowhere.npz'])
def test_a_policy_that_is_not_there(make, name):
    with pytest.raises(UserError, match=f'no policy, exit table or report folder {name}'):
        make(name)


def test_what_is_no_policy(make, tmp_path):
    path = tmp_path / 'policy.yaml'
    path.write_text('thresholds: []')
    with pytest.raises(UserError, match=r'neither a policy \(\.json\) nor an exit table'):
        make(path)
    with pytest.raises(UserError, match='give an ExitPolicy'):
        make({'early': 0.5})
    for suffix, message in (('.json', 'is not a policy'), ('.npz', 'not a readable exit table')):
        path.with_suffix(suffix).write_text('nonsense')
        with pytest.raises(UserError, match=message):
            make(path.with_suffix(suffix))
