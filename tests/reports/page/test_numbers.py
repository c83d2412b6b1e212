"""How numbers, ticks and colours are written."""

import pytest

from benchmarks.interval import Interval
from reports.page.colours import INK_ON_DEEP, INK_ON_PALE, ink_on, theme_colours
from reports.page.numbers import between, confidence_text, number, significant, speedup, sure
from reports.page.svg import plain, ticks
from reports.series import STYLES, exit_colours


@pytest.mark.parametrize(
    'value, text',
    [(1234.5, '1234'), (12.34, '12.3'), (1.234, '1.23'), (0.05678, '0.0568'), (0.0, '0')],
)
def test_three_significant_digits(value, text):
    assert significant(value) == text


def test_intervals_and_missing_numbers():
    assert between(Interval(-0.5, 2.25)) == '\N{MINUS SIGN}0.50\N{EN DASH}2.25'
    assert between(Interval(0.001, 0.002), 1, 1000) == '1.0\N{EN DASH}2.0'
    assert between(None) == number(None) == '\N{EN DASH}'
    assert sure(Interval(-1.0, 2.0)) == '95 %: \N{MINUS SIGN}1.0 to 2.0'
    assert sure(None) == 'no interval'
    assert sure(Interval(16.5, 16.5)) == 'the same in every bootstrap draw'
    assert between(Interval(16.5, 16.5 * (1 + 1e-15))) == '\N{EN DASH}'
    assert speedup(1.456) == '1.46\N{MULTIPLICATION SIGN}'


@pytest.mark.parametrize(
    'threshold, measure, text',
    [
        (None, 'max_softmax', 'closed'),
        (0.93971, 'max_softmax', '0.9397'),
        (0.999987, 'max_softmax', '0.999987'),
        (0.9999999404, 'entropy', '0.999999940'),
        (1.0, 'max_softmax', '1'),
        (0.0, 'max_softmax', 'all'),
        (-1e-9, 'margin', 'all'),
        (0.0000123, 'entropy', '0.000012'),
        (1.0, 'patience', 'all'),
        (2.0, 'patience', '2'),
    ],
)
def test_thresholds_differ_from_the_ends_they_are_not(threshold, measure, text):
    assert confidence_text(threshold, measure) == text


@pytest.mark.parametrize(
    'low, high, expected',
    [
        (0.0, 1.0, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (4.8, 15.1, [6.0, 8.0, 10.0, 12.0, 14.0]),
        (0.93, 1.27, [1.0, 1.1, 1.2]),
        (-3.0, 3.0, [-2.0, 0.0, 2.0]),
        (7.0, 7.0, [7.0]),
    ],
)
def test_ticks_are_round_and_few(low, high, expected):
    found = ticks(low, high, 6 if high == 1.0 else 5)
    assert found == pytest.approx(expected)
    assert [plain(value) for value in found] == [f'{value:g}' for value in expected]


@pytest.mark.parametrize('count', [1, 2, 4, 10])
def test_shares_are_legible_on_every_exits_colour(count):
    inks = [ink_on(colour) for colour in exit_colours(count)]
    assert set(inks) <= {INK_ON_DEEP, INK_ON_PALE} and inks[0] == INK_ON_PALE
    assert count == 1 or inks[-1] == INK_ON_DEEP
    assert inks == sorted(inks, key=[INK_ON_PALE, INK_ON_DEEP].index)


def test_every_series_has_a_line_and_a_band_in_both_themes():
    for theme in ('light', 'dark'):
        colours = theme_colours(theme)
        for i, style in enumerate(STYLES):
            assert colours[f'--series-{i}'] == getattr(style, theme)
            assert colours[f'--band-{i}'].startswith('rgba(')
    assert theme_colours('light')['--band-0'] == 'rgba(0, 114, 178, 0.15)'
