"""Names as a reader sees them."""

import pytest

from benchmarks.results import FileRecord
from dynp_plugins.early_exit import MEASURES as KNOWN_MEASURES
from dynp_plugins.early_exit.choosing import METHODS, RISK_CONTROL
from reports.labels import (
    counted,
    exit_names,
    in_words,
    listed,
    one_line,
    series_names,
    typeset,
)

from .made_up_results import made_up_model, made_up_results


@pytest.mark.parametrize(
    'text, shown',
    [
        ('plain', 'plain'),
        ('two\nlines\t and  more ', 'two lines and more'),
        ('bell\x07, half a pair \udc80', 'bell\ufffd, half a pair \ufffd'),
        ('modèle 漢字', 'modèle 漢字'),
        (
            '\u0646\u0645\u06cc\u200c\u062e \u0915\u094d\u200d\u0937',
            '\u0646\u0645\u06cc\u200c\u062e \u0915\u094d\u200d\u0937',
        ),
        ('gpj\u202eexe', 'gpj\ufffdexe'),
    ],
)
def test_one_line(text, shown):
    assert one_line(text) == shown


@pytest.mark.parametrize('most', [5, 8, 9, 20])
def test_long_text_loses_its_middle(most):
    text = 'begin' + 20 * '-' + 'end'
    short = one_line(text, most)
    assert len(short) == most
    assert short[0] == 'b' and short[-1] == 'd' and '\N{HORIZONTAL ELLIPSIS}' in short
    assert one_line(text, len(text)) == text


def model(name, weights='ema', path='last.pth'):
    return made_up_model(name, weights=weights, checkpoint=FileRecord(path, '0' * 64))


@pytest.mark.parametrize(
    'models, names',
    [
        ([('a',), ('b',)], ['a', 'b']),
        ([('a', 'ema'), ('b',), ('a', 'raw')], ['a (ema)', 'b', 'a (raw)']),
        ([('a', 'ema', 'x/e1.pth'), ('a', 'ema', 'e2.pth')], ['a (e1)', 'a (e2)']),
        ([('a',), ('a',), ('a #2',)], ['a', 'a #2', 'a #2 #2']),
        ([('\n',), ('b',)], ['model', 'b']),
    ],
)
def test_models_have_different_names(models, names):
    assert series_names(made_up_results(*(model(*args) for args in models))) == names


def test_union_of_exits_keeps_their_order():
    one = made_up_model('one', exit_gmacs={'early': 1e-3, 'latent': 2e-3})
    two = made_up_model('two', exit_gmacs={'early': 1e-3, 'block 2': 2e-3, 'latent': 3e-3})
    assert exit_names(made_up_results(one, two)) == ['early', 'latent', 'block 2']


def test_typeset_binds_numbers_to_units():
    typed = typeset("98 % of the network's accuracy at 9.3 MMACs per image")
    assert typed.replace('\xa0', ' ').replace('\u2019', "'") == (
        "98 % of the network's accuracy at 9.3 MMACs per image"
    )
    assert typed.count('\xa0') == 2 and 'network\u2019s' in typed


@pytest.mark.parametrize(
    'sentence, typed',
    [
        ('a needs 1.80x fewer MACs', 'a needs 1.80\u00d7 fewer MACs'),
        ('0.99x as fast', '0.99\u00d7 as fast'),
        ('resnet-0.75x of 2x', 'resnet-0.75x of 2x'),
        ('a difference of -0.4 to 1.0', 'a difference of \u22120.4 to 1.0'),
    ],
)
def test_typeset_uses_the_right_signs(sentence, typed):
    assert typeset(sentence) == typed


@pytest.mark.parametrize(
    'count, said', [(1, '1 thread'), (2, '2 threads'), (1500, '1,500 threads')]
)
def test_counted(count, said):
    assert counted(count, 'thread') == said


@pytest.mark.parametrize('name', [*METHODS, RISK_CONTROL, *KNOWN_MEASURES])
def test_every_method_and_measure_has_words(name):
    assert in_words(name) != name and '_' not in in_words(name)


def test_a_new_measure_goes_by_its_name():
    assert in_words('my\nmeasure') == 'my measure'


def test_a_number_has_its_noun():
    assert [counted(n, 'scale') for n in (0, 1, 1200)] == ['0 scales', '1 scale', '1,200 scales']
    assert [counted(n, 'class', 'classes') for n in (1, 2)] == ['1 class', '2 classes']


@pytest.mark.parametrize(
    'texts, text', [(['a'], 'a'), (['a', 'b'], 'a and b'), (['a', 'b', 'c'], 'a, b and c')]
)
def test_lists(texts, text):
    assert listed(texts) == text


def test_factors_of_macs_have_a_multiplication_sign():
    sign = '\N{MULTIPLICATION SIGN}'
    assert typeset('with 1.11x the MACs') == f'with 1.11{sign} the MACs'
    assert typeset('1.50x fewer MACs') == f'1.50{sign} fewer MACs'
