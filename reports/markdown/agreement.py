"""Agreement with float32 in the Markdown report."""

from benchmarks.results import Results

from ..agreement import agreement_finding, agreement_rows, agreements
from ..axes import cost_unit
from ..labels import one_line, series_names
from ..panels import panel_of
from .text import MISSING, escaped, table


def agreement_section(results: Results) -> list[str]:
    """Sentences and a table; nothing where every model ran as its exit table was made."""
    found = agreements(results.models)
    if not found or results.timing is None:
        return []
    names, sentences, rows = series_names(results), [], []
    for i, latency, agreement in found:
        name = one_line(names[i], 60)
        said = agreement_finding(latency, results.timing.machine)
        sentences.append(f'- **{escaped(name)}**: {escaped(said, 500)}.')
        unit = cost_unit(results, panel_of(i, results).models)
        rows += [
            [escaped(name), escaped(row.what), row.same_top1, row.same_exit or MISSING]
            for row in agreement_rows(agreement, unit.cost)
        ]
    return [
        '### Agreement with float32',
        '\n'.join(sentences),
        table(['model', 'answers', 'same top-1', 'same exit'], rows, texts=2),
        'Compared with the exit tables, which were made by eager PyTorch in float32, on the same '
        'test samples; logits with those of the same network in float32.',
    ]
