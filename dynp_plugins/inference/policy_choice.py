"""Which exit policy is in force: one that was given, or the one that a table gives for a budget."""

import numbers
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..early_exit import ExitPolicy, ExitTable, full_network
from ..early_exit.choosing import choose_policy, exit_gmacs
from ..errors import UserError
from .loaded_model import LoadedModel

TABLE_SUFFIX = '_calibration.npz'


class PolicyChoice:
    """Gives the policy for a budget.

    Args:
        model: The model that the policies are for.
        given: A policy or the file of one; an exit table of the calibration split (``.npz``), or
            a folder that ``tools/budget_curve.py`` wrote; or None.
        chosen: Policies that have been chosen already, by budget; they are not chosen again.

    Attributes:
        exit_gmacs: What a sample has cost at each exit, as far as what was given says it.
        input_shape: (channels, height, width) of the pictures, or (frames, channels, height, width)
            of the videos, that costs and thresholds hold for; None if nothing says it.
        table: The exit table that thresholds are chosen from, if one was given.

    Raises:
        UserError: There is nothing of the sort, it cannot be read, or it was made for another
            model or other weights.
    """

    def __init__(
        self,
        model: LoadedModel,
        given: ExitPolicy | str | Path | None,
        chosen: Mapping[float | None, ExitPolicy] | None = None,
    ):
        self._model = model
        self._chosen = dict(chosen or {})
        for policy in self._chosen.values():
            self._check(policy)
        self._fixed: ExitPolicy | None = None
        self.table: ExitTable | None = None
        names = tuple(model.network.exit_names)
        self._whole = ExitPolicy(names, 'max_softmax', tuple(full_network(len(names))))
        self.exit_gmacs: Sequence[float] | None = None
        self.input_shape: tuple[int, ...] | None = None
        self._source = 'the policy'
        if given is None:
            return
        if isinstance(given, ExitPolicy):
            self._take_policy(given)
            return
        if not isinstance(given, str | os.PathLike):
            raise UserError(
                f'policy={given!r}: give an ExitPolicy, the file of one (.json), an exit table '
                '(.npz), or the folder of a report'
            )
        self._source = os.fspath(given)
        path = Path(given)
        if path.is_dir():
            path = _table_in(path, model)
        if not path.is_file():
            raise UserError(f'there is no policy, exit table or report folder {path}')
        if path.suffix == '.npz':
            self._take_table(path)
        elif path.suffix == '.json':
            self._take_policy(ExitPolicy.load(path))
        else:
            raise UserError(
                f'{path} is neither a policy (.json) nor an exit table (.npz) nor the folder of a '
                'report'
            )

    def policy(self, budget_gmacs: float | None) -> ExitPolicy:
        """The policy for a budget.

        Args:
            budget_gmacs: Mean cost of a sample that is to be met; None for no limit, which gives
                the policy as it was given, and with a table or nothing the whole network.

        Raises:
            UserError: There is no table to choose thresholds from, or the budget lies outside what
                the exits cost.
        """
        if budget_gmacs is None:
            return self._chosen.get(None, self._fixed or self._whole)
        if isinstance(budget_gmacs, bool) or not isinstance(budget_gmacs, numbers.Real):
            raise UserError(
                f'budget_gmacs={budget_gmacs!r}: give a number of GMACs per {self._model.kind.name}'
            )
        if budget_gmacs in self._chosen:
            return self._chosen[budget_gmacs]
        if self.table is None:
            has = (
                f'{self._source} has fixed thresholds'
                if self._fixed
                else 'there is nothing to choose thresholds from'
            )
            raise UserError(
                f'a budget of {budget_gmacs:g} GMACs is asked for, but {has}: give as policy the '
                'folder that tools/budget_curve.py wrote for this model, or the exit table '
                f'tables/MODEL{TABLE_SUFFIX} in it'
            )
        return _from_table(self.table, float(budget_gmacs))

    def _take_policy(self, policy: ExitPolicy) -> None:
        self._check(policy)
        self._fixed = policy
        if policy.expected is not None:
            costs = policy.expected.exit_gmacs
            self.exit_gmacs = [costs[name] for name in policy.exit_names]
            self._hold_for(policy.expected.input_shape)

    def _take_table(self, path: Path) -> None:
        table = ExitTable.load(path)
        try:
            costs = [float(cost) for cost in exit_gmacs(table)]
            self._check(_from_table(table, costs[-1]))
        except UserError as error:
            raise UserError(f'{path}: {error}') from error
        self.table, self.exit_gmacs = table, costs
        self._hold_for(table.manifest.get('input_shape'))

    def _hold_for(self, input_shape: Sequence[int] | None) -> None:
        self.input_shape = None if input_shape is None else tuple(input_shape)

    def _check(self, policy: ExitPolicy) -> None:
        policy.check_network(
            self._model.network.exit_names, self._model.num_classes, self._model.weights_sha256
        )


def _from_table(table: ExitTable, budget_gmacs: float) -> ExitPolicy:
    return choose_policy(
        table, method='geometric', measure='max_softmax', budget_gmacs=budget_gmacs
    )


def _table_in(folder: Path, model: LoadedModel) -> Path:
    """The calibration table of this model in the folder of a report, or in its ``tables``."""
    found = sorted(
        path for where in (folder, folder / 'tables') for path in where.glob(f'*{TABLE_SUFFIX}')
    )
    if not found:
        raise UserError(
            f'{folder} holds no exit table of a calibration split, neither *{TABLE_SUFFIX} nor '
            f'tables/*{TABLE_SUFFIX}: give the folder that tools/budget_curve.py wrote'
        )
    ours = [path for path in found if _weights_of(path) == model.weights_sha256]
    named = [path for path in ours or found if path.name == model.name + TABLE_SUFFIX]
    fitting = named or ours
    if len(fitting) != 1:
        problem = 'several exit tables' if fitting else 'no exit table'
        raise UserError(
            f'{folder} holds {problem} of {model.name} with these weights: name the file, one of '
            + ', '.join(map(str, fitting or found))
        )
    return fitting[0]


def _weights_of(path: Path) -> str | None:
    """The hash of the weights that an exit table was made with; None if it cannot be read."""
    try:
        return ExitTable.load(path).manifest.get('weights_sha256')
    except UserError:
        return None
