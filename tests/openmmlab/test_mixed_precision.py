"""Mixed precision: what a config becomes on a device, training on a CPU, and losses in float32."""

import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from torch.nn import functional as F

from dynp_plugins import UserError
from dynp_plugins.checkpoints import load_checkpoint_file
from dynp_plugins.openmmlab import mixed_precision, runs
from dynp_plugins.openmmlab.heads import MultiExitHead
from dynp_plugins.openmmlab.mixed_precision import use_mixed_precision
from tests.openmmlab.short_runs import BATCHES, RECORDED, small_config

BFLOAT16 = dict(type='BFloat16OptimWrapper')
FLOAT16 = dict(type='AmpOptimWrapper', dtype='float16', loss_scale='dynamic')


@pytest.fixture
def on_device(monkeypatch):
    def pretend(device, has_bfloat16=True):
        monkeypatch.setattr(mixed_precision, 'get_device', lambda: device)
        monkeypatch.setattr(
            torch.cuda, 'is_bf16_supported', lambda including_emulation=True: has_bfloat16
        )

    return pretend


def wrapper_for(wrapper, dtype=None):
    config = Config(dict(optim_wrapper=dict(wrapper, optimizer=dict(type='SGD'))))
    use_mixed_precision(config, dtype)
    assert config.optim_wrapper.pop('optimizer') == dict(type='SGD')
    return ConfigDict(config.optim_wrapper).to_dict()


@pytest.mark.parametrize(
    ('device', 'has_bfloat16', 'wrapper', 'dtype', 'expected'),
    [
        ('cpu', False, {}, None, BFLOAT16),
        ('cuda', True, {}, None, BFLOAT16),
        ('cuda', False, {}, None, FLOAT16),
        ('cuda', True, {}, 'float16', FLOAT16),
        ('cuda', True, dict(type='AmpOptimWrapper', dtype='float16'), None, FLOAT16),
        ('cuda', True, dict(type='AmpOptimWrapper', loss_scale=512.0), None, BFLOAT16),
        ('cuda', False, dict(loss_scale=512.0), None, dict(FLOAT16, loss_scale=512.0)),
        ('cuda', True, dict(dtype='torch.float16'), 'bfloat16', BFLOAT16),
        (
            'cpu',
            True,
            dict(type='OptimWrapper', clip_grad=dict(max_norm=5.0), accumulative_counts=2),
            None,
            dict(BFLOAT16, clip_grad=dict(max_norm=5.0), accumulative_counts=2),
        ),
    ],
)
def test_bfloat16_where_there_is_any(on_device, device, has_bfloat16, wrapper, dtype, expected):
    on_device(device, has_bfloat16)
    assert wrapper_for(wrapper, dtype) == expected


@pytest.mark.parametrize(
    ('device', 'wrapper', 'dtype', 'message'),
    [
        ('cpu', {}, 'float16', 'float16 needs a GPU: give --amp-dtype bfloat16'),
        ('cpu', dict(dtype='float16'), None, 'float16 needs a GPU'),
        ('cuda', {}, 'bfloat16', 'GPU does not compute in bfloat16: give --amp-dtype float16'),
        ('mps', {}, None, 'not on mps'),
        ('cpu', dict(dtype='float64'), None, 'mixed precision in float64: choose one of bfloat16'),
        ('cpu', dict(type='mmengine.ApexOptimWrapper'), None, 'type is ApexOptimWrapper'),
    ],
)
def test_what_does_not_go_together(on_device, device, wrapper, dtype, message):
    on_device(device, has_bfloat16=False)
    with pytest.raises(UserError, match=message):
        wrapper_for(wrapper, dtype)


seen = {}


@HOOKS.register_module()
class RecordTypes(Hook):
    """Puts the types that the first iteration computes in into `seen`."""

    def before_train(self, runner):
        model = runner.model
        seen['weights'] = {p.dtype for p in model.parameters()}
        first = next(m for m in model.modules() if isinstance(m, torch.nn.Conv2d))

        def look(module, inputs, output):
            seen['convolution'] = output.dtype

        first.register_forward_hook(look)

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        seen.setdefault('losses', {value.dtype for value in outputs.values()})
        states = runner.optim_wrapper.optimizer.state.values()
        seen['averages'] = {state['exp_avg'].dtype for state in states}


@pytest.mark.skipif(torch.cuda.is_available(), reason='trains on a CPU')
def test_training_on_a_cpu_in_bfloat16(tmp_path):
    """Convolutions run in bfloat16, all else is as in float32, and the losses are close to it."""
    plain = small_config(tmp_path / 'plain', epochs=1, record='plain')
    runs.train(plain, validate=False)
    seen.clear()
    mixed = small_config(tmp_path / 'mixed', epochs=1, record='mixed')
    mixed.custom_hooks.append(dict(type='RecordTypes'))
    runner = runs.train(mixed, validate=False, amp=True)
    assert seen == {
        'weights': {torch.float32},
        'convolution': torch.bfloat16,
        'losses': {torch.float32},
        'averages': {torch.float32},
    }
    assert 'loss_scaler' not in runner.optim_wrapper.state_dict()
    for name, value in RECORDED['plain'][0].items():
        assert RECORDED['mixed'][0][name] == pytest.approx(value, rel=0.02, abs=0.02), name
    assert RECORDED['mixed'][0] != RECORDED['plain'][0]


@pytest.mark.skipif(torch.cuda.is_available(), reason='trains on a CPU')
def test_resuming_in_bfloat16_continues_with_the_same_losses(tmp_path):
    mixed = dict(amp=True, validate=False)
    runs.train(small_config(tmp_path / 'whole', epochs=2, record='whole'), **mixed)
    cut = small_config(tmp_path / 'cut', epochs=2, record='cut', interrupt_at=BATCHES)
    with pytest.raises(KeyboardInterrupt):
        runs.train(cut, **mixed)
    rest = small_config(tmp_path / 'cut', epochs=2, record='rest')
    runs.train(rest, resume=runs.AUTO_RESUME, **mixed)
    assert RECORDED['rest'] == {i: RECORDED['whole'][i] for i in range(BATCHES, 2 * BATCHES)}
    first, last = (load_checkpoint_file(tmp_path / run / 'epoch_2.pth') for run in ('whole', 'cut'))
    assert all(torch.equal(v, last['state_dict'][k]) for k, v in first['state_dict'].items())


def test_losses_of_half_precision_features_are_of_float32():
    """Under autocast the classifiers give bfloat16; nothing behind them may round to it."""
    torch.manual_seed(0)
    head = MultiExitHead(7, (16, 16, 16, 16))
    features = [torch.randn(5, 16) for _ in range(4)]
    with torch.autocast('cpu', torch.bfloat16):
        raw = head.heads(features)
        logits = head(features)
        losses = head.loss_module(logits, torch.arange(5), head.heads.exit_names)
    assert raw[0].dtype == torch.bfloat16
    assert all(torch.equal(wide, narrow.float()) for wide, narrow in zip(logits, raw, strict=True))
    wide = [one.float() for one in raw]
    assert torch.equal(losses['loss_ce_merged'], F.cross_entropy(wide[3], torch.arange(5)))
    divergence = F.kl_div(wide[0].log_softmax(-1), wide[3].softmax(-1), reduction='batchmean')
    torch.testing.assert_close(losses['loss_kd_early'], 0.5 * divergence)
    assert {loss.dtype for loss in losses.values()} == {torch.float32}


def test_double_precision_stays():
    head = MultiExitHead(7, (16,) * 4).double()
    assert head([torch.randn(2, 16).double() for _ in range(4)])[0].dtype == torch.float64
