"""Write a trained network's steps into a folder that runs without the training stack.

    python tools/export.py CONFIG CHECKPOINT --backend openvino --out DIR
    python tools/export.py CONFIG CHECKPOINT --backend onnx --out DIR --policy POLICY
    python tools/export.py msdnet_imagenet_step4 weights.pth --backend torch_export --out DIR

dynp_plugins.DynamicInferencer(DIR) and tools/infer.py DIR answer pictures or videos with it, as
they do with the config and the checkpoint. In DIR are a file for each step (OpenVINO: two), which
holds its weights once and takes batches of any size, and manifest.json: exits, classes, costs, how
samples are made ready, the policy, hashes and versions. With the exit table of a report, other
budgets can be set later on.

What was written is loaded again and compared with the network on random images; where logits in
float32 differ by more than a ten-thousandth of the largest, nothing is left.
"""

import argparse
import logging

from benchmarks.input_shapes import config_input_shape, name_input_shape, parse_input_shape
from benchmarks.macs import exit_costs
from benchmarks.provenance import config_sha256, versions
from dynp_plugins.early_exit.compiled import BATCH_SIZES
from dynp_plugins.early_exit.compiled.step_formats import FORMATS
from dynp_plugins.errors import exits_on_user_error
from dynp_plugins.inference.answer_files import readable_path
from dynp_plugins.inference.exported import Export, Source, export_model
from dynp_plugins.inference.model_loading import CONFIG_SUFFIXES, load_model
from dynp_plugins.model_settings import add_settings_option, check_overrides, parse_settings
from dynp_plugins.openmmlab.config_files import load_config
from dynp_plugins.openmmlab.run_options import ConfigOptions


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('network', metavar='CONFIG|NAME', help='a config file, or a name')
    parser.add_argument('checkpoint', metavar='CHECKPOINT', help="checkpoint, or a run's folder")
    parser.add_argument('--backend', required=True, choices=FORMATS, help='what runs the steps')
    parser.add_argument('--out', required=True, metavar='DIR', help='folder to write')
    parser.add_argument('--overwrite', action='store_true', help='replace an earlier export')
    parser.add_argument(
        '--policy',
        metavar='FILE|TABLE|DIR',
        help='a policy (.json), the exit table of a calibration split (.npz), or the folder of a '
        'report with one; without, the last exit answers',
    )
    budget = parser.add_mutually_exclusive_group()
    for unit in ('g', 'm'):
        budget.add_argument(
            f'--budget-{unit}macs',
            type=float,
            metavar='B',
            help=f'mean cost of a sample in {unit.upper()}MACs to choose thresholds for',
        )
    parser.add_argument(
        '--dtype',
        choices=('float32', 'bfloat16'),
        default='float32',
        help='of the arithmetic (%(default)s)',
    )
    parser.add_argument(
        '--batch-sizes',
        type=int,
        nargs='+',
        default=BATCH_SIZES,
        metavar='N',
        help='samples in the batches that steps run in; others are cut into these '
        f'({" ".join(map(str, BATCH_SIZES))})',
    )
    parser.add_argument(
        '--shape',
        nargs='+',
        metavar='N',
        help='what reaches the network, as for tools/get_flops.py; by default what the test '
        'pipeline of the config makes, or the size of a network by name',
    )
    parser.add_argument(
        '--no-preprocessing',
        action='store_true',
        help='leave out how samples are made ready; whoever loads the folder gives a function',
    )
    add_settings_option(parser)
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=ConfigOptions,
        metavar='KEY=VALUE',
        help='override entries of the config',
    )
    args = parser.parse_args()
    if args.budget_mmacs is not None:
        args.budget_gmacs = args.budget_mmacs / 1e3
    return args


def export(args: argparse.Namespace) -> Export:
    """Load the network, count its costs, and write it."""
    is_config = args.network.endswith(CONFIG_SUFFIXES)
    check_overrides(args, is_config)
    settings = parse_settings(args.set)
    model = load_model(
        args.network,
        args.checkpoint,
        'cpu',
        cfg_options=args.cfg_options,
        settings=settings,
    )
    typed = None if args.shape is None else parse_input_shape(args.shape)
    if is_config:
        config = load_config(args.network, args.cfg_options)
        shape, sha256 = config_input_shape(config, typed), config_sha256(config)
    else:
        shape, sha256 = name_input_shape(model.network, typed), None
    return export_model(
        model,
        args.out,
        args.backend,
        shape,
        [cost.macs / 1e9 for cost in exit_costs(model.network, shape)],
        Source(
            network=args.network,
            config_sha256=sha256,
            settings={key: str(value) for key, value in (args.cfg_options or settings).items()},
            checkpoint=readable_path(args.checkpoint),
            versions=versions(),
        ),
        dtype=args.dtype,
        batch_sizes=args.batch_sizes,
        policy=args.policy,
        budget_gmacs=args.budget_gmacs,
        preprocessing=not args.no_preprocessing,
        overwrite=args.overwrite,
    )


@exits_on_user_error
def main() -> None:
    args = parse_args()
    logging.basicConfig(level=logging.INFO, format='%(message)s', force=True)
    found = export(args)
    for name, difference in found.differences.items():
        print(f'{name}: differs by at most {difference:.1e} of the largest logit')
    print(f'wrote {found.folder} ({found.size / 1e6:.1f} MB)')


if __name__ == '__main__':
    main()
