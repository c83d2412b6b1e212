"""Colours that can be told apart: contrast to the paper, and distance in every kind of sight."""

from itertools import combinations

import numpy as np
import pytest

from reports.series import PAPER, STYLES, exit_colours, series_style

SIGHT = {  # linear RGB to linear RGB; Machado et al. 2009, severity 1.0
    'normal': np.eye(3),
    'protanopia': [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    'deuteranopia': [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    'tritanopia': [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}


def linear(colour):
    value = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def luminance(colour):
    return linear(colour) @ [0.2126, 0.7152, 0.0722]


def contrast(a, b):
    low, high = sorted([luminance(a), luminance(b)])
    return (high + 0.05) / (low + 0.05)


def lab(colour, sight):
    rgb = np.clip(np.array(SIGHT[sight]) @ linear(colour), 0, 1)
    xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]] @ rgb
    xyz = xyz / [0.9505, 1.0, 1.089]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize('theme', PAPER)
def test_lines_stand_out_from_the_paper(theme):
    for style in STYLES:
        assert contrast(getattr(style, theme), PAPER[theme]) >= 3


@pytest.mark.parametrize('sight', SIGHT)
@pytest.mark.parametrize('theme', PAPER)
def test_lines_stand_out_from_each_other(theme, sight):
    seen = [lab(getattr(style, theme), sight) for style in STYLES]
    assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > 15


def test_without_colour_dash_and_mark_differ():
    for part in ('dash', 'marker', 'symbol', 'outline'):
        assert len({getattr(style, part) for style in STYLES}) == len(STYLES) == 8
    assert series_style(9) == STYLES[1]


@pytest.mark.parametrize('count', [1, 2, 4, 10])
def test_exits_darken_step_by_step(count):
    values = [luminance(colour) for colour in exit_colours(count)]
    assert len(values) == count
    assert values == sorted(values, reverse=True) and len(set(values)) == count
