"""From the exit table of a calibration split to policies, by any threshold method."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from ..errors import UserError
from .exit_table import ExitTable
from .pareto import pareto_thresholds
from .policy import CalibrationSplit, ExitPolicy, Expectation
from .risk_control import risk_controlled_thresholds
from .thresholds import (
    DYN_PERCEIVER_WEIGHTS,
    choose_exits,
    geometric_shares,
    quota_thresholds,
)

CALIBRATION = 'calibration'
"""Name of the split that thresholds may be chosen on."""

Method = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""(N, K) confidence, (N, K) correct, (K,) costs, (M,) budgets to (M, K) thresholds."""


def _geometric(confidence, correct, costs, budgets) -> np.ndarray:
    shares = geometric_shares(costs, budgets)
    return np.array([quota_thresholds(confidence, row) for row in shares])


def _dyn_perceiver(confidence, correct, costs, budgets) -> np.ndarray:
    shares = geometric_shares(costs, budgets, DYN_PERCEIVER_WEIGHTS)
    return np.array([quota_thresholds(confidence, row) for row in shares])


METHODS: dict[str, Method] = {
    'geometric': _geometric,
    'dyn_perceiver': _dyn_perceiver,
    'pareto': pareto_thresholds,
}
"""Threshold methods that meet a mean cost."""

ROUNDING = 1e-5
"""Relative difference up to which a budget is taken for an exit's cost, as tables print it."""

RISK_CONTROL = 'risk_control'
"""The threshold method that bounds the loss of accuracy instead."""


def choose_policy(
    table: ExitTable,
    budget_gmacs: float,
    method: str = 'geometric',
    measure: str = 'max_softmax',
) -> ExitPolicy:
    """Thresholds whose mean cost on the calibration split meets a budget.

    Args:
        table: The exit table of the calibration split; its manifest names the model and the costs
            of its exits.
        budget_gmacs: The wished mean cost of a sample.
        method: One of `METHODS`.
        measure: The confidence measure.

    Raises:
        UserError: See `choose_policies`.
    """
    return choose_policies(table, [budget_gmacs], method, measure)[0]


def choose_policies(
    table: ExitTable,
    budgets_gmacs: Sequence[float],
    method: str = 'geometric',
    measure: str = 'max_softmax',
) -> list[ExitPolicy]:
    """One policy per budget; see `choose_policy`.

    Raises:
        UserError: The table is that of another split or says no costs; a budget lies below the
            first exit's cost or above the last one's; the method is unknown, or made for another
            number of exits.
    """
    costs = exit_gmacs(table)
    if method not in METHODS:
        raise UserError(
            f'no threshold method is called {method!r}: choose one of {", ".join(METHODS)}'
        )
    if method == 'dyn_perceiver' and len(costs) != len(DYN_PERCEIVER_WEIGHTS):
        raise UserError(
            f'the threshold method dyn_perceiver has weights for {len(DYN_PERCEIVER_WEIGHTS)} '
            f'exits, and {table.manifest.get("model")} has {len(costs)}: choose another method'
        )
    within = np.array([check_budget(budget, costs) for budget in budgets_gmacs])
    rows = METHODS[method](table.confidence(measure), table.correct, costs, within)
    return [
        _policy(table, row, method, measure, {'budget_gmacs': float(budget)})
        for row, budget in zip(rows, budgets_gmacs, strict=True)
    ]


