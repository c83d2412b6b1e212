"""Dyn-Perceiver: names, steps, switches."""

import pytest
import torch

import dynp_plugins
from dynp_plugins import UserError
from dynp_plugins.networks import DynPerceiverBackbone, DynPerceiverHeads, MultiExitNetwork

ALL = ('early', 'latent', 'feature', 'merged')
TINY = 'dyn_perceiver_regnety_tiny'


def images(batch=3):
    return torch.randn(batch, 3, 64, 64, generator=torch.Generator().manual_seed(1))


NAMES = [name for name in dynp_plugins.list_models() if name.startswith('dyn_perceiver_')]


def test_list_models():
    archs = ['regnety_400mf', 'regnety_800mf', 'regnety_1.6gf', 'regnety_3.2gf', 'regnety_tiny']
    archs += ['resnet18', 'resnet34', 'resnet50', 'mobilenetv3']
    released = ['regnety_800mf_t128', 'resnet50_0.375_t128', 'mobilenetv3_0.75_t128']
    assert set(NAMES) == {f'dyn_perceiver_{name}' for name in archs + released}


@pytest.mark.parametrize('name', NAMES)
def test_every_model_answers_at_every_exit(name):
    network = dynp_plugins.create_model(name, num_classes=7).eval()
    assert network.exit_names == ALL
    with torch.no_grad():
        logits = network(images(2))
    assert [tuple(y.shape) for y in logits] == [(2, 7)] * 4
    assert all(torch.isfinite(y).all() for y in logits)


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
def test_switched_off_exits_do_not_change_the_backbone():
    """The merged feature is the same with and without the exits before it."""
    full = DynPerceiverBackbone('regnety_tiny', num_latents=16).eval()
    alone = DynPerceiverBackbone('regnety_tiny', num_latents=16, exits=('merged',)).eval()
    alone.load_state_dict(full.state_dict())
    assert torch.equal(full(images())[-1], alone(images())[0])


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
        (dict(width=0.5), 'regnety_tiny has no width .*choose a size instead: regnety_400mf'),
        (dict(width=-1), 'width=-1: give a positive number'),
        (dict(drop_path_rate=0.2), 'regnety_tiny has no drop_path_rate'),
        (dict(out_indices=(1, 2)), 'out_indices is for the backbones of detectors'),
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


@torch.no_grad()
def test_without_the_latent_branch_the_cnn_is_left():
    with_it = dynp_plugins.create_model('dyn_perceiver_resnet18', num_classes=5, width=0.5)
    alone = dynp_plugins.create_model(
        'dyn_perceiver_resnet18', num_classes=5, width=0.5, with_latent=False
    )
    assert alone.exit_names == ('feature',)
    assert {name.split('.')[1] for name, _ in alone.backbone.named_parameters('b')} == {
        'feature_branch'
    }
    alone.backbone.load_state_dict(
        {
            name: value
            for name, value in with_it.backbone.state_dict().items()
            if name.startswith('feature_branch.')
        }
    )
    images = torch.randn(2, 3, 64, 64)
    x = alone.eval().backbone.feature_branch.stem(images)
    for stage in alone.backbone.feature_branch.stages:
        x = stage(x)
    (logits,) = alone(images)
    torch.testing.assert_close(logits, alone.heads.classifiers['feature'](x.mean((2, 3))))


def test_a_narrow_cnn_alone_needs_no_attention_heads():
    with pytest.raises(UserError, match='attention heads do not divide'):
        dynp_plugins.create_model('dyn_perceiver_resnet18', width=0.3)
    dynp_plugins.create_model('dyn_perceiver_resnet18', width=0.3, with_latent=False)
