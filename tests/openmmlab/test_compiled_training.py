"""Training through torch.compile; the quick tests let it trace, but not generate code."""

import pytest
import torch
from mmengine.registry import DefaultScope
from torch import nn

from dynp_plugins import UserError
from dynp_plugins.checkpoints import load_checkpoint_file
from dynp_plugins.openmmlab import runs
from dynp_plugins.openmmlab.compiled_training import (
    check_compiler,
    compile_parts,
    explaining_compilation,
    use_compilation,
)
from dynp_plugins.openmmlab.config_files import load_config
from tests.openmmlab.short_runs import BATCHES, RECORDED, small_config

CLIPS = 'configs/demo/dyn-perceiver_tsm-regnety-tiny_clips.py'
STATIC = 'configs/demo/resnet18-narrow_digits.py'
SCENES = 'configs/demo/retinanet_dyn-perceiver-regnety-tiny_scenes.py'
TRACED = {'compile': dict(backend='eager')}
"""All of torch.compile but the code: what is traced runs operator by operator."""


@pytest.fixture(autouse=True)
def compilation():
    """Nothing compiled before or after, the same scopes as before, and torch's counters."""
    scopes = dict(DefaultScope._instance_dict)
    torch.compiler.reset()
    counters = torch._dynamo.utils.counters
    counters.clear()
    yield counters
    torch.compiler.reset()
    DefaultScope._instance_dict.clear()
    DefaultScope._instance_dict.update(scopes)


def traced_config(work_dir, **settings):
    config = small_config(work_dir, **settings)
    config.merge_from_dict(TRACED)
    return config


def test_a_compiled_run_is_resumed_and_is_the_same_run(tmp_path, compilation):
    """Losses, checkpoints and their keys; three graphs in all, none of them for validation."""
    plain = small_config(tmp_path / 'plain', epochs=2, record='plain')
    plain.train_cfg.val_interval = 1
    runs.train(plain)
    cut = traced_config(tmp_path / 'cut', epochs=2, record='cut', interrupt_at=BATCHES + 1)
    cut.train_cfg.val_interval = 1
    with pytest.raises(KeyboardInterrupt):
        runs.train(cut)
    assert compilation['stats']['unique_graphs'] == 3  # backbone, exit heads, loss
    assert not compilation['graph_break']
    rest = traced_config(tmp_path / 'cut', epochs=2, record='rest')
    runner = runs.train(rest, resume=runs.AUTO_RESUME)
    assert RECORDED['cut'] == {i: RECORDED['plain'][i] for i in range(BATCHES + 1)}
    assert RECORDED['rest'] == {i: RECORDED['plain'][i] for i in range(BATCHES, 2 * BATCHES)}
    first, last = (load_checkpoint_file(tmp_path / run / 'epoch_2.pth') for run in ('plain', 'cut'))
    for kind in ('state_dict', 'ema_state_dict'):
        assert first[kind].keys() == last[kind].keys()
        assert all(torch.equal(value, last[kind][key]) for key, value in first[kind].items())
    # A run's own config, which stands beside its checkpoints, compiles again.
    assert runner.cfg.custom_hooks[-1] == dict(type='CompiledTrainingHook', backend='eager')


@pytest.mark.slow
def test_videos(tmp_path, compilation):
    """Frames are folded into the batch before the network, and averaged behind it."""
    losses = []
    for run, options in (('plain', {}), ('traced', TRACED)):
        config = load_config(CLIPS, options)
        config.work_dir = str(tmp_path / run)
        config.log_level = 'WARNING'
        config.train_cfg.max_epochs = 1
        config.param_scheduler[0].end = 1
        loader = config.train_dataloader
        loader.batch_size, loader.num_workers, loader.num_batch_per_epoch = 2, 0, 2
        loader.persistent_workers = False
        config.custom_hooks.append(dict(type='RecordLosses', name=run))
        runs.train(config, validate=False)
        losses.append(RECORDED[run])
    assert losses[0] == losses[1]
    assert compilation['stats']['unique_graphs'] == 3
    assert not compilation['graph_break']


@pytest.mark.slow
def test_mixed_precision_is_compiled_too(tmp_path, compilation):
    for run, options in (('plain', {}), ('traced', TRACED)):
        config = small_config(tmp_path / run, epochs=1, record=run)
        config.merge_from_dict(options)
        runs.train(config, validate=False, amp=True)
    assert RECORDED['traced'] == RECORDED['plain']
    assert compilation['stats']['unique_graphs'] == 3


