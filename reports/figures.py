"""The curve as a picture for papers and READMEs: accuracy against mean MACs, PNG or SVG."""

import textwrap
from itertools import pairwise
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from benchmarks.results import ModelResult, Results
from dynp_plugins.atomic_files import atomic_path
from dynp_plugins.errors import UserError

from .axes import ACCURACY_TITLE, axis_ranges, check_drawable, cost_unit
from .findings import results_finding, same_test_split, training_finding
from .label_placement import NEAR, place_labels
from .labels import one_line, series_names, typeset
from .series import series_style

WIDTH, AXES_HEIGHT = 7.2, 3.9  # inches
LEFT, RIGHT = 0.68, 0.28
LINE = 0.165  # inches from one line of small text to the next
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


def draw_curve(results: Results, path: str | Path) -> None:
    """Draw top-1 accuracy against mean MACs, one line per model, and its exits as named marks.

    Args:
        results: What was measured.
        path: ``.png`` or ``.svg``; the file appears whole or not at all.

    Raises:
        UserError: Another suffix, results without a curve, or a folder that cannot be written.
    """
    path = Path(path)
    if path.suffix not in ('.png', '.svg'):
        raise UserError(f'{path}: a curve is drawn as .png or .svg')
    with matplotlib.rc_context(RC), atomic_path(path) as temporary:
        metadata = {'Date': None} if path.suffix == '.svg' else None
        curve_figure(results).savefig(temporary, dpi=200, metadata=metadata)


def curve_figure(results: Results) -> Figure:
    """The figure that `draw_curve` saves, laid out line by line in inches."""
    check_drawable(results)
    title = textwrap.wrap(typeset(results_finding(results)), 72)
    note = textwrap.wrap(_note(results), 138)
    handles, names = _legend_entries(results)
    columns = 2 if max(map(len, names)) <= 48 else 1
    rows = -(-len(names) // columns)
    below = 0.5 + LINE * rows + 0.12 + 0.15 * len(note) + 0.08
    above = 0.16 + 0.22 * len(title)
    height = below + AXES_HEIGHT + above
    figure = Figure(figsize=(WIDTH, height))
    FigureCanvasAgg(figure)
    axes = figure.add_axes(
        (LEFT / WIDTH, below / height, (WIDTH - LEFT - RIGHT) / WIDTH, AXES_HEIGHT / height)
    )
    _draw(axes, results)
    at_left = {'x': 0.12 / WIDTH, 'ha': 'left', 'va': 'top', 'parse_math': False}
    figure.text(
        y=1 - 0.1 / height,
        s='\n'.join(title),
        size=11.5,
        weight='bold',
        linespacing=1.25,
        **at_left,
    )
    figure.text(
        y=(0.08 + 0.15 * len(note)) / height,
        s='\n'.join(note),
        size=7,
        color=MUTED,
        linespacing=1.35,
        **at_left,
    )
    legend = figure.legend(
        handles,
        [str(i) for i in range(len(names))],
        loc='upper left',
        bbox_to_anchor=(0.05 / WIDTH, (below - 0.44) / height),
        ncols=columns,
        frameon=False,
        fontsize=8,
        handlelength=4.6,
        columnspacing=1.6,
        labelspacing=0.45,
        borderpad=0.2,
    )
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_parse_math(False)  # a $ in a name is a $
        text.set_text(name)
    _name_exits(axes, results)
    return figure


def _draw(axes: Axes, results: Results) -> None:
    """Lines and marks."""
    unit = cost_unit(results)
    x_range, y_range = axis_ranges(results)
    axes.set(xlim=x_range, ylim=y_range, xlabel=unit.axis_title, ylabel=ACCURACY_TITLE)
    axes.grid(color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[['top', 'right']].set_visible(False)
    axes.tick_params(length=3)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 5, 10]))
    for i, model in enumerate(results.models):
        style = series_style(i)
        line, exits = _line(model) * (unit.per_giga, 1), _exits(model) * (unit.per_giga, 1)
        axes.plot(*line.T, color=style.light, linestyle=_dash(style.dash), linewidth=1.8, zorder=3)
        axes.plot(*exits.T, **_mark(i), linestyle='none', zorder=4)


def _line(model: ModelResult) -> np.ndarray:
    """(M, 2) mean GMACs and top-1 percent of the budgets, in order of their targets."""
    points = sorted(model.points, key=lambda point: point.target_gmacs)
    return np.array([(point.gmacs_mean, point.top1_percent) for point in points])


def _exits(model: ModelResult) -> np.ndarray:
    """(K, 2) GMACs and top-1 percent when every image leaves at one exit."""
    return np.array([(exit.gmacs, exit.test_top1_percent) for exit in model.exits])