def risk_controlled_policy(
    table: ExitTable,
    epsilon: float,
    delta: float,
    measure: str = 'max_softmax',
    p_value: str = 'binomial',
    seed: int = 0,
) -> ExitPolicy:
    """The cheapest thresholds that keep the full network's accuracy; see `risk_control`.

    Args:
        table: The exit table of the calibration split.
        epsilon: The accuracy that may be lost, as a fraction of all samples.
        delta: The probability with which more may be lost all the same.
        measure: The confidence measure.
        p_value: ``binomial`` or ``hoeffding_bentkus``.
        seed: Of the split into samples that propose thresholds and samples that test them.

    Raises:
        UserError: The table is that of another split or says no costs; epsilon or delta cannot be
            met with so few samples.
    """
    costs, confidence = exit_gmacs(table), table.confidence(measure)
    try:
        found = risk_controlled_thresholds(
            confidence, table.correct, costs, epsilon, delta, p_value=p_value, seed=seed
        )
    except ValueError as error:
        raise UserError(f'risk control on the calibration split: {error}') from error
    settings = {'epsilon': epsilon, 'delta': delta, 'p_value': p_value, 'seed': seed}
    return _policy(table, found.thresholds, RISK_CONTROL, measure, settings)


def exit_gmacs(table: ExitTable) -> np.ndarray:
    """(K,) cumulative cost of the exits, from the manifest of a calibration table.

    Raises:
        UserError: The table is that of another split, or says no costs.
    """
    split = table.manifest.get('split')
    if split != CALIBRATION:
        raise UserError(
            f'thresholds are chosen on the calibration split alone, and this exit table is that '
            f'of the {split} split'
        )
    if not table.manifest.get('exit_gmacs'):
        raise UserError(
            'the exit table does not say what its exits cost: run tools/budget_curve.py again'
        )
    return np.array(table.manifest['exit_gmacs'], float)


def check_budget(budget_gmacs: float, costs: np.ndarray) -> float:
    """The budget, put onto the first or the last exit's cost where it is that but for rounding.

    Raises:
        UserError: It lies below the first exit's cost, above the last one's, or is no number.
    """
    low, high = costs[0], costs[-1]
    if not low * (1 - ROUNDING) <= budget_gmacs <= high * (1 + ROUNDING):
        raise UserError(
            f'a budget of {budget_gmacs:.6g} GMACs lies outside what the exits cost: the first one '
            f'needs {low:.6g} GMACs, the last one {high:.6g}; choose a budget between them'
        )
    return float(np.clip(budget_gmacs, low, high))


def on_calibration(policy: ExitPolicy, table: ExitTable) -> ExitPolicy:
    """The same policy with what it gives on a calibration split.

    Args:
        policy: For the table's exits and classes.
        table: The exit table of the calibration split.

    Raises:
        UserError: The policy is for another network; or see `exit_gmacs`.
    """
    names, costs = table.manifest['exit_names'], exit_gmacs(table)
    policy.check_network(names, table.manifest['classes'], table.manifest.get('weights_sha256'))
    exits = choose_exits(table.confidence(policy.measure), np.array(policy.thresholds))
    shares = np.bincount(exits, minlength=len(names)) / len(table)

    def by_exit(values: np.ndarray) -> dict[str, float]:
        return {name: float(value) for name, value in zip(names, values, strict=True)}

    return replace(
        policy,
        calibration=CalibrationSplit(CALIBRATION, len(table), table.manifest['index_sha256']),
        expected=Expectation(
            gmacs_mean=float(costs[exits].mean()),
            top1_percent=100 * float(table.correct[np.arange(len(table)), exits].mean()),
            exit_shares=by_exit(shares),
            exit_gmacs=by_exit(costs),
            exit_top1_percent=by_exit(table.topk_percent(1)),
            input_shape=table.manifest.get('input_shape'),
        ),
    )


def _policy(
    table: ExitTable, thresholds: np.ndarray, method: str, measure: str, settings: dict
) -> ExitPolicy:
    policy = ExitPolicy(
        exit_names=tuple(table.manifest['exit_names']),
        measure=measure,
        thresholds=tuple(thresholds),
        classes=table.manifest['classes'],
        model=table.manifest.get('model'),
        weights_sha256=table.manifest.get('weights_sha256'),
        method=method,
        settings=settings,
    )
    return on_calibration(policy, table)
