"""The table of exits in a README: its numbers, its marks, and what stays around it."""

import dataclasses

import pytest

from dynp_plugins.errors import UserError
from reports.markdown.readme_table import (
    exits_table,
    marks,
    results_table,
    scales_table,
    update_readme,
)

from ..made_up_detectors import made_up_detection, made_up_detector, three_detectors
from ..made_up_results import made_up_model, made_up_results, video_models


def test_one_line_per_exit_with_its_numbers():
    results = video_models()
    table, note = exits_table(results).split('\n\n')
    _, _, *rows = table.splitlines()
    exits = [exit for model in results.models for exit in model.exits]
    assert len(rows) == len(exits)
    for row, exit in zip(rows, exits, strict=True):
        cells = [cell.strip() for cell in row.split('|')[1:-1]]
        interval = exit.test_top1_interval
        assert cells[1] == exit.name
        assert cells[3:] == [
            f'{exit.test_top1_percent:.1f}',
            f'{interval.low:.1f} to {interval.high:.1f}',
            f'{exit.mean_class_percent:.1f}',
        ]
    assert 'of one video' in note


def test_one_line_per_scale_with_its_numbers():
    results = three_detectors()
    table, note = scales_table(results).split('\n\n')
    header, _, *rows = table.splitlines()
    points = [(d, point) for d in results.detectors for point in d.points]
    assert len(rows) == len(points) and header.endswith('| large % | ms |')
    for row, (detector, point) in zip(rows, points, strict=True):
        cells = [cell.strip() for cell in row.split('|')[1:-1]]
        test, interval = point.test, point.map_interval
        scale = '\N{MULTIPLICATION SIGN}'.join(map(str, point.scale))
        assert cells[:2] == [detector.name, scale + (' \\*' if point.chosen else '')]
        assert cells[2:11] == [
            f'{point.parts[0].gmacs_mean:.3f}',
            f'{point.gmacs_mean:.3f}',
            f'{test.map_percent:.1f}',
            f'{interval.low:.1f} to {interval.high:.1f}',
            f'{test.ap50_percent:.1f}',
            f'{test.ap75_percent:.1f}',
            f'{test.ap_small_percent:.1f}',
            f'{test.ap_medium_percent:.1f}',
            f'{test.ap_large_percent:.1f}',
        ]
        assert float(cells[11]) == pytest.approx(point.latency.timing.p50_ms, rel=6e-3)
    assert '300 test images' in note


def test_what_makes_times_doubtful_stands_below_them():
    results = made_up_detection(made_up_detector())
    machine = results.timing.machine
    busy = dataclasses.replace(
        machine,
        states_after={'load, 1 minute': '5.73'},
        settings=machine.settings | {'usable cores': '2'},
    )
    results = dataclasses.replace(results, timing=dataclasses.replace(results.timing, machine=busy))
    said = 'The machine was busy: load 5.73 on 2 usable cores, so other work slowed'
    assert said in scales_table(results).split('\n\n')[1]
    untimed = made_up_detector(latency=False)
    assert said not in scales_table(dataclasses.replace(results, detectors=[untimed]))


def test_without_times_there_is_no_column_for_them_and_both_kinds_have_a_table():
    detectors = made_up_detection(made_up_detector(latency=False))
    assert ' ms ' not in scales_table(detectors)
    both = made_up_detection(made_up_detector(), models=[made_up_model()])
    assert results_table(both) == f'{exits_table(both)}\n\n{scales_table(both)}'
    assert results_table(detectors) == scales_table(detectors)


def test_only_what_lies_between_the_marks_changes(tmp_path):
    readme, results = tmp_path / 'README.md', video_models()
    begin, end = marks('a')
    other = '\n'.join(marks('b'))
    readme.write_text(f'# Title\n\n{begin}\nold\n{end}\n\n{other}\nlast\n', encoding='utf-8')
    update_readme(readme, 'a', results)
    expected = f'# Title\n\n{begin}\n\n{exits_table(results)}\n\n{end}\n\n{other}\nlast\n'
    assert readme.read_text(encoding='utf-8') == expected
    update_readme(readme, 'a', results)
    assert readme.read_text(encoding='utf-8') == expected


def test_missing_marks_and_files_are_named(tmp_path):
    readme = tmp_path / 'README.md'
    with pytest.raises(UserError, match=r'there is no README .*README\.md'):
        update_readme(readme, 'a', made_up_results())
    readme.write_text('text\n', encoding='utf-8')
    with pytest.raises(UserError, match=r'needs these two lines:\n<!-- begin: .*, a -->'):
        update_readme(readme, 'a', made_up_results())
    assert readme.read_text(encoding='utf-8') == 'text\n'
