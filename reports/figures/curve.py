"""The curve as a picture for papers and READMEs: accuracy against mean MACs, PNG or SVG."""

from itertools import cycle
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from benchmarks.results import ModelResult, Results

from ..axes import (
    ACCURACY_TITLE,
    CostUnit,
    axis_ranges,
    check_drawable,
    cost_unit,
    published_between,
)
from ..detection.panels import chosen_points, detector_panels
from ..findings import group_finding, results_finding, training_finding
from ..labels import one_line, own_names, series_names, typeset
from ..panels import Panel, panels, sample_word
from ..published import ANYTIME, PublishedCurve, published_curves
from ..sample_words import frames_finding, sample_words
from ..series import PUBLISHED_DASHES, series_style
from .detection import detection_note, detection_title, draw_detectors
from .frame import Legend, Row, dash_of, draw_whiskers, framed, mark_of, policy_mark_of, save_figure
from .mark_names import MarkName, write_names

HEIGHTS = (3.9, 3.1, 2.5)
"""Of each axes, in inches: of the only ones, of two, and of three or more."""

BAND = 0.16
"""How much of its colour the interval of a curve keeps."""

PUBLISHED = '#8a8f96'
PUBLISHED_MARKS = ('x', '+', '1', '3')


def draw_curve(results: Results, path: str | Path) -> None:
    """Draw top-1 accuracy against mean MACs, one line per model, and its exits as named marks.

    Lines lie in a band, and marks on whiskers, of their 95 % intervals. Models that were tested on
    different samples have axes of their own, and so have detectors; see `draw_detectors`.

    Args:
        results: What was measured.
        path: ``.png`` or ``.svg``; the file appears whole or not at all.

    Raises:
        UserError: Another suffix, results without a curve, or a folder that cannot be written.
    """
    save_figure(lambda: curve_figure(results), path)


def curve_figure(results: Results) -> Figure:
    """The figure that `draw_curve` saves."""
    check_drawable(results)
    groups, detectors = panels(results), detector_panels(results)
    titles = [_panel_title(group, results) for group in groups]
    titles += [detection_title(group, results) for group in detectors]
    height = HEIGHTS[min(len(titles), len(HEIGHTS)) - 1]
    rows = [Row(title if len(titles) > 1 else '', height) for title in titles]
    title = typeset(results_finding(results))
    figure, all_axes = framed(title, rows, _legend(results), _note(results))
    for axes, group in zip(all_axes, groups, strict=False):
        _draw(axes, group, results)
    for axes, group in zip(all_axes[len(groups) :], detectors, strict=True):
        draw_detectors(axes, group, len(results.models))
    return figure


def _panel_title(group: Panel, results: Results) -> str:
    first = group.models[0]
    finding = typeset(group_finding(group, results))
    return f'{one_line(first.task, 40)}, {one_line(first.dataset, 40)}: {finding}'


def _draw(axes: Axes, group: Panel, results: Results) -> None:
    """Lines and marks of one group of models."""
    unit = cost_unit(results, group.models)
    published = _published(group, results)
    x_range, y_range = axis_ranges(results, group.models, published)
    axes.set(xlim=x_range, ylim=y_range, xlabel=unit.axis_title, ylabel=ACCURACY_TITLE)
    names, lines = [], []
    for curve, look in _published_looks(results):
        if curve not in published:
            continue
        points = np.array(curve.points) * (unit.per_giga, 1)
        axes.plot(*points.T, **look, zorder=2)
        lines += [points] if _is_line(curve) else [*points[:, None]]
    for i, model in zip(group.indices, group.models, strict=True):
        lines += _draw_model(axes, i, model, unit)
        names += _names(i, model, unit)
    write_names(axes, names, lines)


def _draw_model(axes: Axes, index: int, model: ModelResult, unit: CostUnit) -> list[np.ndarray]:
    """One model; returns its lines, (M, 2) each."""
    colour = series_style(index).light
    points = sorted(model.points, key=lambda point: point.target_gmacs)
    line = np.array([(point.gmacs_mean * unit.per_giga, point.top1_percent) for point in points])
    band = np.array([(point.top1_interval.low, point.top1_interval.high) for point in points])
    order = line[:, 0].argsort(kind='stable')
    look = {'color': colour, 'alpha': BAND, 'linewidth': 0}
    axes.fill_between(line[order, 0], *band[order].T, **look, zorder=1.5)
    axes.plot(*line.T, color=colour, linestyle=dash_of(index), linewidth=1.8, zorder=3)
    marks = np.array([(exit.gmacs * unit.per_giga, exit.test_top1_percent) for exit in model.exits])
    intervals = [exit.test_top1_interval for exit in model.exits]
    lines = [line, *draw_whiskers(axes, marks, intervals, colour)]
    axes.plot(*marks.T, **mark_of(index), linestyle='none', zorder=4)
    single = [one.point for one in model.operating_points]
    if single:
        places = np.array([(p.gmacs_mean * unit.per_giga, p.top1_percent) for p in single])
        lines += draw_whiskers(axes, places, [point.top1_interval for point in single], colour)
        axes.plot(*places.T, **policy_mark_of(index), linestyle='none', zorder=5)
    return lines


