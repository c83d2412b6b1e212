"""What all plotly charts share: fonts, margins, axes; and how text is made safe for plotly."""

import html
import textwrap

from ..labels import one_line

FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'


def shown(text: str, most: int) -> str:
    """Text for plotly, which reads a small part of HTML."""
    return html.escape(one_line(text, most), quote=False)


def wrapped(text: str) -> list[str]:
    """Long text for plotly as lines."""
    return [shown(line, 60) for line in textwrap.wrap(one_line(text), 60)]


def axis_title(text: str) -> dict:
    """An axis title."""
    return {'text': text, 'standoff': 8, 'font': {'color': 'var(--ink)', 'size': 14}}


def chart_layout() -> dict:
    """Margins are fixed: the page's script computes pixels from them."""
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
        'margin': {'l': 56, 'r': 20, 't': 12, 'b': 52},
        'showlegend': False,
        'dragmode': False,
        'hovermode': 'closest',
        'hoverlabel': {
            'align': 'left',
            'bgcolor': 'var(--card)',
            'bordercolor': 'var(--muted)',
            'font': {'color': 'var(--ink)', 'size': 13, 'family': FONT},
        },
        'xaxis': dict(axis),
        'yaxis': dict(axis),
    }
