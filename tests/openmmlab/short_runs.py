"""The demo's classifier trained for a handful of iterations, whose losses are recorded."""

import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

from dynp_plugins.openmmlab.config_files import load_config

CONFIG = 'configs/demo/dyn-perceiver_regnety-tiny_digits.py'
BATCHES = 3
RECORDED: dict[str, dict] = {}


@HOOKS.register_module()
class RecordLosses(Hook):
    """Puts every iteration's losses into RECORDED; interrupts or breaks the run when told to."""

    def __init__(self, name, interrupt_at=None, poison_at=None):
        self.losses = RECORDED[name] = {}
        self.interrupt_at = interrupt_at
        self.poison_at = poison_at

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == self.interrupt_at:
            raise KeyboardInterrupt
        if runner.iter == self.poison_at:
            with torch.no_grad():
                runner.model.backbone.latent.fill_(float('nan'))

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.losses[runner.iter] = {name: value.item() for name, value in outputs.items()}


def small_config(work_dir, epochs=3, workers=0, record='', **hook):
    """The demo's config with a handful of small batches per epoch."""
    config = load_config(CONFIG)
    config.work_dir = str(work_dir)
    config.log_level = 'WARNING'
    config.train_cfg.max_epochs = epochs
    config.train_cfg.val_interval = 100
    config.param_scheduler[0].end = BATCHES
    loader = config.train_dataloader
    loader.batch_size, loader.num_batch_per_epoch = 8, BATCHES
    loader.num_workers = workers
    loader.worker_init_fn = dict(type='seed_worker')
    for name in ('val_dataloader', 'calibration_dataloader', 'test_dataloader'):
        config[name].batch_size, config[name].num_batch_per_epoch = 16, 2
    config.custom_hooks.append(dict(type='RecordLosses', name=record, **hook))
    return config
