"""What every figure for papers has around its axes: title, legend and small print, in inches."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from benchmarks.interval import Interval
from dynp_plugins.atomic_files import atomic_path
from dynp_plugins.errors import UserError

from ..labels import one_line
from ..series import series_style

WIDTH = 7.2
LEFT, RIGHT, GAP = 0.68, 0.28, 0.72
MARGIN = 0.12  # of text
HANDLE = 0.75  # of the legend, with its gaps
LINE, NOTE_LINE = 0.165, 0.155  # from one line of small text to the next
INK, MUTED, RULE = '#1c1e21', '#5b6068', '#e3e0da'
RC = {
    'font.family': 'sans-serif',
    'font.size': 9,
    'text.color': INK,
    'axes.edgecolor': MUTED,
    'axes.labelcolor': INK,
    'xtick.color': MUTED,
    'ytick.color': MUTED,
    'svg.hashsalt': 'curve',  # equal results give equal bytes
}


@dataclass(frozen=True)
class Row:
    """Axes side by side.

    Attributes:
        title: Above them; empty for none.
        height: Of the axes.
        columns: How many.
    """

    title: str
    height: float
    columns: int = 1


@dataclass(frozen=True)
class Legend:
    """What lines and marks mean: a handle for each name."""

    handles: list[Line2D]
    names: list[str]


def save_figure(make: Callable[[], Figure], path: str | Path) -> None:
    """Save a figure as PNG or SVG; the file appears whole or not at all.

    Raises:
        UserError: Another suffix, or a folder that cannot be written.
    """
    path = Path(path)
    if path.suffix not in ('.png', '.svg'):
        raise UserError(f'{path}: a figure is drawn as .png or .svg')
    with matplotlib.rc_context(RC), atomic_path(path) as temporary:
        metadata = {'Date': None} if path.suffix == '.svg' else None
        make().savefig(temporary, dpi=200, metadata=metadata)


def framed(title: str, rows: Sequence[Row], legend: Legend, note: str) -> tuple[Figure, list[Axes]]:
    """A figure with empty axes, row by row from the top.

    Args:
        title: A sentence.
        rows: Of axes.
        legend: Shared by all axes.
        note: Small print.
    """
    legend = Legend(legend.handles, [_fitted(name) for name in legend.names])
    title_lines = wrapped(title, 11.5, 'bold')
    note_lines = wrapped(note, 7)
    columns = _legend_columns(legend)
    legend_rows = -(-len(legend.names) // columns)
    note_top = 0.1 + NOTE_LINE * len(note_lines)
    legend_top = note_top + 0.12 + LINE * legend_rows + 0.06
    row_lines = [wrapped(row.title, 9.5, 'bold') for row in rows]
    heights = [
        0.44 + row.height + 0.2 * len(lines) for row, lines in zip(rows, row_lines, strict=True)
    ]
    gaps = 0.14 * (len(rows) - 1)
    height = legend_top + sum(heights) + gaps + 0.16 + 0.22 * len(title_lines)
    figure = Figure(figsize=(WIDTH, height))
    FigureCanvasAgg(figure)
    axes, top = [], height - 0.16 - 0.22 * len(title_lines)
    for row, lines, used in zip(rows, row_lines, heights, strict=True):
        _write(figure, MARGIN, top + 0.06, lines, size=9.5, weight='bold')
        bottom = top - used + 0.44
        width = (WIDTH - LEFT - RIGHT - GAP * (row.columns - 1)) / row.columns
        for column in range(row.columns):
            left = LEFT + column * (width + GAP)
            rectangle = left / WIDTH, bottom / height, width / WIDTH, row.height / height
            axes.append(_styled(figure.add_axes(rectangle)))
        top -= used + 0.14
    _write(figure, MARGIN, height - 0.1, title_lines, size=11.5, weight='bold', linespacing=1.25)
    _write(figure, MARGIN, note_top, note_lines, size=7, color=MUTED, linespacing=1.35)
    _add_legend(figure, legend, columns, legend_top)
    return figure, axes


def draw_whiskers(
    axes: Axes, marks: np.ndarray, intervals: Sequence[Interval], colour: str
) -> list[np.ndarray]:
    """Vertical lines through marks (N, 2), from one end of their intervals to the other."""
    whiskers = [
        np.array([(x, interval.low), (x, interval.high)])
        for (x, _), interval in zip(marks, intervals, strict=True)
    ]
    for whisker in whiskers:
        axes.plot(*whisker.T, color=colour, linewidth=0.9, alpha=0.8, zorder=3.5)
    return whiskers


def wrapped(text: str, size: float, weight: str = 'normal') -> list[str]:
    """Text as lines that fit between the figure's margins; only words that do not are broken."""
    most, lines = WIDTH - 2 * MARGIN, ['']
    for word in text.split(' '):
        longer = f'{lines[-1]} {word}' if lines[-1] else word
        if text_width(longer, size, weight) <= most:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append('')
        for letter in word:
            if text_width(lines[-1] + letter, size, weight) > most:
                lines.append('')
            lines[-1] += letter
    return lines if text else []