def _dash(dash: tuple[float, ...]):
    """Line style in matplotlib's words."""
    return (0, dash) if dash else '-'


def _mark(index: int) -> dict:
    """The mark of a model's exits: filled white, so that it stays visible on its own line."""
    style = series_style(index)
    return {
        'marker': style.marker,
        'markersize': 7 if style.marker not in '*PX' else 8.5,
        'markerfacecolor': 'white',
        'markeredgecolor': style.light,
        'markeredgewidth': 1.5,
    }


def _legend_entries(results: Results) -> tuple[list[Line2D], list[str]]:
    """Handles and names: the models, then what lines and marks mean."""
    handles = []
    for i in range(len(results.models)):
        style = series_style(i)
        look = {'color': style.light, 'linestyle': _dash(style.dash), 'linewidth': 1.8}
        handles.append(Line2D([], [], **look, **_mark(i)))
    names = [one_line(name, 72) for name in series_names(results)]
    if len(results.models) == 1:
        handles = [Line2D([], [], color=series_style(0).light, linewidth=1.8)]
        handles.append(Line2D([], [], linestyle='none', **_mark(0)))
        names = [names[0] + ': each image leaves at its threshold']
        names.append('every image leaves at this exit')
    return handles, names


def _note(results: Results) -> str:
    """The small print: what was measured on what."""
    sets = []
    for model in results.models:
        text = (
            f'{one_line(model.dataset, 60)}: measured on {model.test.samples:,} test images, with '
            f'thresholds chosen on a calibration split of {model.calibration.samples:,} others.'
        )
        if text not in sets:
            sets.append(text)
    text = ' '.join(sets) + ' MACs are multiply-adds; FLOPs are twice as many.'
    if len(results.models) > 1:
        text = 'Line: each image leaves at its threshold. Mark: every image leaves there. ' + text
        if not same_test_split(results):
            text += ' The models were tested on different images: their accuracies do not compare.'
    trained = training_finding(results)
    return f'{text} {trained}.' if trained else text


def _name_exits(axes: Axes, results: Results) -> None:
    """Write each exit's name beside its mark, with a leader line where there is no room nearby."""
    unit = cost_unit(results)
    renderer = axes.figure.canvas.get_renderer()
    to_points = 72 / axes.figure.dpi
    names, colours, marks, obstacles = [], [], [], []
    for i, model in enumerate(results.models):
        exits = axes.transData.transform(_exits(model) * (unit.per_giga, 1)) * to_points
        line = axes.transData.transform(_line(model) * (unit.per_giga, 1)) * to_points
        marks.append(exits)
        obstacles += [exits, *_ring(exits), _sampled(line)]
        names += [one_line(exit.name, 24) for exit in model.exits]
        colours += [series_style(i).light] * len(model.exits)
    texts = [
        axes.text(0, 0, name, size=8, color=colour, ha='center', va='center', parse_math=False)
        for name, colour in zip(names, colours, strict=True)
    ]
    for text in texts:
        text.set_zorder(5)
    extents = [text.get_window_extent(renderer) for text in texts]
    sizes = np.array([(box.width, box.height) for box in extents]) * to_points + (2, 0)
    marks = np.vstack(marks)
    area = tuple(axes.bbox.extents * to_points)
    centres = place_labels(marks, sizes, np.vstack(obstacles), area)
    for text, mark, centre, size in zip(texts, marks, centres, sizes, strict=True):
        text.set_position(axes.transData.inverted().transform(centre / to_points))
        gap = np.maximum(np.abs(centre - mark) - size / 2, 0)
        if gap.max() > 2 * NEAR + 1:
            end = np.clip(mark, centre - size / 2, centre + size / 2)  # nearest edge of the name
            ends = axes.transData.inverted().transform(np.stack([mark, end]) / to_points)
            axes.plot(*ends.T, color=text.get_color(), linewidth=0.5, alpha=0.7, zorder=2)


def _ring(marks: np.ndarray) -> list[np.ndarray]:
    """Points around each mark, so that a name keeps off its rim."""
    around = np.deg2rad(np.arange(0, 360, 45))
    return [marks + 4 * np.array([np.cos(a), np.sin(a)]) for a in around]


def _sampled(line: np.ndarray) -> np.ndarray:
    """Points every point or so along a line (M, 2)."""
    pieces = [line[:1]]
    for start, end in pairwise(line):
        steps = max(int(np.abs(end - start).max() / 1.5), 1)
        pieces.append(start + (end - start) * (np.arange(1, steps + 1) / steps)[:, None])
    return np.vstack(pieces)
