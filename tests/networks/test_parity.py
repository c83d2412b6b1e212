"""The published RegNetY-800MF model, recorded values against ours."""

import numpy as np
import pytest
import torch

import dynp_plugins
from benchmarks.macs import exit_costs
from dynp_plugins.checkpoints import convert_checkpoint

NAME = 'reg800m_perceiver_t128_d1112'
MODEL = 'dyn_perceiver_regnety_800mf'
SETTINGS = dict(num_latents=128, depth_factor=(1, 1, 1, 2))


@pytest.fixture(scope='module')
def converted(reference, tmp_path_factory):
    folder = tmp_path_factory.mktemp('parity')
    state_dict = {f'module.{key}': value for key, value in reference.state_dict(NAME).items()}
    torch.save({'model': state_dict}, folder / 'official.pth')
    convert_checkpoint(folder / 'official.pth', folder / 'ours.pth', MODEL, **SETTINGS)
    return dynp_plugins.create_model(MODEL, checkpoint=folder / 'ours.pth', **SETTINGS).eval()


@torch.no_grad()
def test_logits_of_all_exits(converted, reference):
    recorded = torch.from_numpy(np.load(reference.logits_path(NAME))['logits'])
    logits = torch.stack(converted(reference.deterministic.reference_input(2, 224)))
    assert (logits - recorded).abs().max() <= 2e-4 * recorded.abs().max()
    for ours, theirs in zip(logits, recorded, strict=True):
        assert (ours - theirs).abs().max() <= 2e-4 * theirs.abs().max()


def test_parameter_count(converted, reference):
    assert sum(p.numel() for p in converted.parameters()) == 21_798_360
    assert reference.facts(NAME)['params'] == 21_798_360


def test_macs_per_exit(converted, reference):
    official = reference.facts(NAME)['official_gflops_per_exit']
    counted = [cost.macs / 1e9 for cost in exit_costs(converted, (3, 224, 224))]
    assert counted == pytest.approx(official, rel=0.02)
    assert counted == pytest.approx([0.459, 1.065, 1.228, 1.298], rel=0.02)
