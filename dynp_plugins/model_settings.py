"""Settings of a network as they are typed on a command line: ``--set KEY=VALUE ...``."""

import argparse
import ast
from collections.abc import Sequence
from typing import Any

from .errors import UserError

_WORDS = {'true': True, 'false': False, 'none': None}
# What functions that build networks from settings are given besides.
_NO_SETTINGS = {'name', 'model', 'checkpoint', 'source', 'destination', 'origin', 'overwrite'}


def add_settings_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--set``, whose texts `parse_settings` reads."""
    parser.add_argument(
        '--set',
        nargs='+',
        action='extend',
        default=[],
        metavar='KEY=VALUE',
        help='settings of the model, e.g. depth_factor=1,1,1,2 num_latents=128',
    )


def check_overrides(args: argparse.Namespace, is_config: bool) -> None:
    """Refuse ``--set`` where a config is given, and ``--cfg-options`` where a name is.

    Raises:
        UserError: One is.
    """
    if is_config and args.set:
        raise UserError('--set is for names; for a config give --cfg-options')
    if not is_config and args.cfg_options:
        raise UserError('--cfg-options is for configs; for a name give --set')


def parse_settings(texts: Sequence[str]) -> dict[str, Any]:
    """``key=value`` texts as keyword arguments.

    A value is a Python literal; bare commas make a tuple, bare words are strings, except for
    ``true``, ``false`` and ``none`` in any case.

    Raises:
        UserError: A text is not ``key=value``, or sets what is no setting of a network.
    """
    return dict(_parse_setting(text) for text in texts)


def _parse_setting(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition('=')
    if not equals or not key.isidentifier():
        raise UserError(f'--set {text}: write it as key=value, for example num_latents=128')
    if key in _NO_SETTINGS:
        raise UserError(f'--set {text}: this is no setting of the network')
    if value.lower() in _WORDS:
        return key, _WORDS[value.lower()]
    try:
        return key, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return key, value
