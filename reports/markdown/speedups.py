"""MAC-predicted against realised speed-up in the Markdown report."""

from benchmarks.results import Results

from ..axes import CostUnit, cost_unit
from ..labels import one_line, series_names
from ..panels import panels, sample_word
from ..speedups import (
    PUBLISHED_MACS,
    SpeedUp,
    has_speedups,
    machine_words,
    payoff_findings,
    speedup_finding,
    speedups,
)
from ..times import timed_batches
from .text import escaped, number, span, table

_HEADER = [
    'model',
    'batch',
    'budget',
    'mean MACs',
    'MACs predict',
    'exit times predict',
    'realised',
    '95 % interval',
    'realised / MACs predict',
    'early exit',
]


def speedup_section(results: Results) -> list[str]:
    """Sentences, the figure and a table; nothing where early exit was not timed."""
    if not has_speedups(results):
        return []
    said, rows = [], []
    for group in panels(results):
        unit = cost_unit(results, group.models)
        names = [one_line(series_names(results)[i], 60) for i in group.indices]
        said += payoff_findings(group.models, names, unit)
        for model, name in zip(group.models, names, strict=True):
            for batch in timed_batches(model):
                first = [escaped(name), str(batch.batch_size)]
                rows += [[*first, *_cells(one, unit)] for one in speedups(batch)]
    where = ''
    if results.timing is not None:
        where = f' Measured on {escaped(machine_words(results.timing.machine), 400)}.'
    word = sample_word(results.models)
    return [
        '### MAC-predicted and realised speed-up',
        f'{escaped(speedup_finding(results.models))}.{where}',
        '\n'.join(f'- {escaped(sentence, 500)}.' for sentence in said),
        '![Realised speed-up against the one that MACs predict](speedup.png)',
        table(_HEADER, rows, texts=3),
        "MACs predict a speed-up of the full network's MACs divided by the mean MACs of the timed "
        f'{word}s; the times of the exits predict the same with milliseconds in the place of MACs. '
        f'{PUBLISHED_MACS}',
    ]


def _cells(one: SpeedUp, unit: CostUnit) -> list[str]:
    run = one.run
    budget = unit.cost(run.target_gmacs) + (', half' if one.is_half else '')
    return [
        budget,
        unit.cost(run.gmacs_mean),
        number(one.by_macs),
        number(run.predicted_speedup),
        number(run.realised_speedup),
        span(run.realised_interval),
        f'{one.share_percent} %',
        one.verdict,
    ]
