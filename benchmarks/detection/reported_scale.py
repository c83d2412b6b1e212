"""The scale for a budget, out of a report's results."""

from pathlib import Path

import numpy as np

from dynp_plugins.errors import UserError

from ..detection_records import DetectorResult, ScalePoint
from ..results import read_results
from .operating_points import choose_scale


def reported_scale(
    report: str | Path, weights_sha256: str, budget_gmacs: float | None = None
) -> ScalePoint:
    """The operating point of a detector that its report gives for a budget.

    Args:
        report: A folder that ``tools/budget_curve.py`` wrote, or the ``results.json`` in it.
        weights_sha256: Of the detector's weights.
        budget_gmacs: Total mean cost of a picture that is allowed; None for any.

    Raises:
        UserError: There is no such report, the detector is not in it, or no scale of it is within
            the budget.
    """
    path = Path(report)
    if path.is_dir():
        path /= 'results.json'
    if not path.is_file():
        raise UserError(
            f'there is no report {report}: give the folder that tools/budget_curve.py wrote for '
            'this detector'
        )
    points = _detector(path, weights_sha256).points
    return choose_scale(points, np.inf if budget_gmacs is None else budget_gmacs)


def _detector(path: Path, weights_sha256: str) -> DetectorResult:
    detectors = read_results(path).detectors
    for detector in detectors:
        if detector.checkpoint.sha256 == weights_sha256:
            return detector
    held = ', '.join(f'{d.name} ({d.checkpoint.path})' for d in detectors) or 'no detectors'
    raise UserError(
        f'{path} holds {held}, but not this detector with these weights: run '
        'tools/budget_curve.py for it'
    )
