"""Tables as plain text, for the terminal."""

from collections.abc import Sequence


def aligned_rows(rows: Sequence[Sequence[str]], first_width: int = 20) -> list[str]:
    """Rows as lines: the first column to the left, the others to the right, indented by two.

    Args:
        rows: The first one holds the titles; all are equally long.
        first_width: The first column is at least so wide.
    """
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    widths[0] = max(widths[0], first_width)
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append('  ' + '  '.join(cells).rstrip())
    return lines
