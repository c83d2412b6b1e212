"""Dyn-Perceiver's feature maps: what they are, what is built for them, and what is kept fixed."""

import re

import pytest
import torch
from torch import nn

from dynp_plugins import UserError
from dynp_plugins.networks import DynPerceiverBackbone

SWITCHES = [
    {},
    dict(with_latent=False),
    dict(with_z2x=False),
    dict(with_last_z2x=False),
    dict(with_x2z=False),
    dict(with_dwc=False),
    dict(with_token_mixer=False),
    dict(with_z2x=False, with_last_z2x=False),
]
INDICES = [(0,), (1, 2), (3,), (0, 1, 2, 3)]


def images(batch=2, height=64, width=64):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(batch, 3, height, width, generator=generator)


def build(arch='regnety_tiny', **settings):
    settings = dict(num_latents=16, depth_factor=(1 / 3, 2 / 3, 1 / 9, 2 / 3)) | settings
    torch.manual_seed(0)
    return DynPerceiverBackbone(arch, **settings)


def same_weights(backbone, source):
    weights = source.state_dict()
    backbone.load_state_dict({key: weights[key] for key in backbone.state_dict()})
    return backbone


@pytest.mark.parametrize('switch', SWITCHES, ids=str)
@torch.no_grad()
def test_maps_are_the_features_inside_the_classifiers_steps(switch):
    """Map i is ``x`` of the step at whose exit the Z2X behind stage i + 1 has just run."""
    classifier = build(**switch).eval()
    expected = {}
    state = classifier.start(images())
    if switch.get('with_latent', True):
        for k, name in enumerate(classifier.exit_names):
            state, _ = classifier.step(k, state)
            expected[name] = state['x']
        expected = {1: expected['early'], 2: expected['latent'], 3: expected['merged']}
    else:
        x = state['x']
        for i, stage in enumerate(classifier.feature_branch.stages):
            expected[i] = x = stage(x)
    for out_indices in ((1,), (0, 2), (1, 2, 3)):
        backbone = same_weights(build(out_indices=out_indices, **switch), classifier).eval()
        maps = backbone(images())
        assert len(maps) == len(out_indices)
        for i, found in zip(out_indices, maps, strict=True):
            if i in expected:
                torch.testing.assert_close(found, expected[i], rtol=0, atol=0)


@torch.no_grad()
def test_first_map_written_out():
    """No step ends behind the first Z2X, so this is its definition (paper, section 3.2)."""
    backbone = build(out_indices=(0,)).eval()
    x = backbone.feature_branch.stem(images())
    z = backbone.latent.expand(2, -1, -1)
    z = backbone.self_attention[0](backbone.x2z[0](z, x))
    x = backbone.feature_branch.stages[0](x)
    (found,) = backbone(images())
    torch.testing.assert_close(found, backbone.z2x[0](x, backbone.mixers[0](z)))


@pytest.mark.parametrize('out_indices', INDICES, ids=str)
@pytest.mark.parametrize('switch', SWITCHES, ids=str)
def test_every_parameter_gets_a_gradient(switch, out_indices):
    """Distributed training would wait for one that gets none."""
    backbone = build(out_indices=out_indices, **switch)
    sum(x.square().mean() for x in backbone(images())).backward()
    assert [name for name, p in backbone.named_parameters() if p.grad is None] == []


def test_what_the_maps_do_not_need_is_not_built():
    def parts(**settings):
        names = build(**settings).state_dict()
        return {re.match(r'(\w+(\.stages)?(\.\d)?)', name)[1] for name in names}

    stage = ['feature_branch', 'feature_branch.stages.0']
    assert parts(out_indices=(0,)) == {
        *stage, 'latent', 'x2z.0', 'self_attention.0', 'mixers.0', 'z2x.0'
    }  # fmt: skip
    with_everything = parts()
    assert parts(out_indices=(3,)) == with_everything
    assert with_everything - parts(out_indices=(2,)) == {
        'feature_branch.stages.3', 'x2z.3', 'self_attention.3', 'last_z2x'
    }  # fmt: skip
    assert with_everything - parts(out_indices=(3,), with_last_z2x=False) == {
        'x2z.3', 'self_attention.3', 'last_z2x'
    }  # fmt: skip
    # Without the Z2X between stages, only the last one needs a latent code.
    assert parts(out_indices=(2,), with_z2x=False) == parts(out_indices=(2,), with_latent=False)


