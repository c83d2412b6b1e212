"""How models and exits are told apart: by colour, and without colour by dash and mark.

The colours of models keep a contrast of 3:1 to their background, and stay apart (CIELAB
distance above 15) in normal sight and in simulated protanopia, deuteranopia and tritanopia.
"""

from dataclasses import dataclass

PAPER = {'light': '#fdfcfa', 'dark': '#15171a'}
"""Background of the page by theme."""

PUBLISHED_DASHES = ((7, 2), (2.5, 1.5), (5, 1.5, 1, 1.5), (1, 1.2), (9, 2, 2, 2), (3, 3))
"""Of published curves, one after the other, in line widths."""


@dataclass(frozen=True)
class SeriesStyle:
    """The look of one model.

    Attributes:
        light: Colour on light paper.
        dark: Colour on dark paper.
        dash: Lengths of dashes and gaps in line widths; empty for a solid line.
        marker: The mark, in matplotlib's words.
        symbol: The same mark in plotly's words.
        outline: The same mark as an SVG path in a box from -5 to 5.
    """

    light: str
    dark: str
    dash: tuple[float, ...]
    marker: str
    symbol: str
    outline: str


STYLES = (
    SeriesStyle(
        '#0072b2',
        '#4aa8e8',
        (),
        'o',
        'circle',
        'M-4 0A4 4 0 1 0 4 0A4 4 0 1 0 -4 0Z',
    ),
    SeriesStyle('#d55e00', '#ff8a3d', (4, 1.6), 's', 'square', 'M-4-4H4V4H-4Z'),
    SeriesStyle(
        '#2f2a26', '#ece9e0', (6, 1.6, 1.2, 1.6), '^', 'triangle-up', 'M0-4.6L4.6 3.6H-4.6Z'
    ),
    SeriesStyle('#85828d', '#8f959e', (1.3, 1.3), 'D', 'diamond', 'M0-5L5 0L0 5L-5 0Z'),
    SeriesStyle('#a03fe0', '#b45cf5', (8, 2), 'v', 'triangle-down', 'M0 4.6L4.6-3.6H-4.6Z'),
    SeriesStyle(
        '#b9805f',
        '#b5f09a',
        (4, 1.4, 1.2, 1.4, 1.2, 1.4),
        'P',
        'cross',
        'M-1.6-4.6H1.6V-1.6H4.6V1.6H1.6V4.6H-1.6V1.6H-4.6V-1.6H-1.6Z',
    ),
    SeriesStyle(
        '#6c085d',
        '#d0452f',
        (2.5, 2.5),
        'X',
        'x',
        'M-4.6-2.4L-2.4-4.6L0-2.2L2.4-4.6L4.6-2.4L2.2 0'
        'L4.6 2.4L2.4 4.6L0 2.2L-2.4 4.6L-4.6 2.4L-2.2 0Z',
    ),
    SeriesStyle(
        '#30188e',
        '#7a6a5d',
        (9, 1.5, 3, 1.5),
        '*',
        'star',
        'M0-5L1.4-1.6L5-1.5L2.2 .8L3.1 4.2L0 2.2L-3.1 4.2L-2.2 .8L-5-1.5L-1.4-1.6Z',
    ),
)


def series_style(index: int) -> SeriesStyle:
    """The look of the model at ``index``; looks repeat after the eighth."""
    return STYLES[index % len(STYLES)]


def exit_colours(count: int) -> list[str]:
    """``count`` steps of one hue, from pale (first exit) to deep (last); same on both papers."""
    pale, deep = (0xD3, 0xE5, 0xF5), (0x1B, 0x54, 0x91)
    steps = [k / max(count - 1, 1) for k in range(count)]
    return [
        '#' + ''.join(f'{round(a + (b - a) * t):02x}' for a, b in zip(pale, deep, strict=True))
        for t in steps
    ]
