"""What the maintained forks say, up to three times a command, of a package that nobody needs here.

Where their optional ``onedl`` is not installed, mmpretrain and mmdet print so while they are
imported: `print_log` without a logger prints whatever its level is.
"""

import importlib
from types import ModuleType
from typing import Any

from .import_hook import Execute

_SAID = 'Could not import OneDL'


def execute_without_a_word_of_onedl(module: ModuleType, execute: Execute) -> None:
    """Run a module; of what mmengine's `print_log` prints meanwhile, that message alone is lost."""
    logger = importlib.import_module('mmengine.logging.logger')
    before = vars(logger).get('print')

    def say(*texts: Any, **options: Any) -> None:
        if not (texts and str(texts[0]).startswith(_SAID)):
            print(*texts, **options)

    logger.print = say  # in that module only, in place of the built-in
    try:
        execute(module)
    finally:
        if before is None:
            del logger.print
        else:
            logger.print = before


REPAIRS = dict.fromkeys(
    ('mmpretrain.datasets', 'mmdet.datasets', 'mmdet.datasets.transforms'),
    execute_without_a_word_of_onedl,
)
