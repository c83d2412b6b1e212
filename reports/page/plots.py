"""The page's interactive curve as a plotly figure; colours are CSS variables that the page sets.

A chart says everything that needs the data. The page's script fills in the colours of the reader's
theme, chooses what is on the horizontal axis, and finds room for names. For that every trace says
in ``meta``: ``model``, its index in the panel (none for published curves); ``layer``, what can be
switched off with it; ``named``, whether its texts need room; and ``x``, its horizontal positions on
axes other than MACs, by the axis's key. A trace without positions on an axis is not drawn there.
"""

from collections.abc import Sequence
from itertools import cycle

import plotly.graph_objects as go

from benchmarks.curve_records import CurvePoint
from benchmarks.interval import Interval

from ..axes import ACCURACY_TITLE
from ..findings import best_saving
from ..published import PublishedCurve
from ..series import PUBLISHED_DASHES, STYLES, series_style
from ..times import batch_name, batch_sizes, exit_ms, measured, predicted_ms, timed_batches
from .page_panels import PagePanel
from .plots_hover import exit_text, measured_text, operating_text, oracle_text, point_text
from .plots_layout import axis_title, chart_layout, shown, wrapped

LINE_WIDTH, PUBLISHED_WIDTH = 2.25, 1.25
HOVER = '%{customdata}<extra></extra>'


def curve_chart(panel: PagePanel, published: Sequence[PublishedCurve] = ()) -> dict:
    """Accuracy against mean cost: ``data`` and ``layout`` for plotly, and ``axes``.

    ``axes`` has the titles of the horizontal axes by key: ``macs``, and ``ms-N`` for milliseconds
    per sample in batches of N.
    """
    dashes = cycle(PUBLISHED_DASHES)
    traces = [_reference(c, panel, () if c.exits else next(dashes)) for c in published]
    for i in range(len(panel.models)):
        traces += _Drawing(panel, i).traces()
    if len(panel.models) == 1 and (saving := best_saving(panel.models[0])):
        traces.append(_ring(panel, saving.point))
    layout = chart_layout()
    layout['yaxis']['title'] = axis_title(ACCURACY_TITLE)
    layout['xaxis']['title'] = axis_title('')
    layout['margin']['t'] = 28  # below the buttons that appear at the top
    figure = go.Figure(traces, layout).to_plotly_json()
    return {'data': figure['data'], 'layout': figure['layout'], 'axes': curve_axes(panel)}


def curve_axes(panel: PagePanel) -> dict[str, str]:
    """Titles of the horizontal axes by key."""
    sample = panel.unit.sample
    axes = {'macs': f'Mean {panel.unit.macs} per {sample}'}
    for size in batch_sizes(panel.models):
        axes[f'ms-{size}'] = f'ms per {sample}, {batch_name(size, sample)}; lines are predicted'
    return axes


