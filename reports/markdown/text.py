"""GitHub-flavoured Markdown from strings and numbers that may hold anything."""

import math
import re
from collections.abc import Sequence

from benchmarks.interval import Interval

from ..labels import one_line

MISSING = '-'


def escaped(text: str, most: int = 200) -> str:
    """Text that Markdown shows as it is, on one line, also in a cell of a table.

    Underscores within words stay bare: they are no emphasis there.
    """
    text = one_line(text, most).replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')
    text = re.sub(r'([\\`*\[\]#|~$!])', r'\\\1', text)
    return re.sub(r'(?<![^\W_])_|_(?![^\W_])', r'\\_', text)


def code_block(text: str) -> str:
    """Text as it is, in a fence that it cannot close; line breaks become spaces."""
    text = one_line(text, 10_000)
    longest = max((len(run) for run in re.findall('`+', text)), default=0)
    fence = '`' * max(longest + 1, 3)
    return f'{fence}text\n{text}\n{fence}'


def table(header: Sequence[str], rows: Sequence[Sequence[str]], texts: int = 1) -> str:
    """A table; the first ``texts`` columns are to the left, numbers to the right.

    Args:
        header: Titles of the columns, already escaped, as the cells are.
        rows: The cells.
        texts: How many columns hold text.
    """
    rule = [':---' if i < texts else '---:' for i in range(len(header))]
    return '\n'.join(f'| {" | ".join(cells)} |' for cells in (header, rule, *rows))


def number(value: float | None, decimals: int = 2) -> str:
    """A number, or a dash where there is none."""
    return MISSING if value is None else f'{value + 0.0:.{decimals}f}'


def significant(value: float, digits: int = 4) -> str:
    """A number with so many significant digits, without a power of ten."""
    decimals = digits - 1 - math.floor(math.log10(abs(value))) if value else 0
    return f'{value:,.{min(max(decimals, 0), 9)}f}'


def span(interval: Interval | None, decimals: int = 2) -> str:
    """An interval, or a dash where there is none."""
    if interval is None:
        return MISSING
    return f'{number(interval.low, decimals)} to {number(interval.high, decimals)}'