@pytest.mark.parametrize(
    ('entry', 'wanted', 'hook'),
    [
        (None, False, None),
        (False, False, None),
        (None, True, dict(type='CompiledTrainingHook')),
        (False, True, dict(type='CompiledTrainingHook')),
        (True, False, dict(type='CompiledTrainingHook')),
        (dict(mode='max-autotune'), True, dict(type='CompiledTrainingHook', mode='max-autotune')),
    ],
)
def test_the_option_and_mmengines_entry_mean_the_same(entry, wanted, hook):
    config = load_config(STATIC)
    before = list(config.custom_hooks)
    if entry is not None:
        config['compile'] = entry
    use_compilation(config, wanted)
    assert list(config.custom_hooks) == [*before, *([hook] if hook else [])]
    assert config.get('compile') is None  # mmengine would compile the step once more
    use_compilation(config, wanted)
    assert len(config.custom_hooks) == len(before) + bool(hook)


def test_what_is_not_compiled(tmp_path):
    with pytest.raises(UserError, match=r'--compile is for classifiers .* leave out --compile'):
        runs.train(load_config(SCENES), compiled=True)
    config = load_config(STATIC, {'compile': 'yes'})
    with pytest.raises(UserError, match=r"compile='yes': give True, or a dict of options"):
        use_compilation(config, False)
    config = small_config(tmp_path)
    config.merge_from_dict({'compile': dict(backend='no_such_one')})
    with pytest.raises(UserError, match=r'torch\.compile cannot compile this .*no_such_one'):
        runs.train(config)


def test_no_compiler():
    from torch._inductor import config

    message = r'no C\+\+ compiler: install one .* CXX, or leave out'
    with config.patch({'cpp.cxx': ('no-such',)}), pytest.raises(UserError, match=message):
        check_compiler(torch.device('cpu'))


@pytest.mark.parametrize(
    ('message', 'cause'),
    [
        ('CppCompileError\n\ng++ a.cpp\na.cpp:9: fatal error: Python.h: No such file\nb', 'fatal'),
        ('\nbackend raised:\nIt is Tuesday.\nmore', r'machine: backend raised: It is Tuesday\. In'),
    ],
)
def test_a_compiler_that_fails(monkeypatch, message, cause):
    """As where Python's header files are missing."""

    def fails(x):
        raise RuntimeError(message)

    monkeypatch.setattr(torch, 'compile', lambda *args, **kwargs: fails)
    with pytest.raises(UserError, match=cause) as caught:
        check_compiler(torch.device('cpu'))
    assert 'more' not in str(caught.value) and 'leave out --compile' in str(caught.value)
    if cause == 'fatal':
        assert 'machine: a.cpp:9: fatal error: Python.h: No such file. Install' in str(caught.value)


def test_errors_that_are_not_torch_compiles_pass():
    with pytest.raises(RuntimeError, match='of the network'), explaining_compilation():
        raise RuntimeError('of the network')


def test_modules_do_not_use_up_each_others_number_of_shapes(compilation):
    """Torch compiles a piece of code for eight shapes and then gives up without an error."""
    parts = [nn.Linear(3, 2) for _ in range(4)]
    compile_parts(parts, backend='eager')
    for part in parts:
        for batch in range(2, 6):
            part(torch.ones(batch, 3))
    assert compilation['stats']['unique_graphs'] == 16


@pytest.mark.slow
@pytest.mark.parametrize('amp', [False, True])
def test_generated_code_trains_like_the_network(tmp_path, amp):
    """The first losses; later ones drift apart, as rounding grows from step to step."""
    for run in ('plain', 'compiled'):
        config = load_config(STATIC)
        short = small_config(tmp_path / run, epochs=1, record=run)
        config.update({name: short[name] for name in ('work_dir', 'train_cfg', 'custom_hooks')})
        config.train_dataloader = short.train_dataloader
        runs.train(config, validate=False, amp=amp, compiled=run == 'compiled')
    tolerance = 0.05 if amp else 1e-4
    for i in range(BATCHES):
        for name, value in RECORDED['plain'][i].items():
            assert RECORDED['compiled'][i][name] == pytest.approx(value, rel=tolerance), (i, name)
