"""The page's colours: CSS variables for both themes, and legible text on an exit's colour."""

from ..series import PAPER, STYLES

INK_ON_PALE, INK_ON_DEEP = '#16181b', '#ffffff'


def theme_colours(theme: str) -> dict[str, str]:
    """CSS variables of one theme: the paper, and per model a line's and a band's colour."""
    variables = {'--paper': PAPER[theme]}
    for i, style in enumerate(STYLES):
        colour = getattr(style, theme)
        red, green, blue = _channels(colour)
        variables[f'--series-{i}'] = colour
        variables[f'--band-{i}'] = f'rgba({red}, {green}, {blue}, 0.15)'
    return variables


def ink_on(colour: str) -> str:
    """The ink with the higher contrast (WCAG 2) to a background ``#rrggbb``."""
    light = _luminance(colour) + 0.05
    on_deep = (_luminance(INK_ON_DEEP) + 0.05) / light
    on_pale = light / (_luminance(INK_ON_PALE) + 0.05)
    return INK_ON_DEEP if on_deep > on_pale else INK_ON_PALE


def _channels(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


def _luminance(colour: str) -> float:
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (channel / 255 for channel in _channels(colour))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
