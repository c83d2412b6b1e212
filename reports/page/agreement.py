"""The section on answers in another type, or by another backend, against those in float32."""

from dataclasses import dataclass

from ..agreement import AgreementRow, agreement_finding, agreement_rows, agreements
from .page_panels import PagePanel


@dataclass(frozen=True)
class AgreementView:
    """One model; ``model`` is its index in the panel."""

    model: int
    finding: str
    rows: list[AgreementRow]


def agreement_views(panel: PagePanel) -> list[AgreementView]:
    """Of the models that were compared with float32."""
    timing = panel.results.timing
    if timing is None:
        return []
    several = len(panel.models) > 1
    return [
        AgreementView(
            i,
            agreement_finding(latency, timing.machine, panel.names[i] if several else ''),
            agreement_rows(found, panel.unit.cost),
        )
        for i, latency, found in agreements(panel.models)
    ]
