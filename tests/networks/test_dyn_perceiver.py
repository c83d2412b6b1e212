"""Dyn-Perceiver: names, steps, switches."""

import pytest
import torch
from torch import nn
from torchvision.models import regnet_y_400mf

import dynp_plugins
from dynp_plugins import UserError
from dynp_plugins.networks import DynPerceiverBackbone, DynPerceiverHeads, MultiExitNetwork
from dynp_plugins.networks.feature_branches import build_feature_branch

ALL = ('early', 'latent', 'feature', 'merged')
TINY = 'dyn_perceiver_regnety_tiny'


def images(batch=3):
    return torch.randn(batch, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def run_steps(network, inputs):
    state, logits = network.start(inputs), []
    for k in range(len(network.exit_names)):
        state, exit_logits = network.step(k, state, logits)
        logits.append(exit_logits)
    return logits


def test_list_models():
    names = dynp_plugins.list_models()
    for size in ('400mf', '800mf', '1.6gf', '3.2gf', 'tiny'):
        assert f'dyn_perceiver_regnety_{size}' in names


@pytest.mark.parametrize('name', dynp_plugins.list_models())
def test_every_model_answers_at_every_exit(name):
    network = dynp_plugins.create_model(name, num_classes=7).eval()
    assert network.exit_names == ALL
    with torch.no_grad():
        logits = network(images(2))
    assert [tuple(y.shape) for y in logits] == [(2, 7)] * 4
    assert all(torch.isfinite(y).all() for y in logits)


@torch.no_grad()
def test_steps_give_exactly_what_forward_gives(tiny):
    for stepped, whole in zip(run_steps(tiny, images()), tiny(images()), strict=True):
        assert torch.equal(stepped, whole)


@torch.no_grad()
def test_a_step_leaves_its_input_state_untouched(tiny):
    """Otherwise the samples that stay could not be run again, or by another backend."""
    state, logits = tiny.start(images()), []
    for k in range(4):
        before = {name: value.clone() for name, value in state.items()}
        after, exit_logits = tiny.step(k, state, logits)
        assert all(torch.equal(state[name], before[name]) for name in before)
        state = after
        logits.append(exit_logits)


@torch.no_grad()
def test_a_batch_can_be_thinned_between_steps(tiny):
    """State is batch-first tensors: dropping samples leaves the others' answers as they were."""
    keep = torch.tensor([0, 2])
    whole = tiny(images())
    state, logits = tiny.start(images()), []
    for k in range(4):
        state, exit_logits = tiny.step(k, state, logits)
        if k == 0:
            state = {name: value[keep] for name, value in state.items()}
            exit_logits = exit_logits[keep]
        logits.append(exit_logits)
    for thinned, full in zip(logits, whole, strict=True):
        torch.testing.assert_close(thinned, full[keep], rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_early_exit_does_not_run_the_late_stages(tiny):
    ran = []
    for i, stage in enumerate(tiny.backbone.feature_branch.stages):
        stage.register_forward_hook(lambda *_, i=i: ran.append(i))
    state, logits = tiny.start(images()), []
    ran_before_exit = []
    for k in range(4):
        state, exit_logits = tiny.step(k, state, logits)
        logits.append(exit_logits)
        ran_before_exit.append(list(ran))
    assert ran_before_exit == [[0, 1], [0, 1, 2], [0, 1, 2, 3], [0, 1, 2, 3]]


@torch.no_grad()
@pytest.mark.parametrize(
    'exits', [('merged',), ('early', 'merged'), ('latent', 'feature', 'merged')]
)
def test_exits_can_be_switched_off(exits):
    network = dynp_plugins.create_model(TINY, num_classes=10, exits=exits).eval()
    assert network.exit_names == exits
    logits = network(images())
    assert len(logits) == len(exits)
    for stepped, whole in zip(run_steps(network, images()), logits, strict=True):
        assert torch.equal(stepped, whole)


@torch.no_grad()
def test_switched_off_exits_do_not_change_the_backbone():
    """The merged feature is the same with and without the exits before it."""
    full = DynPerceiverBackbone('regnety_tiny', num_latents=16).eval()
    alone = DynPerceiverBackbone('regnety_tiny', num_latents=16, exits=('merged',)).eval()
    alone.load_state_dict(full.state_dict())
    assert torch.equal(full(images())[-1], alone(images())[0])


@pytest.mark.parametrize(
    'switch',
    ['with_x2z', 'with_z2x', 'with_last_z2x', 'with_dwc', 'with_token_mixer', 'with_fkt'],
)
def test_ablation_switches(switch):
    """Each switch removes parameters, and what is left trains: every parameter gets a gradient."""
    full = dynp_plugins.create_model(TINY, num_classes=10)
    network = dynp_plugins.create_model(TINY, num_classes=10, **{switch: False})
    sizes = [sum(p.numel() for p in n.parameters()) for n in (network, full)]
    assert sizes[0] < sizes[1]
    sum(y.square().mean() for y in network(images(4))).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None] == []


def test_tokens_halve_unless_the_mixer_is_off():
    for with_mixer, tokens in ((True, 4), (False, 32)):
        network = dynp_plugins.create_model(TINY, num_latents=32, with_token_mixer=with_mixer)
        state = network.start(images())
        for k in range(4):
            state, _ = network.backbone.step(k, state)
        assert state['z'].shape[1] == tokens


def test_any_image_size():
    network = dynp_plugins.create_model(TINY, num_classes=10).eval()
    with torch.no_grad():
        assert network(torch.randn(1, 3, 96, 160))[-1].shape == (1, 10)


def test_feature_branch_equals_torchvision():
    torch.manual_seed(0)
    theirs = regnet_y_400mf(weights=None).eval()
    branch = build_feature_branch('regnety_400mf').eval()
    branch.stem.load_state_dict(theirs.stem.state_dict())
    for stage, block in zip(branch.stages, theirs.trunk_output, strict=True):
        stage.load_state_dict(block.state_dict())
    x = images(1)
    with torch.no_grad():
        ours = nn.Sequential(branch.stem, *branch.stages)(x)
        assert torch.equal(ours, theirs.trunk_output(theirs.stem(x)))
    assert branch.channels == (32, 48, 104, 208, 440)


@pytest.mark.parametrize(
    ('overrides', 'message'),
    [
        (dict(num_latents=20), 'multiple of 8'),
        (dict(num_latents='abc'), "num_latents='abc': .* multiple of 8"),
        (dict(num_latents=16.0), r'num_latents=16\.0: .* whole number'),
        (dict(depth_factor=2), 'depth_factor=2: give one positive number for each stage'),
        (dict(depth_factor=(1, 1, 'a', 1)), 'one positive number for each stage'),
        (dict(latent_grid=0), 'latent_grid=0: give a whole number of at least 1'),
        (dict(num_classes='ten'), "num_classes='ten': give a whole number of at least 1"),
        (dict(num_classes=0), 'num_classes=0: give a whole number of at least 1'),
        (dict(exits='merged'), "exits='merged': give a tuple"),
        (dict(depth_factor=(1, 1)), 'one positive number for each stage'),
        (dict(exits=('merged', 'early')), 'in this order'),
        (dict(exits=('early', 'latent')), 'with "merged"'),
        (dict(num_latent=64), r"no setting 'num_latent'; valid are .*num_latents"),
        (dict(arch='resnet50'), "no setting 'arch'"),
    ],
)
def test_impossible_settings(overrides, message):
    with pytest.raises(UserError, match=message):
        dynp_plugins.create_model(TINY, **overrides)


def test_unknown_model_names_the_closest():
    with pytest.raises(
        UserError, match=r"'dyn_perceiver_regnet_800mf'.*dyn_perceiver_regnety_800mf"
    ):
        dynp_plugins.create_model('dyn_perceiver_regnet_800mf')


def test_unknown_feature_branch():
    with pytest.raises(UserError, match="unknown arch 'vgg'; choose one of regnety_400mf"):
        DynPerceiverBackbone('vgg')


def test_heads_that_do_not_fit_are_refused():
    backbone = DynPerceiverBackbone('regnety_tiny', num_latents=16)
    with pytest.raises(ValueError, match='expect in_channels'):
        MultiExitNetwork(backbone, DynPerceiverHeads((1, 2, 3, 5), 10))
    with pytest.raises(ValueError, match='has the exits'):
        MultiExitNetwork(backbone, DynPerceiverHeads((8, 8), 10, ('early', 'merged')))
    with pytest.raises(UserError, match='one width for each exit'):
        DynPerceiverHeads((8, 8), 10)
