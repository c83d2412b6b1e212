"""Names and sentences as a reader sees them: on one line, short enough, each model's own."""

import re
from collections.abc import Sequence
from pathlib import PurePath

from benchmarks.detection_records import DetectorResult
from benchmarks.results import ModelResult, Results

JOINERS = '\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}'


def one_line(text: str, most: int = 1000) -> str:
    """``text`` without line breaks and unprintable characters, at most ``most`` characters long.

    Characters that turn the direction of writing are unprintable, so what stands beside such a text
    stays in its place; the two joiners that some scripts cannot be written without are kept.

    What is too long loses its middle, because names of models differ at both ends.
    """
    text = ''.join(
        c if c.isprintable() or c.isspace() or c in JOINERS else '\N{REPLACEMENT CHARACTER}'
        for c in text
    )
    text = ' '.join(text.split())
    if len(text) <= most:
        return text
    head = (most - 1) // 2
    return text[:head] + '\N{HORIZONTAL ELLIPSIS}' + text[head + 1 - most :]


def series_names(results: Results) -> list[str]:
    """One name per model, all different, in the order of ``results.models``; see `own_names`."""
    return own_names(results.models)


def own_names(models: Sequence[ModelResult] | Sequence[DetectorResult]) -> list[str]:
    """One name per model or detector, all different, in their order.

    Models that share a name are told apart by their weights, else by their checkpoint's file
    name, else by a number.
    """
    names = [one_line(model.name) or 'model' for model in models]
    weights = [model.weights for model in models]
    files = [PurePath(model.checkpoint.path).stem for model in models]
    for extras in (weights, files):
        longer = [f'{name} ({one_line(extra)})' for name, extra in zip(names, extras, strict=True)]
        for shared in {name for name in names if names.count(name) > 1}:
            same = [i for i, name in enumerate(names) if name == shared]
            if len({longer[i] for i in same}) == len(same):
                for i in same:
                    names[i] = longer[i]
    taken: set[str] = set()
    for i, name in enumerate(names):
        number = 1
        while names[i] in taken:
            number += 1
            names[i] = f'{name} #{number}'
        taken.add(names[i])
    return names


def exit_names(results: Results) -> list[str]:
    """The union of the models' exits, in order of first appearance."""
    return list(dict.fromkeys(exit.name for model in results.models for exit in model.exits))


METHODS = {
    'geometric': 'geometric exit shares',
    'dyn_perceiver': "Dyn-Perceiver's weighted exit shares",
    'pareto': 'Pareto search',
    'risk_control': 'risk control',
}
"""Threshold methods in words."""

MEASURES = {
    'max_softmax': 'largest class probability',
    'entropy': 'entropy of the class probabilities',
    'margin': 'margin between the two likeliest classes',
    'patience': 'agreement of successive exits',
}
"""Confidence measures in words."""


SETTINGS = {'p_value': 'p-value', 'budget_gmacs': 'budget in GMACs'}
"""Settings of threshold methods in words, as far as their names are none."""


def in_words(name: str) -> str:
    """A threshold method, a confidence measure or a setting in words; a new one by its name."""
    return (METHODS | MEASURES | SETTINGS).get(name) or one_line(name, 40)


def listed(texts: Sequence[str]) -> str:
    """Texts as a sentence lists them: ``a``, ``a and b``, ``a, b and c``."""
    *others, last = texts
    return f'{", ".join(others)} and {last}' if others else last


def counted(count: int, word: str, words: str = '') -> str:
    """A number with its noun: ``1 thread``, ``2 threads``; ``words`` is a plural without an s."""
    return f'{count:,} {word if count == 1 else words or word + "s"}'


def typeset(sentence: str) -> str:
    """Bind numbers to their units, so that no line breaks between them, and use the right signs.

    Those are curled apostrophes, multiplication signs after factors, and minus signs.
    """
    factors = r'(?<=\d\.\d\d)x (?=fewer|the MACs|as fast)'
    sentence = re.sub(factors, '\N{MULTIPLICATION SIGN} ', sentence)
    sentence = re.sub(r'(?<= )-(?=\d)', '\N{MINUS SIGN}', sentence)
    bound = re.sub(r'(?<=\d) (?=%|[KMGT]?(?:MACs|FLOPs)\b)', '\N{NO-BREAK SPACE}', sentence)
    return re.sub(r"(?<=\w)'(?=\w)", '\N{RIGHT SINGLE QUOTATION MARK}', bound)
