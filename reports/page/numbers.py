"""Numbers as the page writes them."""

import math

from benchmarks.interval import Interval

DASH = '\N{EN DASH}'
TIMES = '\N{MULTIPLICATION SIGN}'
MINUS = '\N{MINUS SIGN}'


NO_WIDTH = 'the same in every bootstrap draw'
"""Said in place of an interval from a number to itself."""


def has_width(interval: Interval) -> bool:
    """Whether an interval's ends differ by more than rounding in the last bits."""
    return not math.isclose(interval.low, interval.high, rel_tol=1e-9)


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
    """An interval in a table; a dash for none, and for one without a width."""
    if interval is None or not has_width(interval):
        return DASH
    low, high = (
        f'{scale * end:.{digits}f}'.replace('-', MINUS) for end in (interval.low, interval.high)
    )
    return f'{low}{DASH}{high}'


def sure(interval: Interval | None, digits: int = 1) -> str:
    """An interval in a sentence."""
    if interval is None:
        return 'no interval'
    if not has_width(interval):
        return NO_WIDTH
    low, high = (f'{end:.{digits}f}'.replace('-', MINUS) for end in (interval.low, interval.high))
    return f'95 %: {low} to {high}'


def confidence_text(threshold: float | None, measure: str) -> str:
    """A threshold, with as many digits as tell it from 0 and from 1.

    Args:
        threshold: None where nobody leaves.
        measure: Name of the confidence measure.
    """
    if threshold is None:
        return 'closed'
    if threshold <= (1 if measure == 'patience' else 0):
        return 'all'
    if threshold == round(threshold):
        return f'{threshold:.0f}'
    distance = abs(threshold - round(threshold))
    decimals = 4 if distance >= 5e-5 else min(1 - math.floor(math.log10(distance)), 9)
    return f'{threshold:.{decimals}f}'


def speedup(value: float) -> str:
    """A ratio as a factor."""
    return f'{value:.2f}{TIMES}'
