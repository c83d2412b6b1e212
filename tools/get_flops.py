"""Count what a network costs: MACs, FLOPs (2 per MAC), parameters and activations of every exit.

    python tools/get_flops.py dyn_perceiver_regnety_800mf_t128
    python tools/get_flops.py msdnet_cifar_step2_b7 --shape 32 --depth 2
    python tools/get_flops.py CONFIG --cfg-options model.backbone.num_latents=64 --json costs.json
    python tools/get_flops.py VIDEO_CONFIG --shape 16 3 224 224
    python tools/get_flops.py DETECTION_CONFIG --shape 800 1280
    python tools/get_flops.py DETECTION_CONFIG --split test

The network is a name of dynp_plugins.list_models(), static:LIBRARY/NAME, or a config with a
multi-exit classifier of pictures or videos, or with a detector. All frames of a video are counted,
those of its test-time clips and crops too. Of a detector backbone, neck and head are counted apart,
for one image or for all images of a split, with and without normalisation layers. Nothing is
trained, and no weights are read but those of --checkpoint.
"""

import argparse
import contextlib
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from mmengine.config import Config

from benchmarks.network_costs import NetworkCosts, network_costs
from benchmarks.provenance import versions
from dynp_plugins import create_model
from dynp_plugins.atomic_files import atomic_path
from dynp_plugins.errors import UserError, exits_on_user_error
from dynp_plugins.inference.model_loading import CONFIG_SUFFIXES
from dynp_plugins.model_settings import add_settings_option, check_overrides, parse_settings
from reports.costs.files import cost_csv, cost_json, cost_record
from reports.costs.tables import cost_text

with contextlib.redirect_stdout(sys.stderr):
    # mmpretrain prints while it is imported, but stdout is for the numbers alone.
    from benchmarks.input_shapes import config_input_shape, name_input_shape, parse_input_shape
    from dynp_plugins.openmmlab.classifiers import (
        build_classifier,
        is_video_model,
        multi_exit_network,
    )
    from dynp_plugins.openmmlab.config_files import load_config, require
    from dynp_plugins.openmmlab.detectors import is_detection_config
    from dynp_plugins.openmmlab.run_options import ConfigOptions

SPLITS = ('train', 'calibration', 'val', 'test')


@dataclass(frozen=True)
class Texts:
    """What was counted, as it can be written."""

    table: Callable[[], str]
    json: Callable[[], str]
    csv: Callable[[], str]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('network', metavar='CONFIG|NAME', help='a config file, or a name')
    parser.add_argument(
        '--shape',
        nargs='+',
        metavar='N',
        help='SIDE, HEIGHT WIDTH or 3 HEIGHT WIDTH of the image in pixels, or FRAMES 3 HEIGHT '
        "WIDTH of the video; by default what the config's test pipeline makes, for a name what "
        'the network was designed for. The height comes first: papers on detection often write '
        '1280 x 800 where --shape 800 1280 is meant',
    )
    parser.add_argument(
        '--split',
        choices=SPLITS,
        help='of a detector: count all images of this split as the test pipeline makes them, '
        'instead of one size',
    )
    parser.add_argument(
        '--checkpoint',
        metavar='FILE',
        help='of a detector with two stages, whose cost follows from its proposals: weights, or a '
        "run's work folder",
    )
    add_settings_option(parser)
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=ConfigOptions,
        metavar='KEY=VALUE',
        help='override entries of the config',
    )
    parser.add_argument(
        '--depth', type=int, metavar='N', help='show the modules down to this depth as well'
    )
    parser.add_argument('--json', metavar='FILE', help='write a .json file; - means stdout')
    parser.add_argument('--csv', metavar='FILE', help='write a .csv file; - means stdout')
    return parser.parse_args()


def check_options(args: argparse.Namespace) -> None:
    """Refuse what cannot work before anything is counted."""
    for option in ('json', 'csv'):
        path = getattr(args, option)
        if path not in (None, '-') and Path(path).suffix != f'.{option}':
            raise UserError(f'--{option} {path}: name a .{option} file, or - for stdout')
    if args.json == args.csv == '-':
        raise UserError('--json - and --csv - would mix on stdout: write one of them to a file')
    if args.depth is not None and args.depth < 0:
        raise UserError(f'--depth {args.depth}: give 0 for the whole network, 1, 2, ...')
    if args.split and args.shape:
        raise UserError('--shape is one size, --split counts the sizes of real images: give one')
    if args.split and args.depth is not None:
        raise UserError('--depth shows the modules for one image: give --shape instead of --split')


def read_config(args: argparse.Namespace) -> Config | None:
    """The config, or None for a name; refuse options that are for the other."""
    config, is_config = None, args.network.endswith(CONFIG_SUFFIXES)
    check_overrides(args, is_config)
    if is_config:
        config = load_config(args.network, args.cfg_options)
        require(config, 'model')
    if config is None or not is_detection_config(config):
        for option in ('split', 'checkpoint'):
            if getattr(args, option):
                raise UserError(f'--{option} is for configs of detectors, {args.network} is none')
    return config


