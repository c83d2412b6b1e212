"""The chart of detectors: mAP against cost, a mark per scale; see `reports.page.plots`."""

from collections.abc import Sequence

import plotly.graph_objects as go

from benchmarks.detection_records import ScalePoint

from ...detection.panels import backbone_gmacs, chosen_points, points_by_cost, scale_text
from ...detection.published import PublishedDetector
from ...series import STYLES, series_style
from ..plots import HOVER, LINE_WIDTH
from ..plots_layout import axis_title, chart_layout, shown, wrapped
from .hover import scale_hover
from .panel import DetectionPanel

MAP_TITLE = 'mAP (%)'
TIME = 'ms-1'
"""Key of the axis of milliseconds, one image at a time."""


def detection_chart(panel: DetectionPanel, published: Sequence[PublishedDetector] = ()) -> dict:
    """mAP against mean cost: ``data`` and ``layout`` for plotly, and titles of the ``axes``.

    Scales without mAP have no mark. Published detectors are on the backbone's axis alone, because
    no other cost of theirs is known.
    """
    traces = [_reference(detector, panel) for detector in published]
    for i in range(len(panel.detectors)):
        traces += _traces(panel, i)
    layout = chart_layout()
    layout['yaxis']['title'] = axis_title(MAP_TITLE)
    layout['xaxis']['title'] = axis_title('')
    layout['margin']['t'] = 28  # below the buttons that appear at the top
    figure = go.Figure(traces, layout).to_plotly_json()
    return {'data': figure['data'], 'layout': figure['layout'], 'axes': detection_axes(panel)}


def detection_axes(panel: DetectionPanel) -> dict[str, str]:
    """Titles of the horizontal axes by key."""
    axes = {
        'macs': f'Mean {panel.unit.macs} per image, whole detector',
        'backbone': f'Mean {panel.unit.macs} per image, backbone alone',
    }
    if any(point.latency for detector in panel.detectors for point in detector.points):
        axes[TIME] = 'ms per image, one image at a time'
    return axes


def positions(points: Sequence[ScalePoint], panel: DetectionPanel) -> dict[str, list[float | None]]:
    """Where scales are on each axis, by its key; None where a scale was not timed."""
    places = {
        'macs': [point.gmacs_mean * panel.unit.per_giga for point in points],
        'backbone': [backbone_gmacs(point) * panel.unit.per_giga for point in points],
    }
    times = [point.latency.timing.p50_ms if point.latency else None for point in points]
    return places | ({TIME: times} if any(time is not None for time in times) else {})


def _traces(panel: DetectionPanel, index: int) -> list[go.Scatter]:
    """One detector: scales that no budget chooses, then those that some budget does, as a line."""
    detector, style = panel.detectors[index], series_style(index)
    colour = f'var(--series-{index % len(STYLES)})'
    chosen = [p for p in chosen_points(detector) if p.test.map_percent is not None]
    others = [
        point
        for point in points_by_cost(detector)
        if point.test.map_percent is not None and point not in chosen
    ]
    dash = ' '.join(f'{length * LINE_WIDTH:.1f}px' for length in style.dash)
    looks = {
        'others': {
            'mode': 'markers',
            'marker': {
                'symbol': style.symbol,
                'size': 9,
                'opacity': 0.6,
                'color': 'var(--paper)',
                'line': {'color': colour, 'width': 1.5},
            },
        },
        'curve': {
            'mode': 'lines+markers+text',
            'line': {'color': colour, 'width': LINE_WIDTH, 'dash': dash or 'solid'},
            'marker': {
                'symbol': style.symbol,
                'size': 10,
                'color': colour,
                'line': {'color': 'var(--paper)', 'width': 1},
            },
            'text': [scale_text(point.scale) for point in chosen],
            'textposition': 'bottom right',
            'textfont': {'color': colour, 'size': 12},
            'error_y': _whiskers(chosen, colour),
        },
    }
    traces = []
    for layer, points in (('others', others), ('curve', chosen)):
        if not points:
            continue
        places = positions(points, panel)
        traces.append(
            go.Scatter(
                x=places.pop('macs'),
                y=[point.test.map_percent for point in points],
                customdata=[scale_hover(panel, index, point) for point in points],
                hovertemplate=HOVER,
                meta={'model': index, 'layer': layer, 'named': layer == 'curve', 'x': places},
                **looks[layer],
            )
        )
    return traces


def _whiskers(points: Sequence[ScalePoint], colour: str) -> dict:
    """95 % intervals of mAP as error bars; of no length where there is none."""
    up, down = [], []
    for point in points:
        value, interval = point.test.map_percent, point.map_interval
        up.append(max(interval.high - value, 0.0) if interval else 0.0)
        down.append(max(value - interval.low, 0.0) if interval else 0.0)
    sides = {'type': 'data', 'symmetric': False, 'array': up, 'arrayminus': down}
    return sides | {'color': colour, 'thickness': 1, 'width': 3}


def _reference(detector: PublishedDetector, panel: DetectionPanel) -> go.Scatter:
    """A published detector, muted; its source is in the hover."""
    text = '<br>'.join(
        [
            f'<b>{shown(detector.name, 60)}</b>',
            f'backbone {panel.unit.exact(detector.backbone_gmacs)}',
            f'mAP {detector.map_percent:g} %',
            f'published: {"<br>".join(wrapped(detector.source))}',
        ]
    )
    return go.Scatter(
        x=[],
        y=[detector.map_percent],
        mode='markers+text',
        marker={'symbol': 'circle-open', 'size': 7, 'color': 'var(--muted)'},
        text=[shown(detector.name, 40)],
        textposition='top left',
        textfont={'color': 'var(--muted)', 'size': 11},
        customdata=[text],
        hovertemplate=HOVER,
        meta={
            'layer': 'published',
            'named': 'once',
            'x': {'backbone': [detector.backbone_gmacs * panel.unit.per_giga]},
        },
    )
