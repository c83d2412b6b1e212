"""Training and testing through mmengine's Runner, as the command lines ask for it."""

import os
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.runner import Runner

from ..checkpoints import read_checkpoint
from ..errors import UserError
from .checkpoint_files import (
    check_resumable,
    check_work_dir,
    find_checkpoint,
    refuse_unpickling,
)
from .compiled_training import explaining_compilation, use_compilation
from .config_files import building_from, require
from .detector_fit import check_neck_fits
from .detectors import is_detection_config
from .hooks import WholeClipsHook
from .loader_time import LoaderTimeHook
from .mixed_precision import use_mixed_precision
from .optim import use_fused_optimizer
from .run_start import RunStart

AUTO_RESUME = 'auto'


def train(
    config: Config,
    resume: str | None = None,
    amp: bool = False,
    validate: bool = True,
    auto_scale_lr: bool = False,
    launcher: str = 'none',
    overwrite: bool = False,
    amp_dtype: str | None = None,
    compiled: bool = False,
) -> Runner:
    """Train what ``config`` describes.

    Args:
        config: From `load_config`; it is changed.
        resume: A checkpoint (or a run's folder) to continue from, or `AUTO_RESUME` for the last
            one in the work folder (a fresh start where there is none).
        amp: Mixed precision, see `use_mixed_precision`.
        validate: Run the validation loop.
        auto_scale_lr: Scale the learning rate to the real batch size.
        launcher: ``none``, ``pytorch``, ``slurm`` or ``mpi``.
        overwrite: Start over in a work folder that holds another run, whose checkpoints are
            deleted when the first epoch begins.
        amp_dtype: ``bfloat16`` or ``float16`` for mixed precision, which it switches on.
        compiled: Compile the training step, see `CompiledTrainingHook`; the config's ``compile``
            does so, too.

    Returns:
        The runner, after training.

    Raises:
        UserError: Something in the config or the options cannot work, or the loss became NaN.
    """
    refuse_unpickling()
    require(config, 'train_dataloader', 'optim_wrapper', 'train_cfg')
    if not validate:
        config.val_cfg = config.val_dataloader = config.val_evaluator = None
    if amp or amp_dtype:
        use_mixed_precision(config, amp_dtype)
    use_fused_optimizer(config)
    use_compilation(config, compiled)
    if auto_scale_lr:
        require(config, 'auto_scale_lr')
        config.auto_scale_lr.enable = True
    continues = _choose_start(config, resume, overwrite)
    config.launcher = launcher
    _join_process_group(config)
    if is_detection_config(config):
        check_neck_fits(config)
    start = RunStart(delete_older_run=not continues)
    with building_from(config, lambda: not start.running), explaining_compilation():
        runner = Runner.from_cfg(config)
        runner.register_hook(start)
        runner.register_hook(WholeClipsHook())
        runner.register_hook(LoaderTimeHook())
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
    config.load_from = str(find_checkpoint(checkpoint))
    config.resume = False
    read_checkpoint(config.load_from)  # mmengine's own errors are many screens long
    # What only training needs must not stop a test.
    for name in ('train_cfg', 'train_dataloader', 'optim_wrapper', 'param_scheduler'):
        config.pop(name, None)
    config.launcher = launcher
    _join_process_group(config)
    if is_detection_config(config):
        check_neck_fits(config)
    start = RunStart()
    with building_from(config, lambda: not start.running):
        runner = Runner.from_cfg(config)
        runner.register_hook(start)
        runner.register_hook(WholeClipsHook())
        metrics = dict(runner.test())
    for key, history in runner.message_hub.log_scalars.items():
        if key.startswith('test/') and key.endswith('_origin'):
            metrics[key.removeprefix('test/')] = float(history.current())
    return metrics


def _choose_start(config: Config, resume: str | None, overwrite: bool) -> bool:
    """Set the checkpoint to start from, if any; whether it continues the run in its own folder."""
    work_dir = Path(config.work_dir)
    if resume == AUTO_RESUME:
        resume = str(work_dir) if (work_dir / 'last_checkpoint').is_file() else None
    continues = False
    if resume is not None:
        checkpoint = find_checkpoint(resume)
        check_resumable(checkpoint)
        config.resume, config.load_from = True, str(checkpoint)
        continues = checkpoint.resolve().parent == work_dir.resolve()
    elif config.get('load_from'):
        config.load_from = str(find_checkpoint(config.load_from))
        read_checkpoint(config.load_from)  # mmengine's own errors are many screens long
    if not continues:
        check_work_dir(work_dir, overwrite)
    return continues


def _join_process_group(config: Config) -> None:
    """On a machine without a GPU, start gloo before mmengine, which would set a CUDA device."""
    if config.launcher == 'none' or torch.cuda.is_available():
        return
    if config.launcher != 'pytorch' or 'RANK' not in os.environ:
        raise UserError(
            f'--launcher {config.launcher}: without a GPU, processes are started by torchrun, for '
            'example tools/dist_train.sh CONFIG 2'
        )
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group('gloo')
    if config.get('model_wrapper_cfg') is not None:
        return
    sync_bn = config.get('sync_bn')
    if sync_bn not in (None, 'torch', 'mmcv'):
        raise UserError(f"sync_bn={sync_bn!r} does not exist: write 'torch', or None for none")
    # mmengine's default wrapper is given the number of a GPU, and its sync_bn needs one.
    config.model_wrapper_cfg = dict(
        type='CpuDistributedDataParallel',
        sync_bn=sync_bn is not None,
        find_unused_parameters=config.get('find_unused_parameters', False),
        broadcast_buffers=False,
    )
    config.sync_bn = None
