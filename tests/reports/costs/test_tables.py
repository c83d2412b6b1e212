"""Units and numbers of the cost tables, and costs of videos in tables and files."""

import io

import pandas as pd
import pytest

from benchmarks.network_costs import DetailedExitCost, ModuleCost, NetworkCosts
from reports.costs.files import cost_csv, cost_record
from reports.costs.tables import cost_text, unit_for


@pytest.mark.parametrize(
    ('values', 'title', 'numbers'),
    [
        ([457_938_048, 1_298_256_512], 'GMACs', ['0.458', '1.298']),
        ([7_168_896, 16_501_360], 'MMACs', ['7.17', '16.50']),
        ([99_999_999], 'MMACs', ['100.0']),
        ([100_000_000], 'GMACs', ['0.100']),
        ([5, 2_000_000_000], 'GMACs', ['<0.001', '2.000']),
        ([0, 33], 'MACs', ['-', '33']),
        ([0], 'MACs', ['-']),
    ],
)
def test_units_of_a_column(values, title, numbers):
    unit = unit_for(values)
    assert unit.title('MACs') == title
    assert [unit.number(value) for value in values] == numbers


def test_small_numbers_beside_large_ones():
    unit = unit_for([3_000_000, 2_000_000_000], wide_range=True)
    assert unit.title('parameters') == 'M parameters'
    assert unit.number(3_000_000) == '3.00'


COSTS = NetworkCosts(
    input_shape=(3, 4, 5),
    parameters=1_000_000,
    exits=(
        DetailedExitCost(
            'first',
            2_000_000,
            50_000,
            {'conv': 2_000_000, 'norm': 50_000},
            300_000,
            70,
            2_000_000,
            None,
        ),
        DetailedExitCost(
            'last',
            8_000_000,
            50_000,
            {'conv': 8_000_000, 'norm': 50_000},
            900_000,
            90,
            8_000_000,
            None,
        ),
    ),
    modules=(
        ModuleCost('', (2_000_000, 8_000_000), (300_000, 900_000)),
        ModuleCost('heads', (0, 1_000_000), (0, 100_000)),
        ModuleCost('heads.[bold]', (0, 1_000_000), (0, 100_000)),
    ),
)


def test_text():
    lines = cost_text('net', {'width': 2}, COSTS).splitlines()
    assert lines[0] == (
        'net width=2, one image of 3 x 4 x 5, 1,000,000 parameters, 100,000 of them never used'
    )
    cells = [line.split() for line in lines]
    assert ['first', '2.00', '4.00', '50.0', '2.05', '0.300', '70'] in cells
    assert ['last', '8.00', '16.00', '50.0', '8.05', '0.900', '90'] in cells
    assert ['last', '6.00', '12.00', '-', '6.00', '0.600', '20'] in cells
    assert 'published' not in '\n'.join(lines)


def of_video(frames):
    return NetworkCosts((frames, 3, 4, 5), COSTS.parameters, COSTS.exits, COSTS.modules)


def test_text_of_videos():
    head, after, *_ = cost_text('net', {}, of_video(8), num_segments=8).splitlines()
    assert head.startswith('net, one video of 8 frames of 3 x 4 x 5, 1,000,000 parameters')
    assert after == ''
    head, after, *_ = cost_text('net', {}, of_video(24), num_segments=8).splitlines()
    assert head.startswith('net, one video of 24 frames of 3 x 4 x 5, ')
    assert after.startswith('24 frames: 3 views of 8; test-time clips and crops multiply the cost')
    # Frames that are seen one by one are not told from views.
    head, after, *_ = cost_text('net', {}, of_video(25)).splitlines()
    assert 'one video of 25 frames of' in head
    assert after == ''
    assert 'one video of 1 frame of 3 x 4 x 5' in cost_text('net', {}, of_video(1))


def test_records_of_videos():
    record = cost_record('net', {}, of_video(24), {}, num_segments=8)
    assert (record['input_shape'], record['views']) == ([24, 3, 4, 5], 3)
    frame = pd.read_csv(io.StringIO(cost_csv(record)))
    assert frame['input_shape'].tolist() == ['24x3x4x5'] * 2
    assert frame['views'].tolist() == [3, 3]
    picture = cost_record('net', {}, COSTS, {}, num_segments=1)
    assert picture['input_shape'] == [3, 4, 5]
    assert 'views' not in picture
    assert 'views' not in cost_csv(picture)


def test_published_order_has_its_own_column():
    exits = tuple(
        DetailedExitCost(**{**vars(exit), 'macs_published_order': 2 * exit.macs})
        for exit in COSTS.exits
    )
    costs = NetworkCosts(COSTS.input_shape, COSTS.parameters, exits, COSTS.modules)
    lines = cost_text('net', {}, costs).splitlines()
    assert 'MMACs in published order' in lines[3]
    assert lines[4].split()[:3] == ['first', '2.00', '4.00']


def test_what_runs_has_its_own_column_where_it_is_something_else():
    exits = tuple(
        DetailedExitCost(**{**vars(exit), 'macs_run': exit.macs // 2}) for exit in COSTS.exits
    )
    costs = NetworkCosts(COSTS.input_shape, COSTS.parameters, exits, COSTS.modules)
    lines = cost_text('net', {}, costs).splitlines()
    assert 'MMACs that run' in lines[3]
    assert lines[4].split()[:3] == ['first', '2.00', '1.00']
    assert 'that run' not in cost_text('net', {}, COSTS)


def test_modules_are_a_tree():
    text = cost_text('net', {}, COSTS, depth=2)
    lines = text.splitlines()
    (title,) = [i for i, line in enumerate(lines) if line.endswith('by each exit, kMACs')]
    assert [line.split() for line in lines[title + 1 : title + 5]] == [
        ['module', 'first', 'last', 'all'],
        ['network', '2000', '6000', '8000'],
        ['heads', '-', '1000', '1000'],
        ['[bold]', '-', '1000', '1000'],
    ]
    assert lines[title + 3].startswith('  heads')
    assert lines[title + 4].startswith('    [bold]')
    assert 'heads' not in cost_text('net', {}, COSTS, depth=0)