class _Drawing:
    """The traces of one model."""

    def __init__(self, panel: PagePanel, index: int) -> None:
        self.index, self.name, self.unit = index, panel.names[index], panel.unit
        self.model = panel.models[index]
        self.points = sorted(self.model.points, key=lambda point: point.target_gmacs)
        self.style = series_style(index)
        self.colour = f'var(--series-{index % len(STYLES)})'

    def traces(self) -> list[go.Scatter]:
        """From back to front."""
        traces = [self.exits()]
        if len(self.model.exits) > 1:
            traces = [self.band(), self.at_random(), self.oracle(), self.line(), *traces]
        if self.model.operating_points:
            traces.append(self.operating_points())
        return [*traces, *self.measured()]

    def x(self, points: Sequence[CurvePoint]) -> list[float]:
        return [point.gmacs_mean * self.unit.per_giga for point in points]

    def meta(self, points: Sequence[CurvePoint] = (), **entries) -> dict:
        """With the predicted times of ``points``."""
        times = {
            f'ms-{batch.batch_size}': [predicted_ms(self.model, batch, point) for point in points]
            for batch in timed_batches(self.model)
            if points
        }
        return {'model': self.index, 'x': times, **entries}

    def band(self) -> go.Scatter:
        """95 % intervals of the curve's accuracies."""
        there_and_back = self.points + self.points[::-1]
        heights = [point.top1_interval.high for point in self.points]
        heights += [point.top1_interval.low for point in self.points[::-1]]
        return go.Scatter(
            x=self.x(there_and_back),
            y=heights,
            mode='lines',
            line={'width': 0, 'color': self.colour},
            fill='toself',
            fillcolor=f'var(--band-{self.index % len(STYLES)})',
            hoverinfo='skip',
            meta=self.meta(there_and_back, layer='bands'),
        )

    def line(self) -> go.Scatter:
        """The budgets."""
        dash = ' '.join(f'{length * LINE_WIDTH:.1f}px' for length in self.style.dash)
        return go.Scatter(
            x=self.x(self.points),
            y=[point.top1_percent for point in self.points],
            mode='lines',
            line={'color': self.colour, 'width': LINE_WIDTH, 'dash': dash or 'solid'},
            customdata=[point_text(self.name, self.model, p, self.unit) for p in self.points],
            hovertemplate=HOVER,
            meta=self.meta(self.points, layer='curve'),
        )

    def at_random(self) -> go.Scatter:
        """Control: as many leave at each exit, but drawn at random."""
        return go.Scatter(
            x=self.x(self.points),
            y=[point.random_top1_percent for point in self.points],
            mode='lines',
            line={'color': self.colour, 'width': 1, 'dash': '1px 3px'},
            hoverinfo='skip',
            meta=self.meta(self.points, layer='random'),
        )

    def oracle(self) -> go.Scatter:
        """What no choice of exits can exceed."""
        best = self.model.statistics
        return go.Scatter(
            x=[best.oracle_gmacs_mean * self.unit.per_giga],
            y=[best.oracle_top1_percent],
            mode='markers',
            marker={
                'symbol': 'asterisk-open',
                'size': 11,
                'opacity': 0.7,
                'color': self.colour,
                'line': {'color': self.colour, 'width': 1.5},
            },
            customdata=[oracle_text(self.name, self.model, self.unit)],
            hovertemplate=HOVER,
            meta=self.meta(layer='oracle'),
        )

    def exits(self) -> go.Scatter:
        """Each exit as if every sample left there."""
        exits = self.model.exits
        times = {
            f'ms-{batch.batch_size}': exit_ms(self.model, batch)
            for batch in timed_batches(self.model)
        }
        return go.Scatter(
            x=[exit.gmacs * self.unit.per_giga for exit in exits],
            y=[exit.test_top1_percent for exit in exits],
            error_y=self.whiskers(
                [exit.test_top1_percent for exit in exits],
                [exit.test_top1_interval for exit in exits],
            ),
            mode='markers+text',
            marker={
                'symbol': self.style.symbol,
                'size': 11,
                'color': 'var(--paper)',
                'line': {'color': self.colour, 'width': 2},
            },
            text=[shown(exit.name, 24) for exit in exits],
            textposition='bottom right',
            textfont={'color': self.colour, 'size': 13},
            customdata=[exit_text(self.name, self.model, exit, self.unit) for exit in exits],
            hovertemplate=HOVER,
            meta=self.meta(layer='exits', named=True) | {'x': times},
        )

    def operating_points(self) -> go.Scatter:
        """Single policies."""
        policies = self.model.operating_points
        points = [policy.point for policy in policies]
        accuracies = [point.top1_percent for point in points]
        return go.Scatter(
            x=self.x(points),
            y=accuracies,
            error_y=self.whiskers(accuracies, [point.top1_interval for point in points]),
            mode='markers',
            marker={
                'symbol': 'hexagram',
                'size': 15,
                'color': self.colour,
                'line': {'color': 'var(--paper)', 'width': 1.5},
            },
            customdata=[operating_text(self.name, self.model, p, self.unit) for p in policies],
            hovertemplate=HOVER,
            meta=self.meta(points, layer='policies'),
        )

    def measured(self) -> list[go.Scatter]:
        """Runs of real early exit, one trace per batch size; they are on no other axis."""
        traces = []
        for batch in timed_batches(self.model):
            runs = [(point, measured(batch, point)) for point in self.points]
            runs = [(point, run) for point, run in runs if run is not None]
            if not runs:
                continue
            times = [run.timing.ms_per_image for _, run in runs]
            misses = [predicted_ms(self.model, batch, point) for point, _ in runs]
            misses = [there - here for there, here in zip(misses, times, strict=True)]
            traces.append(
                go.Scatter(
                    x=[],
                    y=[point.top1_percent for point, _ in runs],
                    error_x=self.connectors(misses),
                    mode='markers',
                    marker={
                        'symbol': self.style.symbol,
                        'size': 9,
                        'color': self.colour,
                        'line': {'color': 'var(--paper)', 'width': 1},
                    },
                    customdata=[
                        measured_text(self.name, point, batch, run, self.unit)
                        for point, run in runs
                    ],
                    hovertemplate=HOVER,
                    meta=self.meta(layer='measured') | {'x': {f'ms-{batch.batch_size}': times}},
                )
            )
        return traces

    def connectors(self, lengths: list[float]) -> dict:
        """Thin horizontal lines, as error bars to one side: to the left where negative."""
        return self.bars([max(n, 0.0) for n in lengths], [max(-n, 0.0) for n in lengths], 0)

    def whiskers(self, accuracies: list[float], intervals: list[Interval]) -> dict:
        """Error bars from intervals."""
        pairs = list(zip(accuracies, intervals, strict=True))
        up = [max(interval.high - value, 0.0) for value, interval in pairs]
        return self.bars(up, [max(value - interval.low, 0.0) for value, interval in pairs], 3)

    def bars(self, up: list[float], down: list[float], cap: float) -> dict:
        """plotly's error bars, which end in caps so many pixels wide to each side."""
        sides = {'type': 'data', 'symmetric': False, 'array': up, 'arrayminus': down}
        return sides | {'color': self.colour, 'thickness': 1, 'width': cap}


