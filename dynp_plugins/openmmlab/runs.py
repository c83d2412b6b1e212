"""Training and testing through mmengine's Runner, as the command lines ask for it."""

import os
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.runner import Runner

from ..checkpoints import check_weights, load_checkpoint_file, read_checkpoint
from ..checkpoints.loading import to_classifier_keys
from ..errors import UserError
from .checkpoint_files import clear_work_dir, find_checkpoint, refuse_unpickling
from .config_files import require

AUTO_RESUME = 'auto'


def train(
    config: Config,
    resume: str | None = None,
    amp: bool = False,
    validate: bool = True,
    auto_scale_lr: bool = False,
    launcher: str = 'none',
    overwrite: bool = False,
) -> Runner:
    """Train what ``config`` describes.

    Args:
        config: From `load_config`; it is changed.
        resume: A checkpoint to continue from, or `AUTO_RESUME` for the last one in the work
            folder (a fresh start where there is none).
        amp: Mixed precision; needs a GPU.
        validate: Run the validation loop.
        auto_scale_lr: Scale the learning rate to the real batch size.
        launcher: ``none``, ``pytorch``, ``slurm`` or ``mpi``.
        overwrite: Start over in a work folder that holds another run.

    Returns:
        The runner, after training.

    Raises:
        UserError: Something in the config or the options cannot work, or the loss became NaN.
    """
    refuse_unpickling()
    require(config, 'train_dataloader', 'optim_wrapper', 'train_cfg')
    if not validate:
        config.val_cfg = config.val_dataloader = config.val_evaluator = None
    if amp:
        _use_amp(config)
    if auto_scale_lr:
        require(config, 'auto_scale_lr')
        config.auto_scale_lr.enable = True
    if resume is None:
        if int(os.environ.get('RANK', 0)) == 0:
            clear_work_dir(config.work_dir, overwrite)
    else:
        config.resume = True
        config.load_from = None if resume == AUTO_RESUME else str(find_checkpoint(resume))
    if config.get('load_from'):
        load_checkpoint_file(config.load_from)  # mmengine's own errors are many screens long
    config.launcher = launcher
    _join_process_group(config)
    runner = _build_runner(config)
    runner.train()
    return runner


def test(config: Config, checkpoint: str | Path, launcher: str = 'none') -> dict[str, float]:
    """Evaluate a checkpoint with the config's test loop.

    If the run kept an exponential moving average, its weights and the raw ones are both
    evaluated; the raw ones' metrics end in ``_origin``.

    Args:
        config: From `load_config`; it is changed.
        checkpoint: A file, or the work folder of a run.
        launcher: As in `train`.

    Returns:
        Metrics by name.

    Raises:
        UserError: The checkpoint cannot be read or does not fit the config's model.
    """
    refuse_unpickling()
    require(config, 'test_dataloader', 'test_cfg', 'test_evaluator')
    path = find_checkpoint(checkpoint)
    weights = read_checkpoint(path)
    config.launcher = launcher
    config.resume = False
    config.load_from = str(path) if weights.has_ema else None
    _join_process_group(config)
    runner = _build_runner(config)
    model = runner.model.module if hasattr(runner.model, 'module') else runner.model
    state_dict = to_classifier_keys(weights.state_dict)
    check_weights(model.state_dict(), state_dict, str(path))
    model.load_state_dict(state_dict)
    metrics = dict(runner.test())
    for key, history in runner.message_hub.log_scalars.items():
        if key.startswith('test/') and key.endswith('_origin'):
            metrics[key.removeprefix('test/')] = float(history.current())
    return metrics


def _use_amp(config: Config) -> None:
    if not torch.cuda.is_available():
        raise UserError('--amp needs a GPU, and none is available: leave it out on a CPU')
    config.optim_wrapper.type = 'AmpOptimWrapper'
    config.optim_wrapper.setdefault('loss_scale', 'dynamic')


def _join_process_group(config: Config) -> None:
    """On a machine without a GPU, start gloo before mmengine, which would set a CUDA device."""
    if config.launcher == 'none' or torch.cuda.is_available():
        return
    if 'RANK' not in os.environ:
        raise UserError(
            f'--launcher {config.launcher} needs processes started for it, for example: '
            'torchrun --nproc_per_node 2 tools/train.py CONFIG --launcher pytorch'
        )
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group('gloo')
    # mmengine's default wrapper is given the number of a GPU.
    wrapper = dict(type='MMDistributedDataParallel', device_ids=None, broadcast_buffers=False)
    config.setdefault('model_wrapper_cfg', wrapper)


def _build_runner(config: Config) -> Runner:
    try:
        return Runner.from_cfg(config)
    except KeyError as error:
        if 'not in the' in str(error):  # what mmengine's registries say of an unknown type
            raise UserError(f'config {config.filename}: {error.args[0]}') from error
        raise
