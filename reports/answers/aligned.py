"""Text in columns that may hold any characters: nothing is cut, nothing moves the terminal."""

from collections.abc import Collection, Sequence

from rich.cells import cell_len


def aligned_lines(
    rows: Sequence[Sequence[str]], right: Collection[int], short: int = 2
) -> list[str]:
    """Rows as lines.

    Args:
        rows: The first one holds the titles. A row of up to ``short`` cells is one that says
            something else behind the first column; it does not widen the others.
        right: Columns that are aligned to the right.
        short: See ``rows``.
    """
    full = [row for row in rows if len(row) > short]
    widths = [max(cell_len(row[0]) for row in rows)]
    widths += [max(cell_len(row[i]) for row in full) for i in range(1, len(rows[0]))]
    return [
        '  '.join(_pad(cell, widths[i], i in right) for i, cell in enumerate(row)).rstrip()
        for row in rows
    ]


def printable(text: str) -> str:
    """Text without what would move the cursor or colour the terminal."""
    return ''.join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _pad(text: str, width: int, right: bool) -> str:
    """Filled up with blanks; characters of double width count twice."""
    blanks = ' ' * (width - cell_len(text))
    return blanks + text if right else text + blanks
