"""A network's costs as files: JSON and CSV, whole numbers with their units in the names."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from benchmarks.network_costs import NetworkCosts, increments

from .views import view_count


def cost_record(
    network: str,
    settings: Mapping[str, Any],
    costs: NetworkCosts,
    versions: Mapping[str, str],
    depth: int | None = None,
    num_segments: int = 1,
) -> dict[str, Any]:
    """Everything that was counted, ready for JSON.

    Args:
        network: The network's name, or its config.
        settings: What was changed of it.
        costs: The costs.
        versions: Versions of the packages that made the numbers.
        depth: Modules are included down to this depth; None leaves them out.
        num_segments: Frames of a video that the network sees together.

    Returns:
        ``network``, ``settings``, ``input_shape`` (channels, height, width) or, of a video,
        (frames, channels, height, width), ``views`` of a video (test-time clips and crops),
        ``versions``, ``parameters`` of the whole network, ``exits``, and ``modules`` with
        ``depth``. All frames of a video are counted. An exit's numbers include all that ran before
        it; those called ``..._incremental`` are what the exit adds.
    """
    exits = costs.exits
    quantities = {
        'macs': [exit.macs for exit in exits],
        'macs_run': [exit.macs_run for exit in exits],
        'flops': [2 * exit.macs for exit in exits],
        'other_ops': [exit.other_ops for exit in exits],
        'macs_and_other_ops': [exit.macs + exit.other_ops for exit in exits],
        'parameters': [exit.parameters for exit in exits],
        'activations': [exit.activations for exit in exits],
    }
    if exits[0].macs_published_order is not None:
        quantities['macs_published_order'] = [exit.macs_published_order for exit in exits]
    names = [exit.name for exit in exits]
    shape = costs.input_shape
    views = {'views': view_count(shape, num_segments)} if len(shape) == 4 else {}
    record = {
        'network': network,
        'settings': dict(settings),
        'input_shape': list(costs.input_shape),
        **views,
        'versions': dict(versions),
        'parameters': costs.parameters,
        'exits': _per_exit(names, quantities),
    }
    for entry, exit in zip(record['exits'], exits, strict=True):
        entry['by_operator'] = exit.by_operator
    if depth is not None:
        record['modules'] = [
            {
                'name': module.name,
                'depth': module.depth,
                'exits': _per_exit(names, {'macs': module.macs, 'parameters': module.parameters}),
            }
            for module in costs.modules
            if module.depth <= depth
        ]
    return record


def cost_json(record: Mapping[str, Any]) -> str:
    """A `cost_record` as text."""
    return json.dumps(record, indent=2) + '\n'


def cost_csv(record: Mapping[str, Any]) -> str:
    """A `cost_record` as text: a row per exit, without operators and modules."""
    rows = [
        {
            'network': record['network'],
            'settings': ' '.join(f'{key}={value}' for key, value in record['settings'].items()),
            'input_shape': 'x'.join(map(str, record['input_shape'])),
            **({'views': record['views']} if 'views' in record else {}),
            'exit': exit['name'],
            **{key: number for key, number in exit.items() if isinstance(number, int)},
            'versions': ' '.join(f'{key}=={value}' for key, value in record['versions'].items()),
        }
        for exit in record['exits']
    ]
    return pd.DataFrame(rows).to_csv(index=False, lineterminator='\n')


def _per_exit(
    names: Sequence[str], quantities: Mapping[str, Sequence[int]]
) -> list[dict[str, Any]]:
    """One dict per exit: its name, and every quantity as a total and as what the exit adds."""
    columns = {}
    for key, cumulative in quantities.items():
        columns[key] = cumulative
        columns[f'{key}_incremental'] = increments(cumulative)
    return [
        {'name': name, **{key: column[k] for key, column in columns.items()}}
        for k, name in enumerate(names)
    ]
