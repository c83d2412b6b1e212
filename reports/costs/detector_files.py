"""A detector's costs as files: JSON and CSV, whole numbers with their units in the names."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from benchmarks.detection.part_costs import DetectorCosts, PartMacs
from benchmarks.detection.split_costs import TOTAL, SplitCosts, Spread


def detector_record(
    network: str,
    settings: Mapping[str, Any],
    costs: DetectorCosts | SplitCosts,
    versions: Mapping[str, str],
    checkpoint: str | None = None,
    depth: int | None = None,
) -> dict[str, Any]:
    """Everything that was counted, ready for JSON.

    Args:
        network: The config.
        settings: What was changed of it.
        costs: Of one image, or of all images of a split.
        versions: Versions of the packages that made the numbers.
        checkpoint: Where the weights come from; None where they are random.
        depth: Modules are included down to this depth; None leaves them out. Of one image only.

    Returns:
        ``network``, ``settings``, ``versions``, ``checkpoint``, ``parameters``; of one image
        ``input_shape`` (channels, height, width); of a split ``split``, ``images`` and ``sizes``,
        each with how many images have it. ``proposals`` of a two-stage detector. ``parts``:
        backbone, neck, head and their total, of a split each number as ``..._mean``, ``..._std``
        (root mean square deviation), ``..._min`` and ``..._max`` over its images. ``modules`` with
        ``depth``.
    """
    record = {
        'network': network,
        'settings': dict(settings),
        'versions': dict(versions),
        'checkpoint': checkpoint,
    }
    if isinstance(costs, SplitCosts):
        return record | _split_entries(costs)
    record |= {
        'input_shape': [3, *costs.size],
        'parameters': costs.parameters,
        'proposals': costs.proposals,
        'parts': [
            {
                'name': part.part,
                **_numbers(part.cost, part.parameters),
                'by_operator': part.by_operator,
            }
            for part in costs.parts
        ]
        + [{'name': TOTAL, **_numbers(costs.total, costs.parameters)}],
    }
    if depth is not None:
        record['modules'] = [
            {
                'name': module.name,
                'depth': module.depth,
                **_numbers(module.cost, module.parameters),
            }
            for module in costs.modules
            if module.depth <= depth
        ]
    return record


def detector_csv(record: Mapping[str, Any]) -> str:
    """A `detector_record` as text: a row per part, without operators and modules."""
    shape = {
        key: 'x'.join(map(str, record[key])) if key == 'input_shape' else record[key]
        for key in ('input_shape', 'split', 'images')
        if key in record
    }
    rows = [
        {
            'network': record['network'],
            'settings': ' '.join(f'{key}={value}' for key, value in record['settings'].items()),
            'checkpoint': record['checkpoint'] or '',
            **shape,
            'part': part['name'],
            **{key: number for key, number in part.items() if isinstance(number, int | float)},
            'versions': ' '.join(f'{key}=={value}' for key, value in record['versions'].items()),
        }
        for part in record['parts']
    ]
    return pd.DataFrame(rows).to_csv(index=False, lineterminator='\n')


def _numbers(cost: PartMacs, parameters: int) -> dict[str, int]:
    return {
        'macs': cost.macs,
        'flops': 2 * cost.macs,
        'other_ops': cost.other_ops,
        'macs_and_other_ops': cost.with_norm,
        'parameters': parameters,
    }


def _split_entries(costs: SplitCosts) -> dict[str, Any]:
    return {
        'split': costs.split,
        'images': costs.images,
        'sizes': [
            {'height': height, 'width': width, 'images': images}
            for (height, width), images in costs.sizes.items()
        ],
        'parameters': costs.parts[-1].parameters,
        'proposals': None if costs.proposals is None else _spread('', costs.proposals),
        'parts': [
            {
                'name': part.part,
                **_spread('macs_', part.macs),
                **_spread('flops_', part.macs, factor=2),
                **_spread('macs_and_other_ops_', part.with_norm),
                'parameters': part.parameters,
            }
            for part in costs.parts
        ],
    }


def _spread(prefix: str, spread: Spread, factor: int = 1) -> dict[str, float]:
    return {f'{prefix}{key}': factor * number for key, number in vars(spread).items()}
