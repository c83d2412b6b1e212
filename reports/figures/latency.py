"""The times as a picture for papers: accuracy against milliseconds, and realised speed-ups."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmarks.results import Results
from dynp_plugins.errors import UserError

from ..axes import ACCURACY_TITLE, check_drawable
from ..labels import one_line, series_names, typeset
from ..latency import batch_latency, common_batch_sizes, latency_finding, timed_budgets
from ..latency_data import data_balance, is_bottleneck, several_findings
from ..panels import Panel, panels, sample_word
from ..series import series_style
from ..speedups import machine_words
from ..timing_quality import timing_conditions, timing_warnings
from .frame import MUTED, Legend, Row, dash_of, draw_whiskers, framed, mark_of, save_figure
from .mark_names import MarkName, write_names

HEIGHT = 2.9


def has_latency(results: Results) -> bool:
    """Whether there is anything to draw."""
    return bool(common_batch_sizes(results))


def draw_latency(results: Results, path: str | Path) -> None:
    """Draw accuracy against time at the largest batch, and realised against predicted speed-up.

    Args:
        results: What was measured; some of it timed.
        path: ``.png`` or ``.svg``; the file appears whole or not at all.

    Raises:
        UserError: Nothing was timed; another suffix; or a folder that cannot be written.
    """
    save_figure(lambda: latency_figure(results), path)


def latency_figure(results: Results) -> Figure:
    """The figure that `draw_latency` saves."""
    check_drawable(results)
    if not has_latency(results):
        raise UserError(
            'the results hold no times to draw: measure them with tools/benchmark.py and pass its '
            'file as --latency'
        )
    size = common_batch_sizes(results)[-1]
    groups = [group for group in panels(results) if _is_timed(group)]
    rows = []
    for group in groups:
        subject = f'{one_line(group.models[0].task, 40)}, {one_line(group.models[0].dataset, 40)}'
        rows.append(
            Row(subject if len(groups) > 1 else '', HEIGHT, 2 if _is_dynamic(group, size) else 1)
        )
    figure, axes = framed(_title(results, size), rows, _legend(results, size), _note(results))
    axes = iter(axes)
    for group, row in zip(groups, rows, strict=True):
        _draw_times(next(axes), group, size)
        if row.columns == 2:
            _draw_speedups(next(axes), group, common_batch_sizes(results))
    return figure


def _is_timed(group: Panel) -> bool:
    return any(model.latency is not None for model in group.models)


def _is_dynamic(group: Panel, size: int) -> bool:
    """Whether early exit was timed in any model."""
    batches = [batch_latency(model, size) for model in group.models]
    return any(batch is not None and batch.dynamic for batch in batches)


def _title(results: Results, size: int) -> str:
    """What the first model with early exits says."""
    names = [one_line(name, 60) for name in series_names(results)]
    for name, model in zip(names, results.models, strict=True):
        if finding := latency_finding(model, size, name if len(names) > 1 else ''):
            return typeset(finding)
    return f'Accuracy against time in batches of {size}'


def _draw_times(axes: Axes, group: Panel, size: int) -> None:
    """Accuracy against milliseconds: exits for everybody, and early exit as it was run."""
    names, lines = [], []
    for i, model in zip(group.indices, group.models, strict=True):
        batch = batch_latency(model, size)
        if batch is None:
            continue
        colour, times = series_style(i).light, [one.timing.ms_per_image for one in batch.exits]
        by_name = {exit.name: exit for exit in model.exits}
        exits = [by_name[one.exit] for one in batch.exits]
        marks = np.array([(t, e.test_top1_percent) for t, e in zip(times, exits, strict=True)])
        lines += draw_whiskers(axes, marks, [exit.test_top1_interval for exit in exits], colour)
        axes.plot(*marks.T, **mark_of(i), linestyle='none', zorder=4)
        names += [
            MarkName(one_line(exit.name, 20), tuple(mark), colour)
            for exit, mark in zip(exits, marks, strict=True)
        ]
        budgets = timed_budgets(model, size)
        if budgets:
            line = [(one.time.timing.ms_per_image, one.point.top1_percent) for one in budgets]
            line = np.array(line)
            intervals = [one.point.top1_interval for one in budgets]
            lines += [line, *draw_whiskers(axes, line, intervals, colour)]
            axes.plot(*line.T, color=colour, linestyle=dash_of(i), linewidth=1.4, zorder=3)
            axes.plot(*line.T, **mark_of(i, filled=True), linestyle='none', zorder=5)
    word = sample_word(group.models)
    axes.margins(0.12, 0.12)
    axes.set_xlim(left=max(axes.get_xlim()[0], 0))
    axes.set_ylim(max(axes.get_ylim()[0], -2), min(axes.get_ylim()[1], 102))
    axes.set(xlabel=f'Milliseconds per {word}, batches of {size}', ylabel=ACCURACY_TITLE)
    write_names(axes, names, lines)


def _draw_speedups(axes: Axes, group: Panel, sizes: list[int]) -> None:
    """Realised against predicted speed-up; filled marks at the largest batch."""
    highest = 1.0
    for i, model in zip(group.indices, group.models, strict=True):
        for size in dict.fromkeys((sizes[0], sizes[-1])):
            batch = batch_latency(model, size)
            if batch is None or not batch.dynamic:
                continue
            ratios = [(one.predicted_speedup, one.realised_speedup) for one in batch.dynamic]
            intervals = [one.realised_interval for one in batch.dynamic]
            ratios, colour = np.array(ratios), series_style(i).light
            draw_whiskers(axes, ratios, intervals, colour)
            axes.plot(*ratios.T, **mark_of(i, filled=size == sizes[-1]), linestyle='none', zorder=4)
            highest = max(highest, ratios.max(), *(interval.high for interval in intervals))
    axes.margins(0.08)
    low = min(1.0, axes.get_xlim()[0], axes.get_ylim()[0])
    ends = low - 0.02 * (highest - low), highest + 0.06 * (highest - low)
    axes.plot(ends, ends, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1.5)
    axes.set(xlim=ends, ylim=ends, xlabel='Speed-up predicted from exit times')
    axes.set_ylabel('Speed-up of early exit as run')


def _legend(results: Results, size: int) -> Legend:
    """The timed models; one without early exits has no line."""
    handles, names = [], []
    for i, (name, model) in enumerate(zip(series_names(results), results.models, strict=True)):
        batch = batch_latency(model, size)
        if batch is None:
            continue
        look = {'linestyle': 'none', **mark_of(i)}
        if batch.dynamic:
            look = {'linestyle': dash_of(i), 'linewidth': 1.4, **mark_of(i, filled=True)}
        handles.append(Line2D([], [], color=series_style(i).light, **look))
        names.append(one_line(name, 72))
    return Legend(handles, names)


def _note(results: Results) -> str:
    """The small print: what marks mean, and where the times come from."""
    word, sizes = sample_word(results.models), common_batch_sizes(results)
    parts = [
        f'Left: white marks, every {word} leaves at that exit; filled marks, early exit as it was '
        f'run. Whiskers are 95 % intervals.'
    ]
    if len(sizes) > 1:
        parts.append(f'Right: filled marks, batches of {sizes[-1]}; white marks, of {sizes[0]}.')
    if results.timing is not None:
        parts.append(f'Measured on {machine_words(results.timing.machine)}.')
    parts.append(timing_conditions(results, results.models))
    parts += [f'{said}.' for said in timing_warnings(results, results.models)]
    parts += [f'{said}.' for group in panels(results) if (said := _reading(group, results))]
    return ' '.join(parts)


def _reading(group: Panel, results: Results) -> str:
    """What is left out, where it takes longer than what is shown; else empty."""
    names = series_names(results)
    balances = {
        one_line(names[i], 40): balance
        for i, model in zip(group.indices, group.models, strict=True)
        if (balance := data_balance(model.latency)) is not None
    }
    slow = any(is_bottleneck(balance) for balance in balances.values())
    return f'Not in these times: {_lower(several_findings(balances))}' if slow else ''


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