def count(args: argparse.Namespace, config: Config | None) -> tuple[NetworkCosts, int]:
    """Build the network and count; also how many frames it sees together."""
    typed = parse_input_shape(args.shape) if args.shape else None
    if config is not None:
        classifier = build_classifier(config)
        network = multi_exit_network(classifier)
        shape = config_input_shape(config, typed)
        check_kind(shape, args.network, videos=is_video_model(classifier))
    else:
        settings = parse_settings(args.set)
        network = create_model(args.network, **settings)
        shape = name_input_shape(network, typed)
    frames = shape[0] if len(shape) == 4 else 1
    if frames % network.num_segments:
        raise UserError(
            f'{args.network} sees {network.num_segments} frames of a video together, but is to be '
            f'counted on {frames}: give a multiple, such as --shape '
            f'{" ".join(map(str, (network.num_segments, *shape[-3:])))}'
        )
    with told_if_it_cannot_run(args.network, shape):
        return network_costs(network, shape), network.num_segments


@contextlib.contextmanager
def told_if_it_cannot_run(network: str, shape: Sequence[int]) -> Iterator[None]:
    """Turn what torch says of an input that does not fit into an error of the user's."""
    try:
        yield
    except (RuntimeError, AssertionError) as error:
        raise UserError(
            f'{network} cannot run on an input of {" x ".join(map(str, shape))}: {error} '
            '(DYNP_TRACEBACK=1 shows where)'
        ) from error


def check_kind(shape: tuple[int, ...], config: str, videos: bool) -> None:
    """Refuse frames for a network of pictures, and none for one of videos."""
    size = ' '.join(map(str, shape))
    if videos and len(shape) == 3:
        raise UserError(
            f'{config} has a network of videos, but nothing says how many frames of {size} they '
            'have: give --shape FRAMES 3 HEIGHT WIDTH'
        )
    if not videos and len(shape) == 4:
        raise UserError(
            f'{size}: {config} has a network of pictures, which have no frames: give --shape '
            '3 HEIGHT WIDTH'
        )


def write(text: str, path: str) -> None:
    """Write to a file, or to stdout where it is called -."""
    if path == '-':
        sys.stdout.write(text)
        return
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding='utf-8')


def texts_of_network(args: argparse.Namespace, config: Config | None) -> Texts:
    """Count a network with exits."""
    costs, num_segments = count(args, config)
    settings = args.cfg_options or parse_settings(args.set)
    record = cost_record(args.network, settings, costs, versions(), args.depth, num_segments)
    return Texts(
        table=lambda: cost_text(args.network, settings, costs, args.depth, num_segments),
        json=lambda: cost_json(record),
        csv=lambda: cost_csv(record),
    )


def texts_of_detector(args: argparse.Namespace, config: Config) -> Texts:
    """Count a detector."""
    # mmdet takes its time to be imported, and nothing else needs it.
    from benchmarks.detection.input_sizes import usual_size
    from benchmarks.detection.part_costs import detector_costs
    from benchmarks.detection.split_costs import split_costs
    from dynp_plugins.checkpoints import read_checkpoint
    from dynp_plugins.openmmlab.checkpoint_files import find_checkpoint
    from dynp_plugins.openmmlab.detectors import build_detector, load_detector
    from reports.costs.detector_files import detector_csv, detector_record
    from reports.costs.detectors import detector_text

    typed = parse_input_shape(args.shape) if args.shape else None
    if typed is not None and len(typed) == 4:
        raise UserError(f'--shape {" ".join(args.shape)}: a detector takes images: HEIGHT WIDTH')
    if args.checkpoint:
        checkpoint = read_checkpoint(find_checkpoint(args.checkpoint))
        detector, _ = load_detector(config, checkpoint)
    else:
        torch.manual_seed(0)  # proposals of random weights are the same in every run
        detector = build_detector(config)
    if args.split:
        costs = split_costs(detector, config, args.split)
    else:
        size = typed[1:] if typed else usual_size(config, detector.data_preprocessor)
        with told_if_it_cannot_run(args.network, (3, *size)):
            costs = detector_costs(detector, size)
    settings = args.cfg_options or {}
    told = (args.network, settings, costs)
    record = detector_record(*told, versions(), args.checkpoint, args.depth)
    return Texts(
        table=lambda: detector_text(*told, args.checkpoint, args.depth),
        json=lambda: cost_json(record),
        csv=lambda: detector_csv(record),
    )


@exits_on_user_error
def main() -> None:
    args = parse_args()
    logging.basicConfig(level=logging.INFO, format='%(message)s')
    check_options(args)
    with contextlib.redirect_stdout(sys.stderr):
        config = read_config(args)
        detects = config is not None and is_detection_config(config)
        texts = texts_of_detector(args, config) if detects else texts_of_network(args, config)
    for path, text in ((args.json, texts.json), (args.csv, texts.csv)):
        if path:
            write(text(), path)
    if '-' not in (args.json, args.csv):
        print(texts.table())


if __name__ == '__main__':
    main()
