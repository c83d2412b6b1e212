"""What the tables of the model zoo say of each network."""

from collections.abc import Callable, Mapping, Sequence

from benchmarks.detection.part_costs import DetectorCosts
from benchmarks.model_zoo import DETECTION_TASK, Costs, ZooModel
from benchmarks.network_costs import NetworkCosts
from dynp_plugins.errors import UserError

_UNITS = {'ImageNet-1k': ('GMACs', 1e9, 3)}
_SMALL_UNIT = ('MMACs', 1e6, 2)
_VIDEO_UNIT = ('GMACs per video', 1e9, 2)
_UNKNOWN = '-'

Cell = Callable[[ZooModel, Costs], str]


def columns_of(
    dataset: str, models: Sequence[ZooModel], costs: Mapping[str, Costs]
) -> dict[str, Cell]:
    """The columns of a data set's table by title: those that say something of any model."""
    if any(model.task == DETECTION_TASK for model in models):
        return _detector_columns(models)
    return _classifier_columns(dataset, models, costs)


def _detector_columns(models: Sequence[ZooModel]) -> dict[str, Cell]:
    """What detection papers quote is the backbone's cost, normalisation included."""
    columns = {
        'config': lambda model, costs: _config(model),
        'parameters': lambda model, costs: _parameters(costs.parameters),
        'image, height x width': lambda model, costs: '{} x {}'.format(*costs.size),
        'GMACs': lambda model, costs: f'{costs.total.macs / 1e9:.1f}',
        'GMACs of backbone / neck / head': lambda model, costs: ' / '.join(
            f'{part.macs / 1e9:.1f}' for part in costs.costs.values()
        ),
        'GMACs of backbone with norms': lambda model, costs: (
            f'{costs.costs["backbone"].with_norm / 1e9:.1f}'
        ),
    }
    if any(model.published_ap for model in models):
        columns['published mAP, %'] = _published_ap
        columns['source'] = _source
    return columns


def _classifier_columns(
    dataset: str, models: Sequence[ZooModel], costs: Mapping[str, NetworkCosts]
) -> dict[str, Cell]:
    videos = any(len(costs[model.name].input_shape) == 4 for model in models)
    unit, scale, decimals = _VIDEO_UNIT if videos else _UNITS.get(dataset, _SMALL_UNIT)

    def counts(attribute: str) -> Cell:
        return lambda model, costs: ' / '.join(
            f'{getattr(exit, attribute) / scale:.{decimals}f}' for exit in costs.exits
        )

    columns = {
        'config': lambda model, costs: _config(model),
        'parameters': lambda model, costs: _parameters(costs.parameters),
        'input': lambda model, costs: _input(costs.input_shape),
        f'{unit} up to each exit': counts('macs'),
    }
    if any(costs[model.name].exits[0].macs_published_order for model in models):
        columns[f'{unit}, published order'] = counts('macs_published_order')
    if any(model.published_top1 for model in models):
        columns['published top-1 of each exit, %'] = _published
        columns['source'] = _source
    return columns


def _input(shape: Sequence[int]) -> str:
    """Height and width, of a video with the number of frames before them."""
    *frames, _, height, width = shape
    return 'x'.join(map(str, (*frames, height, width)))


def _config(model: ZooModel) -> str:
    return f'[`{model.name}`]({model.config.name})'


def _parameters(count: int) -> str:
    return f'{count / 1e6:.2f} M'


def _published(model: ZooModel, costs: NetworkCosts) -> str:
    """The published accuracies in the order of the exits."""
    if not model.published_top1:
        return _UNKNOWN
    *earlier, _ = (exit.name for exit in costs.exits)
    if set(model.published_top1) != {*earlier, ''}:
        raise UserError(
            f'{model.name}: Metrics must give the accuracy of the last exit and of '
            f'{", ".join(earlier)}, but gives {", ".join(map(repr, model.published_top1))}'
        )
    return ' / '.join(model.published_top1[name] for name in (*earlier, ''))


def _published_ap(model: ZooModel, costs: DetectorCosts) -> str:
    """The average precision of all boxes, and of each size of boxes where it is known."""
    ap = dict(model.published_ap)
    of_all = ap.pop('', _UNKNOWN)
    by_size = ', '.join(f'{size} {value}' for size, value in ap.items())
    return f'{of_all} ({by_size})' if by_size else of_all


def _source(model: ZooModel, costs: Costs) -> str:
    return model.source or _UNKNOWN
