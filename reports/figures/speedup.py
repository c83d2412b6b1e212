"""Realised against MAC-predicted speed-up as a picture for papers."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmarks.results import Results
from dynp_plugins.errors import UserError

from ..axes import check_drawable
from ..labels import one_line, series_names, typeset
from ..latency import batch_latency
from ..panels import Panel, panels, sample_word, subject
from ..series import series_style
from ..speedups import PUBLISHED_MACS, has_speedups, machine_words, speedup_finding, speedups
from ..times import batch_name, batch_sizes
from ..timing_quality import timing_conditions, timing_warnings
from .frame import MUTED, Legend, Row, dash_of, draw_whiskers, framed, mark_of, save_figure

HEIGHT = 3.0
NO_GAIN = '#d55e00'
"""Of the area where early exit takes longer than the full network."""


def draw_speedups(results: Results, path: str | Path) -> None:
    """Draw realised speed-up against the one that MACs predict, at the extreme batch sizes.

    Args:
        results: What was measured; early exit was timed in some of it.
        path: ``.png`` or ``.svg``; the file appears whole or not at all.

    Raises:
        UserError: Early exit was not timed; another suffix; or a folder that cannot be written.
    """
    save_figure(lambda: speedup_figure(results), path)


def speedup_figure(results: Results) -> Figure:
    """The figure that `draw_speedups` saves."""
    check_drawable(results)
    if not has_speedups(results):
        raise UserError(
            'the results hold no times of early exit to draw: measure them with '
            'tools/benchmark.py and pass its file as --latency'
        )
    drawn = [(group, sizes) for group in panels(results) if (sizes := _sizes(group))]
    rows = [
        Row(subject(group.models) if len(drawn) > 1 else '', HEIGHT, len(sizes))
        for group, sizes in drawn
    ]
    title = typeset(speedup_finding(results.models))
    figure, axes = framed(title, rows, _legend(results), _note(results))
    axes = iter(axes)
    for group, sizes in drawn:
        for size in sizes:
            _draw(next(axes), group, size)
    return figure


def _sizes(group: Panel) -> list[int]:
    """The smallest and the largest batch size at which early exit of some model was timed."""
    sizes = [size for size in batch_sizes(group.models) if _runs(group, size)]
    return [*dict.fromkeys((sizes[0], sizes[-1]))] if sizes else []


def _runs(group: Panel, size: int) -> list[tuple[int, list]]:
    """Index and speed-ups of every model that has some at a batch size."""
    batches = [
        (i, batch_latency(model, size))
        for i, model in zip(group.indices, group.models, strict=True)
    ]
    return [(i, speedups(batch)) for i, batch in batches if batch is not None and batch.dynamic]


def _draw(axes: Axes, group: Panel, size: int) -> None:
    """Runs of all models of a panel at one batch size."""
    seen = [1.0]
    for i, runs in _runs(group, size):
        colour = series_style(i).light
        marks = np.array([(one.by_macs, one.run.realised_speedup) for one in runs])
        by_times = [one.run.predicted_speedup for one in runs]
        intervals = [one.run.realised_interval for one in runs]
        draw_whiskers(axes, marks, intervals, colour)
        axes.plot(*marks.T, color=colour, linestyle=dash_of(i), linewidth=1.2, zorder=3)
        look = {'color': colour, 'linestyle': 'none', 'marker': '_', 'markersize': 11}
        axes.plot(marks[:, 0], by_times, **look, markeredgewidth=1.6, zorder=3.8)
        for one, mark in zip(runs, marks, strict=True):
            axes.plot(*mark, **mark_of(i, filled=one.is_half), linestyle='none', zorder=4)
        seen += [*marks.ravel(), *by_times]
        seen += [end for interval in intervals for end in (interval.low, interval.high)]
    low, high = min(seen), max(seen)
    margin = 0.06 * (high - low) or 0.1
    ends = low - margin, high + margin
    axes.axhspan(ends[0], 1, color=NO_GAIN, alpha=0.09, linewidth=0, zorder=1)
    axes.plot(ends, ends, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1.5)
    axes.set(xlim=ends, ylim=ends, xlabel='Speed-up that MACs predict')
    where = batch_name(size, sample_word(group.models))
    axes.set_ylabel(f'Realised speed-up, {where}')


def _legend(results: Results) -> Legend:
    """The models whose early exit was timed."""
    handles, names = [], []
    timed = {
        i for group in panels(results) for size in _sizes(group) for i, _ in _runs(group, size)
    }
    for i, name in enumerate(series_names(results)):
        if i in timed:
            look = {'linestyle': dash_of(i), 'linewidth': 1.2, **mark_of(i)}
            handles.append(Line2D([], [], color=series_style(i).light, **look))
            names.append(one_line(name, 72))
    return Legend(handles, names)


def _note(results: Results) -> str:
    """The small print: how to read it, and where the times come from."""
    word = sample_word(results.models)
    parts = [
        "Dashed: realised as predicted. MACs predict a speed-up of the full network's MACs divided "
        f'by the mean MACs of the timed {word}s. Marks: early exit as it was run against the full '
        "network, with 95 % intervals; filled where the budget is half of the full network's MACs. "
        'Short bars: predicted from the times of the exits. In the tinted area early exit takes '
        f'longer than the full network. {PUBLISHED_MACS}'
    ]
    if results.timing is not None:
        parts.append(f'Measured on {machine_words(results.timing.machine)}.')
    parts.append(timing_conditions(results, results.models))
    parts += [f'{said}.' for said in timing_warnings(results, results.models)]
    return ' '.join(part for part in parts if part)
