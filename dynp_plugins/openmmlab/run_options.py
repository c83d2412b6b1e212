"""The options that ``tools/train.py`` and ``tools/test.py`` share, as OpenMMLab users type them."""

import argparse
import os

from mmengine.config import Config, DictAction

from .config_files import load_config


class ConfigOptions(DictAction):
    """mmengine's KEY=VALUE options, with a usage error where the ``=`` is missing."""

    def __call__(self, parser, namespace, values, option_string=None) -> None:
        for option in values:
            if '=' not in option:
                parser.error(f'{option_string} {option}: write it as KEY=VALUE')
        super().__call__(parser, namespace, values, option_string)


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Add CONFIG, ``--work-dir``, ``--overwrite``, ``--cfg-options`` and ``--launcher``."""
    parser.add_argument('config', metavar='CONFIG', help='config file')
    parser.add_argument('--work-dir', help='folder for logs and checkpoints')
    parser.add_argument('--overwrite', action='store_true', help='replace what is there')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=ConfigOptions,
        metavar='KEY=VALUE',
        help='override entries of the config, e.g. train_cfg.max_epochs=2',
    )
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)


def load_run_config(args: argparse.Namespace) -> Config:
    """The config with the options applied.

    Raises:
        UserError: See `load_config`.
    """
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    config = load_config(args.config, args.cfg_options)
    if args.work_dir:
        config.work_dir = args.work_dir
    return config