@pytest.mark.parametrize(
    ('arch', 'width'), [('regnety_tiny', 1), ('resnet18', 0.5), ('mobilenetv3', 0.5)]
)
@torch.no_grad()
def test_channels_and_strides_are_those_of_the_maps(arch, width):
    """On any size of image; sides that the strides do not divide are rounded up.

    Those of every CNN are tested with the feature branches.
    """
    backbone = build(arch, width=width, out_indices=(0, 1, 3)).eval()
    for height, width in ((96, 224), (75, 101)):
        maps = backbone(images(1, height, width))
        assert tuple(x.shape[1] for x in maps) == backbone.out_channels
        for x, stride in zip(maps, backbone.out_strides, strict=True):
            assert tuple(x.shape[2:]) == (-(-height // stride), -(-width // stride))


def test_published_strides():
    assert build('regnety_400mf', out_indices=(0, 1, 2, 3)).out_strides == (4, 8, 16, 32)
    assert build('resnet18', out_indices=(1, 3)).out_strides == (8, 32)
    assert build('mobilenetv3', out_indices=(0, 1, 2, 3)).out_strides == (8, 16, 32, 32)
    assert build(out_indices=(0, 1, 2, 3)).out_strides == (4, 8, 8, 16)
    assert build().out_strides == build().out_channels == ()


def frozen(backbone):
    return {name for name, p in backbone.named_parameters() if not p.requires_grad}


def test_frozen_part_is_a_fixed_function():
    """Neither weights nor statistics change, also when the rest trains; the maps in it stay."""
    for frozen_stages in range(-1, 5):
        backbone = build(out_indices=(0, 1, 2, 3), frozen_stages=frozen_stages).train()
        before = {key: value.clone() for key, value in backbone.state_dict().items()}
        with torch.no_grad():
            maps_before = backbone.eval()(images())
        backbone.train()
        trained = [p for p in backbone.parameters() if p.requires_grad]
        if trained:
            optimizer = torch.optim.SGD(trained, lr=0.1)
            sum(x.square().mean() for x in backbone(images(4))).backward()
            assert all(p.grad is not None for p in trained)
            optimizer.step()
        else:
            backbone(images(4))
        with torch.no_grad():
            maps = backbone.eval()(images())
        same = [torch.equal(x, y) for x, y in zip(maps, maps_before, strict=True)]
        assert same == [i < frozen_stages for i in range(4)], frozen_stages
        after = backbone.state_dict()
        changed = {key for key in after if not torch.equal(after[key], before[key])}
        stem = {key for key in after if key.startswith('feature_branch.stem.')}
        assert bool(changed & stem) == (frozen_stages < 0)
        assert not changed & frozen(backbone)


def test_frozen_stages_take_the_latent_branch_with_them():
    backbone = build(out_indices=(0, 1, 2, 3), frozen_stages=1)
    parts = {name.split('.weight')[0].rpartition('.')[0] or name for name in frozen(backbone)}
    assert 'latent' in parts
    assert {name for name in frozen(backbone) if name.startswith('x2z.1')} == set()
    assert {f'{name}.0' for name in ('x2z', 'self_attention', 'mixers', 'z2x')} == {
        '.'.join(name.split('.')[:2])
        for name in frozen(backbone)
        if not name.startswith(('latent', 'feature_branch'))
    }
    everything = build(out_indices=(0, 1, 2, 3), frozen_stages=4)
    assert frozen(everything) == {name for name, _ in everything.named_parameters()}
    cnn = build(out_indices=(0, 1, 2, 3), frozen_stages=2, with_latent=False)
    assert {name.split('.')[2] for name in frozen(cnn) if '.stages.' in name} == {'0', '1'}


def test_a_classifiers_backbone_can_be_frozen_too():
    backbone = build(frozen_stages=2, norm_eval=True).train()
    before = {key: value.clone() for key, value in backbone.state_dict().items()}
    sum(x.square().mean() for x in backbone(images())).backward()
    assert all(torch.equal(value, before[key]) for key, value in backbone.state_dict().items())
    named = backbone.named_parameters()
    assert {name for name, p in named if p.grad is None} == frozen(backbone) != set()


def test_norms_keep_their_statistics_only_if_told_to():
    for norm_eval in (False, True):
        backbone = build(out_indices=(3,), norm_eval=norm_eval).train()
        norms = [m for m in backbone.modules() if isinstance(m, nn.BatchNorm2d)]
        before = [norm.running_mean.clone() for norm in norms]
        backbone(images())
        kept = [torch.equal(m, n.running_mean) for m, n in zip(before, norms, strict=True)]
        assert kept == [norm_eval] * len(norms)
        assert backbone.training
        assert all(norm.weight.requires_grad for norm in norms)


@pytest.mark.parametrize(
    'settings',
    [
        {},
        dict(frozen_stages=1),
        dict(norm_eval=True),
        dict(arch='resnet18', width=0.125, drop_path_rate=0.3),
    ],
    ids=str,
)
@pytest.mark.parametrize('autocast', [False, True])
def test_checkpointing_changes_neither_outputs_nor_gradients_nor_statistics(settings, autocast):
    plain = build(out_indices=(0, 2, 3), **settings).train()
    saving = build(out_indices=(0, 2, 3), with_cp=True, **settings).train()
    results = []
    for backbone in (plain, saving):
        torch.manual_seed(3)
        with torch.autocast('cpu', torch.bfloat16, enabled=autocast):
            maps = backbone(images(3))
        loss = sum(x.square().mean() for x in maps)
        loss.backward(retain_graph=True)
        loss.backward()
        gradients = {name: p.grad for name, p in backbone.named_parameters()}
        results.append((maps, gradients, backbone.state_dict()))
    (maps, gradients, state), (saved_maps, saved_gradients, saved_state) = results
    assert all(map(torch.equal, maps, saved_maps))
    for name, gradient in gradients.items():
        assert (gradient is None) == (saved_gradients[name] is None)
        if gradient is not None:
            torch.testing.assert_close(saved_gradients[name], gradient, msg=name)
    for name, value in state.items():
        torch.testing.assert_close(saved_state[name], value, rtol=0, atol=0, msg=name)


def test_checkpointing_keeps_less():
    """The bytes that autograd holds between forward and backward."""

    def kept(with_cp):
        backbone = build(out_indices=(0, 1, 2, 3), with_cp=with_cp).train()
        weights = {p.untyped_storage().data_ptr() for p in backbone.parameters()}
        held = {}

        def pack(tensor):
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in weights:
                held[storage.data_ptr()] = storage.nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            maps = backbone(images(4))
        assert len(maps) == 4
        return sum(held.values())

    assert kept(True) < kept(False) / 4


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(out_indices=()), r'out_indices=\(\): the maps are 0, 1, 2 and 3'),
        (dict(out_indices=(1, 4)), r'out_indices=\(1, 4\): the maps are 0, 1, 2 and 3'),
        (dict(out_indices=(-1,)), r'out_indices=\(-1,\): the maps are 0, 1, 2 and 3'),
        (dict(out_indices=(2, 1)), r'ascending order, \(1, 2\)'),
        (dict(out_indices=(1, 1)), r'every map once .* \(1,\)'),
        (dict(out_indices=3), 'out_indices=3: give a tuple of whole numbers'),
        (dict(out_indices='0123'), "out_indices='0123': give a tuple of whole numbers"),
        (dict(out_indices=(0.0, 1)), 'give a tuple of whole numbers'),
        (dict(out_indices=(0, 1), frozen_stages=3), 'frozen_stages=3: .* up to 2'),
        (dict(out_indices=(0, 1), frozen_stages=-2), 'frozen_stages=-2: give -1'),
        (dict(frozen_stages=5), 'frozen_stages=5: .* up to 4'),
        (dict(frozen_stages=True), 'frozen_stages=True: give -1'),
        (dict(with_cp=True), 'with_cp=True needs out_indices'),
        (dict(norm_eval='yes'), "norm_eval='yes': give True or False"),
    ],
)
def test_impossible_settings(settings, message):
    with pytest.raises(UserError, match=message):
        build(**settings)


def test_images_below_the_largest_stride_are_refused():
    with pytest.raises(UserError, match=r'8 x 40 pixels .* stride of the maps, 16: resize.*=16'):
        build(out_indices=(0, 3))(images(height=8, width=40))
    (found,) = build(out_indices=(1,))(images(height=8, width=40))
    assert tuple(found.shape[2:]) == (1, 5)
    with pytest.raises(UserError, match=r'images must be \(B, 3, H, W\)'):
        build(out_indices=(0, 3))(images()[0])
