"""What a network with exits answers of pictures or videos, as text for the terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from dynp_plugins.inference.answer_files import AnswerSummary
from dynp_plugins.inference.sample_kinds import SampleKind

from ..costs.tables import Unit, unit_for
from .aligned import aligned_lines, printable


def table_text(rows: Sequence[Mapping[str, Any]], kind: SampleKind) -> str:
    """An aligned table; long names are never cut."""
    unit = unit_for([row['gmacs'] * 1e9 for row in rows if row['gmacs'] is not None])
    lines = [
        (kind.column, 'label', 'score', 'exit', unit.title('MACs')),
        *(_cells(row, kind, unit) for row in rows),
    ]
    return '\n'.join(aligned_lines(lines, right=(2, 4)))


def summary_text(summary: AnswerSummary, kind: SampleKind, budget_gmacs: float | None) -> str:
    """How many were answered, where, and at what cost."""
    lines = [answered_text(summary.samples, summary.answered, kind)]
    if summary.gmacs_mean is not None:
        lines.append(cost_text(summary.gmacs_mean, budget_gmacs, kind))
    if summary.exit_shares is not None:
        shares = (f'{name} {100 * share:.1f} %' for name, share in summary.exit_shares.items())
        lines.append(f'left at {", ".join(shares)}')
    return '\n'.join(lines)


def answered_text(samples: int, answered: int, kind: SampleKind) -> str:
    """How many there were, and how many of them got no answer."""
    text = f'{samples} {kind.name}{"s" if samples > 1 else ""}'
    unread = samples - answered
    return f'{text}, {unread} of them without an answer' if unread else text


def cost_text(gmacs_mean: float, budget_gmacs: float | None, kind: SampleKind) -> str:
    """What one sample has cost, beside what it was to cost."""
    mean = gmacs_mean * 1e9
    unit = unit_for([mean])
    text = f'mean cost {unit.number(mean)} {unit.title("MACs")} per {kind.name}'
    if budget_gmacs is not None:
        text += f'; the budget is {unit.number(budget_gmacs * 1e9)}'
    return text


def _cells(row: Mapping[str, Any], kind: SampleKind, unit: Unit) -> tuple[str, ...]:
    """A sample's line: name and error, or all columns."""
    name = printable(row[kind.column])
    if row['error'] is not None:
        return name, printable(row['error'])
    return (
        name,
        str(row['label']) if row['class'] is None else printable(row['class']),
        f'{100 * row["score"]:.1f} %',
        printable(row['exit']),
        '-' if row['gmacs'] is None else unit.number(row['gmacs'] * 1e9),
    )
