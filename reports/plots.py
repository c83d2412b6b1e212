"""The page's interactive charts as plotly figures; colours are CSS variables that the page sets.

A chart says everything that needs the data; the page's script only fills in the colours of the
reader's theme and finds room for the exits' names.
"""

import html

import plotly.graph_objects as go

from benchmarks.results import CurvePoint, ModelResult, Results

from .axes import ACCURACY_TITLE, CostUnit, axis_ranges, cost_unit
from .findings import best_saving, shown_point
from .labels import one_line, series_names
from .series import exit_colours, series_style

FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'
LINE_WIDTH = 2.25


def curve_chart(results: Results) -> dict:
    """Accuracy against mean MACs: per model its line, its exits as marks, and for one model a ring.

    Every trace carries the index of its model in ``meta``; the exits' names are in ``text``.
    """
    unit = cost_unit(results)
    x_range, y_range = axis_ranges(results)
    traces = []
    for i, (name, model) in enumerate(zip(series_names(results), results.models, strict=True)):
        traces += [_line(i, name, model, unit), _exits(i, name, model, unit)]
    if len(results.models) == 1 and (saving := best_saving(results.models[0])):
        traces.append(_ring(saving.point, unit))
    layout = _layout(unit)
    layout['xaxis'] |= {'range': x_range}
    layout['yaxis'] |= {'range': y_range, 'title': _title(ACCURACY_TITLE)}
    return go.Figure(traces, layout).to_plotly_json()


def leaving_chart(model: ModelResult, unit: CostUnit) -> dict:
    """Which fraction of the test split leaves at each exit, stacked, against mean MACs.

    A dotted line marks `shown_point`.
    """
    points = {point.gmacs_mean: point for point in model.points}  # one point for each cost
    points = [points[cost] for cost in sorted(points)]
    x = [point.gmacs_mean * unit.per_giga for point in points]
    traces = []
    for exit, colour in zip(model.exits, exit_colours(len(model.exits)), strict=True):
        traces.append(
            go.Scatter(
                x=x,
                y=[100 * point.exit_shares[exit.name] for point in points],
                name=_shown(exit.name, 24),
                mode='lines',
                stackgroup='exits',
                fillcolor=colour,
                line={'width': 0.75, 'color': 'var(--paper)'},
                hovertemplate='%{y:.1f} %',
            )
        )
    layout = _layout(unit)
    layout['hovermode'] = 'x unified'
    layout['margin'] |= {'t': 8}
    marked = shown_point(model).gmacs_mean * unit.per_giga
    line = {'color': 'var(--accent)', 'width': 1.5, 'dash': 'dot'}
    layout['shapes'] = [
        {
            'type': 'line',
            'x0': marked,
            'x1': marked,
            'y0': 0,
            'y1': 1,
            'yref': 'paper',
            'line': line,
        }
    ]
    layout['xaxis'] |= {
        'range': [x[0], x[-1]] if x[-1] > x[0] else [x[0] - 1, x[0] + 1],
        'title': _title(f'Mean {unit.macs} per image'),
        'spikecolor': 'var(--ink)',
        'spikethickness': 1,
        'spikedash': 'solid',
    }
    layout['yaxis'] |= {'range': [0, 100], 'title': _title('Test images (%)')}
    chart = go.Figure(traces, layout).to_plotly_json()
    # Newer than the oldest plotly we work with, which ignores it and shows the bare number.
    chart['layout']['xaxis']['unifiedhovertitle'] = {'text': f'%{{x:.3~f}} {unit.macs}'}
    return chart


def _line(index: int, name: str, model: ModelResult, unit: CostUnit) -> go.Scatter:
    """The budgets of one model."""
    style = series_style(index)
    points = sorted(model.points, key=lambda point: point.target_gmacs)
    colour = f'var(--series-{index})'
    return go.Scatter(
        x=[point.gmacs_mean * unit.per_giga for point in points],
        y=[point.top1_percent for point in points],
        mode='lines',
        line={
            'color': colour,
            'width': LINE_WIDTH,
            'dash': ' '.join(f'{length * LINE_WIDTH:.1f}px' for length in style.dash) or 'solid',
        },
        customdata=[_hover(name, model, point, unit) for point in points],
        hovertemplate='%{customdata}<extra></extra>',
        meta={'model': index},
    )


