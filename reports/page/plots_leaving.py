"""Where the samples leave, as a plotly figure: shares of the exits, stacked, against mean MACs."""

import plotly.graph_objects as go

from benchmarks.results import ModelResult

from ..axes import CostUnit
from ..series import exit_colours
from .plots_layout import axis_title, chart_layout, shown


def leaving_chart(model: ModelResult, unit: CostUnit) -> dict:
    """Which fraction of the test split leaves at each exit; ``data`` and ``layout`` for plotly."""
    points = {point.gmacs_mean: point for point in model.points}  # one point for each cost
    points = [points[cost] for cost in sorted(points)]
    x = [point.gmacs_mean * unit.per_giga for point in points]
    traces = [
        go.Scatter(
            x=x,
            y=[100 * point.exit_shares[exit.name] for point in points],
            name=shown(exit.name, 24),
            mode='lines',
            stackgroup='exits',
            fillcolor=colour,
            line={'width': 0.75, 'color': 'var(--paper)'},
            hovertemplate='%{y:.1f} %',
        )
        for exit, colour in zip(model.exits, exit_colours(len(model.exits)), strict=True)
    ]
    layout = chart_layout()
    layout['hovermode'] = 'x unified'
    layout['xaxis'] |= {
        'range': [x[0], x[-1]] if x[-1] > x[0] else [x[0] - 1, x[0] + 1],
        'title': axis_title(f'Mean {unit.macs} per {unit.sample}'),
        'spikecolor': 'var(--ink)',
        'spikethickness': 1,
        'spikedash': 'solid',
    }
    layout['yaxis'] |= {'range': [0, 100], 'title': axis_title(f'Test {unit.sample}s (%)')}
    chart = go.Figure(traces, layout).to_plotly_json()
    # Newer than the oldest plotly we work with, which ignores it and shows the bare number.
    chart['layout']['xaxis']['unifiedhovertitle'] = {'text': f'%{{x:.3~f}} {unit.macs}'}
    return {'data': chart['data'], 'layout': chart['layout']}