def _ring(panel: PagePanel, point: CurvePoint) -> go.Scatter:
    """A ring around the budget that the title speaks of."""
    drawing = _Drawing(panel, 0)
    return go.Scatter(
        x=drawing.x([point]),
        y=[point.top1_percent],
        mode='markers',
        marker={
            'symbol': 'circle-open',
            'size': 26,
            'color': 'var(--accent)',
            'line': {'color': 'var(--accent)', 'width': 2},
        },
        hoverinfo='skip',
        meta=drawing.meta([point], layer='ring'),
    )


def _reference(curve: PublishedCurve, panel: PagePanel, dash: tuple[float, ...]) -> go.Scatter:
    """A published curve, muted; its name is written at its end, its source in the hover."""
    exits = curve.exits or ('',) * len(curve.points)
    source = '<br>'.join(wrapped(curve.source))
    texts = [
        f'<b>{shown(curve.name, 60)}</b>{shown(exit and ", " + exit, 40)}<br>'
        f'{panel.unit.exact(gmacs)}<br>top-1 {top1:g} %<br>published: {source}'
        for exit, (gmacs, top1) in zip(exits, curve.points, strict=True)
    ]
    return go.Scatter(
        x=[gmacs * panel.unit.per_giga for gmacs, _ in curve.points],
        y=[top1 for _, top1 in curve.points],
        mode='markers+text' if curve.exits else 'lines+markers+text',
        line={
            'color': 'var(--muted)',
            'width': PUBLISHED_WIDTH,
            'dash': ' '.join(f'{length * PUBLISHED_WIDTH:.4g}px' for length in dash) or 'solid',
        },
        marker={
            'symbol': 'circle-open' if curve.exits else 'circle',
            'size': 6 if curve.exits else 4,
            'color': 'var(--muted)',
        },
        text=[shown(curve.name, 40)] * len(curve.points),
        textposition='top left',
        textfont={'color': 'var(--muted)', 'size': 11},
        customdata=texts,
        hovertemplate=HOVER,
        meta={'layer': 'published', 'named': 'once', 'x': {}},
    )
