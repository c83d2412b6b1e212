"""The scales of a detector, and the one for a budget, out of a report's results."""

from pathlib import Path

import numpy as np

from dynp_plugins.errors import UserError

from ..detection_records import DetectorResult, ScalePoint
from ..results import read_results
from .operating_points import choose_scale


def reported_scale(
    report: str | Path,
    config_sha256: str,
    weights_sha256: str,
    budget_gmacs: float | None = None,
) -> ScalePoint:
    """The operating point of a detector that its report gives for a budget.

    Args:
        report: A folder that ``tools/budget_curve.py`` wrote, or the ``results.json`` in it.
        config_sha256: Of the detector's config with its options.
        weights_sha256: Of its weights.
        budget_gmacs: Total mean cost of a picture that is allowed; None for any.

    Raises:
        UserError: There is no such report; no detector in it has these weights, or several have
            and none of them this config; or no scale is within the budget.
    """
    path = Path(report)
    if path.is_dir():
        path /= 'results.json'
    if not path.is_file():
        raise UserError(
            f'there is no report {report}: give the folder that tools/budget_curve.py wrote for '
            'this detector'
        )
    points = _detector(path, config_sha256, weights_sha256).points
    return choose_scale(points, np.inf if budget_gmacs is None else budget_gmacs)


def reported_detector(
    path: str | Path, config_sha256: str, weights_sha256: str
) -> DetectorResult | None:
    """What a report says of a detector; None where it does not know it.

    Args:
        path: The report's ``results.json``.
        config_sha256: Of the detector's config with its options.
        weights_sha256: Of its weights.

    Raises:
        UserError: The file cannot be read.
    """
    ours = (config_sha256, weights_sha256)
    found = (one for one in read_results(path).detectors if _hashes(one) == ours)
    return next(found, None)


def _hashes(detector: DetectorResult) -> tuple[str, str]:
    return detector.config.sha256, detector.checkpoint.sha256


def _detector(path: Path, config_sha256: str, weights_sha256: str) -> DetectorResult:
    """The one of these weights; where there are several, the one of this config too."""
    detectors = read_results(path).detectors
    found = [one for one in detectors if one.checkpoint.sha256 == weights_sha256]
    if len(found) > 1:
        names = ', '.join(f'{one.name} ({one.config.path})' for one in found)
        found = [one for one in found if one.config.sha256 == config_sha256]
        if len(found) != 1:
            raise UserError(
                f'{path} has several detectors with these weights, {names}, and '
                f'{"none" if not found else "more than one"} of them with this config: give '
                'the config and the --cfg-options that one of them was measured with'
            )
    if found:
        return found[0]
    held = ', '.join(f'{d.name} ({d.checkpoint.path})' for d in detectors) or 'no detectors'
    raise UserError(
        f'{path} holds {held}, but not this detector with these weights: run '
        'tools/budget_curve.py for it'
    )
