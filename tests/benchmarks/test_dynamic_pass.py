"""Samples that really leave: the engine's pass over a split equals the exit table's arithmetic."""

import numpy as np
import pytest
import torch
from mmpretrain.structures import DataSample

from benchmarks.curve import chosen_exits, target_budgets
from benchmarks.dynamic_pass import policy_metrics, run_dynamic_pass
from benchmarks.exit_pass import run_exit_pass
from benchmarks.macs import exit_costs
from benchmarks.trained_model import load_trained_model
from dynp_plugins import UserError, create_model
from dynp_plugins.early_exit import ALWAYS, ExitPolicy, choose_policies
from tests.conftest import REPOSITORY

OPTIONS = {
    'calibration_dataloader.num_batch_per_epoch': 1,
    'calibration_dataloader.batch_size': 96,
    'test_dataloader.num_batch_per_epoch': 2,
    'test_dataloader.batch_size': 48,
}


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    torch.manual_seed(0)
    network = create_model('dyn_perceiver_regnety_tiny', num_classes=10)
    path = tmp_path_factory.mktemp('weights') / 'tiny.pth'
    torch.save({'state_dict': network.state_dict()}, path)
    config = REPOSITORY / 'configs/demo/dyn-perceiver_regnety-tiny_digits.py'
    return load_trained_model(config, path, options=OPTIONS)


@pytest.fixture(scope='module')
def policies(model):
    (loader,) = model.build_splits(('calibration',)).values()
    table = run_exit_pass(model.classifier, loader, 'calibration')
    costs = exit_costs(model.network, table.manifest['input_shape'])
    gmacs = [cost.macs / 1e9 for cost in costs]
    table = table.with_manifest(
        exit_gmacs=gmacs, model=model.name, weights_sha256=model.checkpoint_record.sha256
    )
    return choose_policies(table, target_budgets(gmacs, 5))


def test_real_exits_and_predictions_are_those_of_the_table(model, policies):
    (loader,) = model.build_splits(('test',)).values()
    table = run_exit_pass(model.classifier, loader, 'test')
    for policy in policies:
        found = run_dynamic_pass(model.classifier, loader, policy, 'test')
        exits = chosen_exits(table, policy)
        np.testing.assert_array_equal(found.exit, exits)
        np.testing.assert_array_equal(found.prediction, table.prediction[np.arange(96), exits])
        np.testing.assert_array_equal(found.label, table.label)
    assert 0 < (chosen_exits(table, policies[2]) == 0).mean() < 1


def test_metrics_of_a_policy(model, policies):
    metrics = policy_metrics(model, policies[2])
    shares = [metrics[f'early_exit/share_{name}'] for name in model.network.exit_names]
    assert sum(shares) == pytest.approx(1)
    costs = list(policies[2].expected.exit_gmacs.values())
    assert metrics['early_exit/gmacs_mean'] == pytest.approx(np.dot(shares, costs))
    assert 0 <= metrics['early_exit/top1'] <= 100


def test_a_policy_for_other_weights_is_refused(model):
    names = model.network.exit_names
    policy = ExitPolicy(names, 'margin', (0.5, 0.5, 0.5, ALWAYS), weights_sha256='x' * 64)
    with pytest.raises(UserError, match='with other weights'):
        policy_metrics(model, policy)


def test_pictures_of_different_sizes_are_refused(model, policies):
    class Two:
        def __iter__(self):
            yield {'inputs': [torch.zeros(3, 64, 64), torch.zeros(3, 32, 32)]}

    with pytest.raises(UserError, match='test split reach the network in different sizes'):
        run_dynamic_pass(model.classifier, Two(), policies[0], 'test')


def test_pictures_of_another_size_than_the_policy_holds_for(model, policies):
    class One:
        def __iter__(self):
            sample = DataSample().set_gt_label(0)
            yield {'inputs': [torch.zeros(3, 32, 32)], 'data_samples': [sample]}

    with pytest.raises(UserError, match=r'samples are \[3, 32, 32\].*hold for \[3, 64, 64\]'):
        run_dynamic_pass(model.classifier, One(), policies[0], 'test')