def _published(group: Panel, results: Results) -> list[PublishedCurve]:
    """Published curves that can be seen beside the models of a group."""
    found = published_curves(results, group.indices)
    (low, high), _ = axis_ranges(results, group.models)
    scale = cost_unit(results, group.models).per_giga
    return [curve for curve in found if published_between(curve, low / scale, high / scale)]


def _all_published(results: Results) -> list[PublishedCurve]:
    """Those of all groups, each once."""
    return list(dict.fromkeys(c for group in panels(results) for c in _published(group, results)))


def _published_looks(results: Results) -> list[tuple[PublishedCurve, dict]]:
    """Each curve as a grey line with its dash, or as grey marks where it is no line."""
    looks, dashes, marks = [], cycle(PUBLISHED_DASHES), cycle(PUBLISHED_MARKS)
    for curve in _all_published(results):
        look = {'color': PUBLISHED}
        if _is_line(curve):
            look |= {'linestyle': (0, next(dashes)), 'linewidth': 1.1}
        else:
            look |= {'marker': next(marks), 'markersize': 6, 'markeredgewidth': 1.2}
            look |= {'linestyle': 'none'}
        looks.append((curve, look))
    return looks


def _is_line(curve: PublishedCurve) -> bool:
    return curve.kind != ANYTIME and len(curve.points) > 1


def _names(index: int, model: ModelResult, unit: CostUnit) -> list[MarkName]:
    """Names of exits and of single policies."""
    colour = series_style(index).light
    exits = [
        MarkName(
            one_line(exit.name, 24), (exit.gmacs * unit.per_giga, exit.test_top1_percent), colour
        )
        for exit in model.exits
    ]
    return exits + [
        MarkName(
            one_line(one.name, 36),
            (one.point.gmacs_mean * unit.per_giga, one.point.top1_percent),
            colour,
            'italic',
        )
        for one in model.operating_points
    ]


def _legend(results: Results) -> Legend:
    """What lines and marks mean, published ones last."""
    own, published = _own_legend(results), _published_looks(results)
    handles = [Line2D([], [], **look) for _, look in published]
    names = [
        f'{curve.name}{" exits" if curve.kind == ANYTIME else ""}, published'
        for curve, _ in published
    ]
    return Legend(own.handles + handles, own.names + names)


def _own_legend(results: Results) -> Legend:
    """The models; one of a single point has no line. For one model also what else there is."""
    handles, names = [], [one_line(name, 72) for name in series_names(results)]
    for i, model in enumerate(results.models):
        line = {'linestyle': dash_of(i), 'linewidth': 1.8}
        look = line if len(model.points) > 1 else {'linestyle': 'none'}
        handles.append(Line2D([], [], color=series_style(i).light, **look, **mark_of(i)))
    first = len(handles)
    names += [one_line(name, 72) for name in own_names(results.detectors)]
    for i, detector in enumerate(results.detectors, first):
        look = {'linestyle': dash_of(i) if len(chosen_points(detector)) > 1 else 'none'}
        look |= mark_of(i, filled=True) | {'linewidth': 1.8}
        handles.append(Line2D([], [], color=series_style(i).light, **look))
    if len(names) == len(results.models) == 1:
        handles.append(Patch(facecolor=series_style(0).light, alpha=BAND))
        names.append(f'95 % interval over the test {sample_word(results.models)}s')
        if results.models[0].operating_points:
            handles.append(Line2D([], [], linestyle='none', **policy_mark_of(0)))
            names.append('a single policy')
    return Legend(handles, names)


def _note(results: Results) -> str:
    """The small print: what was measured on what."""
    word = sample_word([*results.models, *results.detectors])
    sets = []
    for model in results.models:
        text = (
            f'{one_line(model.dataset, 60)}: measured on {model.test.samples:,} test '
            f'{sample_words(model.task).many}, with '
            f'thresholds chosen on a calibration split of {model.calibration.samples:,} others.'
        )
        if text not in sets:
            sets.append(text)
    marks = _marks(results)
    sets += _frames(results)
    parts = [
        *marks,
        *sets,
        *detection_note(results),
        'MACs are multiply-adds; FLOPs are twice as many.',
    ]
    if len(panels(results)) + len(detector_panels(results)) > 1:
        parts.append(
            f'Models on different axes were tested on different {word}s: their accuracies do not '
            'compare.'
        )
    sources = dict.fromkeys(
        f'Grey {"lines" if _is_line(curve) else "marks"}: {curve.source}.'
        for curve in _all_published(results)
    )
    parts += sources
    trained = training_finding(results)
    return ' '.join(parts + ([f'{trained}.'] if trained else []))


def _marks(results: Results) -> list[str]:
    """What lines, marks and bands mean."""
    said = []
    if results.models:
        word = sample_word(results.models)
        said.append(f'Line: each {word} leaves at its threshold. Mark: every {word} leaves there.')
    if any(model.operating_points for model in results.models):
        said.append('Six-pointed star: a single policy.')
    word = sample_word([*results.models, *results.detectors])
    shapes = 'Bands and whiskers' if results.models else 'Whiskers'
    return [*said, f'{shapes}: 95 % intervals over the test {word}s.']


def _frames(results: Results) -> list[str]:
    """What the MACs of videos count."""
    names = [one_line(name, 60) for name in series_names(results)]
    found = (
        frames_finding(group.models, [names[i] for i in group.indices]) for group in panels(results)
    )
    return [f'{said}.' for said in dict.fromkeys(found) if said]