def text_width(text: str, size: float, weight: str = 'normal') -> float:
    """Inches that a line of text takes."""
    font = FontProperties(family=RC['font.family'], size=size, weight=weight)
    return _ruler().get_text_width_height_descent(text, font, False)[0] / _ruler().dpi


@cache
def _ruler() -> RendererAgg:
    """A renderer to measure text with."""
    return FigureCanvasAgg(Figure(dpi=200)).get_renderer()


def dash_of(index: int):
    """The line style of a model in matplotlib's words."""
    dash = series_style(index).dash
    return (0, dash) if dash else '-'


def mark_of(index: int, filled: bool = False) -> dict:
    """A model's mark; white inside, so that it stays visible on its own line, unless filled."""
    style = series_style(index)
    size = 7 if style.marker not in '*PX' else 8.5
    return {
        'marker': style.marker,
        'markersize': size,
        'markerfacecolor': style.light if filled else 'white',
        'markeredgecolor': style.light,
        'markeredgewidth': 1.5,
    }


def policy_mark_of(index: int) -> dict:
    """The mark of a model's single policies: a six-pointed star, as on the page."""
    return {
        'marker': (6, 1, 0),
        'markersize': 11,
        'markerfacecolor': series_style(index).light,
        'markeredgecolor': 'white',
        'markeredgewidth': 0.8,
    }


def _styled(axes: Axes) -> Axes:
    axes.grid(color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[['top', 'right']].set_visible(False)
    axes.tick_params(length=3)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 5, 10]))
    return axes


def _write(figure: Figure, x: float, y: float, lines: list[str], **look) -> None:
    """Lines of text, if there are any, whose upper left corner is at (x, y) inches."""
    if not lines:
        return
    width, height = figure.get_size_inches()
    at = {'ha': 'left', 'va': 'top', 'parse_math': False}
    figure.text(x / width, y / height, '\n'.join(lines), **at, **look)


def _fitted(name: str) -> str:
    """A name that is at most as long as a row of the legend."""
    most = len(name)
    while text_width(one_line(name, most), 8) > WIDTH - MARGIN - HANDLE and most > 8:
        most -= 4
    return one_line(name, most)


def _legend_columns(legend: Legend) -> int:
    """Two columns where they fit, else one; matplotlib fills the first column first."""
    half = -(-len(legend.names) // 2)
    parts = [part for part in (legend.names[:half], legend.names[half:]) if part]
    widths = [HANDLE + max(text_width(name, 8) for name in part) for part in parts]
    return 2 if sum(widths) + 0.2 <= WIDTH - MARGIN else 1


def _add_legend(figure: Figure, legend: Legend, columns: int, top: float) -> None:
    drawn = figure.legend(
        legend.handles,
        [str(i) for i in range(len(legend.names))],
        loc='upper left',
        bbox_to_anchor=((MARGIN - 0.07) / WIDTH, top / figure.get_size_inches()[1]),
        ncols=columns,
        frameon=False,
        fontsize=8,
        handlelength=4.6,
        columnspacing=1.6,
        labelspacing=0.45,
        borderpad=0.2,
    )
    for text, name in zip(drawn.get_texts(), legend.names, strict=True):
        text.set_parse_math(False)  # a $ in a name is a $
        text.set_text(name)