def _exits(index: int, name: str, model: ModelResult, unit: CostUnit) -> go.Scatter:
    """One model's exits, each as if every image left there."""
    colour = f'var(--series-{index})'
    texts = [
        f'<b>{_shown(exit.name, 40)}</b>, every image leaves here<br>{_shown(name, 60)}<br>'
        f'{unit.cost(exit.gmacs)}<br>top-1 {exit.test_top1_percent:.2f} %'
        for exit in model.exits
    ]
    return go.Scatter(
        x=[exit.gmacs * unit.per_giga for exit in model.exits],
        y=[exit.test_top1_percent for exit in model.exits],
        mode='markers+text',
        marker={
            'symbol': series_style(index).symbol,
            'size': 11,
            'color': 'var(--paper)',
            'line': {'color': colour, 'width': 2},
        },
        text=[_shown(exit.name, 24) for exit in model.exits],
        textposition='bottom right',
        textfont={'color': colour, 'size': 13},
        customdata=texts,
        hovertemplate='%{customdata}<extra></extra>',
        meta={'model': index, 'exits': True},
    )


def _ring(point: CurvePoint, unit: CostUnit) -> go.Scatter:
    """A ring around the budget that the title speaks of."""
    return go.Scatter(
        x=[point.gmacs_mean * unit.per_giga],
        y=[point.top1_percent],
        mode='markers',
        marker={
            'symbol': 'circle-open',
            'size': 18,
            'color': 'var(--accent)',
            'line': {'color': 'var(--accent)', 'width': 2},
        },
        hoverinfo='skip',
        meta={'model': 0},
    )


def _hover(name: str, model: ModelResult, point: CurvePoint, unit: CostUnit) -> str:
    """All about one budget."""
    lines = [
        f'<b>{_shown(name, 60)}</b>',
        f'{unit.cost(point.gmacs_mean)} on average (target {unit.cost(point.target_gmacs)})',
        f'top-1 <b>{point.top1_percent:.2f} %</b>',
        'leaving at',
    ]
    for exit in model.exits:
        line = f'{_shown(exit.name, 24)}: {100 * point.exit_shares[exit.name]:.1f} %'
        if exit.name in point.thresholds:
            threshold = point.thresholds[exit.name]
            line += ', closed' if threshold is None else f', threshold {threshold:.4f}'
        lines.append(line)
    return '<br>'.join(lines)


def _shown(text: str, most: int) -> str:
    """Text for plotly, which reads a small part of HTML."""
    return html.escape(one_line(text, most), quote=False)


def _title(text: str) -> dict:
    """An axis title."""
    return {'text': text, 'standoff': 8, 'font': {'color': 'var(--ink)', 'size': 14}}


def _layout(unit: CostUnit) -> dict:
    """What all charts share. Margins are fixed: the page's script computes pixels from them."""
    axis = {
        'gridcolor': 'var(--rule)',
        'zeroline': False,
        'linecolor': 'var(--muted)',
        'tickcolor': 'var(--muted)',
        'tickfont': {'color': 'var(--muted)', 'size': 12},
        'ticks': 'outside',
        'ticklen': 4,
        'showline': True,
        'automargin': False,
    }
    return {
        'template': 'none',
        'font': {'family': FONT, 'size': 13, 'color': 'var(--ink)'},
        'paper_bgcolor': 'var(--paper)',
        'plot_bgcolor': 'var(--paper)',
        'margin': {'l': 56, 'r': 20, 't': 30, 'b': 52},
        'showlegend': False,
        'dragmode': False,
        'hovermode': 'closest',
        'hoverlabel': {
            'align': 'left',
            'bgcolor': 'var(--card)',
            'bordercolor': 'var(--muted)',
            'font': {'color': 'var(--ink)', 'size': 13, 'family': FONT},
        },
        'xaxis': axis | {'title': _title(f'Mean {unit.macs} per image')},
        'yaxis': dict(axis),
    }
