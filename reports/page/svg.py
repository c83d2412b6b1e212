"""Round numbers for the axes of small drawings that are part of the page's HTML."""

import math


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """At most ``most`` round numbers from ``low`` to ``high``, 1, 2 or 5 x 10^n apart."""
    span = high - low
    if not span > 0:
        return [low]
    power = 10.0 ** math.floor(math.log10(span / most))
    for step in (power, 2 * power, 5 * power, 10 * power, 20 * power):
        first = math.ceil(low / step - 1e-9)
        count = math.floor(high / step + 1e-9) - first + 1
        if count <= most:
            return [round((first + i) * step, 12) for i in range(count)]
    return []


def plain(value: float) -> str:
    """A tick's number without trailing zeros."""
    return f'{value:.6g}'
