"""Progress of a loop: a bar on a terminal, a few plain lines otherwise."""

import logging
from collections.abc import Iterator, Sized
from typing import Any

from rich.console import Console
from rich.progress import track as rich_track

_LINES = 4
_logger = logging.getLogger(__name__)


def track(steps: Any, description: str, unit: str = 'batches') -> Iterator:
    """Iterate over ``steps``, a sized iterable of some unit, and show how far it is.

    On a terminal stderr gets a bar; otherwise the logger gets a line at every quarter.
    """
    console = Console(stderr=True)
    if console.is_terminal:
        yield from rich_track(steps, description, console=console)
        return
    total = len(steps) if isinstance(steps, Sized) else None
    for done, step in enumerate(steps, 1):
        yield step
        if total and done * _LINES // total > (done - 1) * _LINES // total:
            _logger.info('%s: %d of %d %s', description, done, total, unit)
