"""Numbers as the page writes them."""

import math

from benchmarks.interval import Interval

DASH = '\N{EN DASH}'
TIMES = '\N{MULTIPLICATION SIGN}'
MINUS = '\N{MINUS SIGN}'


def significant(value: float) -> str:
    """Three significant digits, no power of ten."""
    if not value or not math.isfinite(value):
        return f'{value:.0f}'
    decimals = 2 - math.floor(math.log10(abs(value)))
    return f'{value:.{min(max(decimals, 0), 9)}f}'


def number(value: float | None, digits: int = 2) -> str:
    """With so many decimals; a dash for what is not known."""
    return DASH if value is None else f'{value:.{digits}f}'


def between(interval: Interval | None, digits: int = 2, scale: float = 1.0) -> str:
    """An interval in a table; a dash for none."""
    if interval is None:
        return DASH
    low, high = (
        f'{scale * end:.{digits}f}'.replace('-', MINUS) for end in (interval.low, interval.high)
    )
    return f'{low}{DASH}{high}'


def sure(interval: Interval | None, digits: int = 1) -> str:
    """An interval in a sentence."""
    if interval is None:
        return 'no interval'
    low, high = (f'{end:.{digits}f}'.replace('-', MINUS) for end in (interval.low, interval.high))
    return f'95 %: {low} to {high}'


def speedup(value: float) -> str:
    """A ratio as a factor."""
    return f'{value:.2f}{TIMES}'
