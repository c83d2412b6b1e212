"""report.md: complete, true to the results, and harmless whatever the names hold."""

import re

import pytest

from benchmarks.results import FileRecord, SplitRecord
from dynp_plugins.errors import UserError
from reports.comparisons import pair_finding
from reports.findings import results_finding
from reports.markdown.document import markdown, write_markdown
from reports.markdown.text import code_block, escaped, number, significant, span, table

from ..made_up_results import (
    made_up_model,
    made_up_results,
    static_model,
    three_models,
    video_models,
)

EVIL = (
    'a|b <script>alert(1)</script> ![x](http://evil) `code` $x$ *bold* _u_\nnext # ~~gone~~ &amp;'
)


def tables_of(text):
    """Each table as rows of cells; a cell ends at a bar that no backslash escapes."""
    blocks = re.findall(r'(?:^\|.*\|\n)+', text, re.MULTILINE)
    return [
        [[cell.strip() for cell in re.split(r'(?<!\\)\|', row)[1:-1]] for row in block.splitlines()]
        for block in blocks
    ]


def table_after(text, heading):
    (rest,) = re.findall(rf'^#+ {heading}$(.*)', text, re.MULTILINE | re.DOTALL)
    return tables_of(rest)[0]


def test_one_model_says_the_numbers():
    results = made_up_results()
    text = markdown(results)
    assert text.startswith(f'# {results_finding(results)}\n')
    assert '](curve.png)' in text and '](latency.png)' in text and '](report.html)' in text
    model = results.models[0]
    exits = table_after(text, 'Exits, if every image leaves there')
    for row, exit in zip(exits[2:], model.exits, strict=True):
        assert row[1:3] == [exit.name, f'{1000 * exit.gmacs:.2f}']
        interval = exit.test_top1_interval
        assert row[4:6] == [
            f'{exit.test_top1_percent:.2f}',
            f'{interval.low:.2f} to {interval.high:.2f}',
        ]
        interval = exit.mean_class_interval
        assert row[6:9] == [
            f'{exit.test_top5_percent:.2f}',
            f'{exit.mean_class_percent:.2f}',
            f'{interval.low:.2f} to {interval.high:.2f}',
        ]
        assert row[9:] == [f'{exit.nll:.3f}', f'{exit.brier:.3f}', f'{exit.ece_percent:.2f}']
    budgets = table_after(text, 'Budgets, each image at its own exit')[2:]
    assert [row[1] for row in budgets[-2:]] == [one.name for one in model.operating_points]
    last = model.points[-1]
    assert budgets[-3][4] == f'{last.top1_percent:.2f}' and budgets[-3][-1].endswith('merged 100.0')
    assert 'Model against model' not in text and 'Published' not in text
    assert results.command in text and model.checkpoint.sha256[:16] in text


def test_videos_are_called_videos_and_their_frames_are_counted():
    text = markdown(video_models())
    assert re.findall(r'\b(?:image|picture)s?\b', text, re.IGNORECASE) == []
    assert 'Action recognition on gestures, 1,000 test videos. All 3 models were' in text
    assert '\n## Exits, if every video leaves there\n' in text
    inputs = [row[4] for row in table_after(text, 'Models')[2:]]
    assert inputs == ['16 frames of 3x64x64: 2 views of 8'] * 2 + ['16 frames of 3x64x64']
    assert '\nMACs per video count all 16 frames of 3x64x64: 2 views of 8 (test-time' in text
    images = markdown(three_models())
    assert 'Classification on embedded digits, 1,000 test images. All 3' in images
    assert 'video' not in images and 'frames' not in images
    assert [row[4] for row in table_after(images, 'Models')[2:]] == ['3x64x64'] * 3


def test_every_row_has_as_many_cells_as_its_header():
    for results in (three_models(), made_up_results(made_up_model(dataset='ImageNet'))):
        tables = tables_of(markdown(results))
        assert len(tables) >= 5
        for rows in tables:
            assert {len(row) for row in rows} == {len(rows[0])}
            assert set(rows[1]) <= {':---', '---:'}


def test_comparisons():
    results = made_up_results(made_up_model('ours'), static_model())
    text = markdown(results)
    (comparison,) = results.comparisons
    assert f'- {pair_finding(comparison, results)}.' in text
    row = table_after(text, 'Model against model')[2]
    assert row[:3] == ['ours', 'static', f'{comparison.cost_ratio:.2f}']
    assert row[3] == '-' and row[-1] == comparison.refusal != ''


def test_times():
    results = made_up_results(
        made_up_model('ours'), static_model(), made_up_model('untimed', latency=False)
    )
    rows = table_after(markdown(results), 'Time')[2:]
    assert len(rows) == 2 * (4 + 3) + 2 * 1
    run = results.models[0].latency.batches[1].dynamic[0]
    row = next(row for row in rows if row[:2] == ['ours', '64'] and row[2].startswith('early exit'))
    assert row[-2] == f'{run.realised_speedup:.2f}' and row[3] == significant(
        run.timing.ms_per_image
    )
    assert f'{results.models[0].points[8].top1_percent:.1f} %' in row[2]
    assert 'Example Processor 9000' in markdown(results)
    assert '0 of 1,920 images left at another exit' in markdown(results)


def test_nothing_timed():
    text = markdown(made_up_results(made_up_model(latency=False)))
    assert 'latency.png' not in text and '## Time' not in text


def test_published_curves_carry_their_source():
    text = markdown(made_up_results(made_up_model(dataset='ImageNet data/imagenet')))
    rows = table_after(text, 'Published results on the same data')[2:]
    assert len(rows) == 9 and all('arXiv 2306.11248' in row[2] for row in rows)
    assert 'early 0.619: 72.93' in next(row[1] for row in rows if row[0] == 'ResNet50 x0.375')


def test_other_test_splits_have_sections_of_their_own():
    video = {'task': 'action recognition', 'dataset': 'clips'}
    other = made_up_model('b', test=SplitRecord('test', 500, 'e' * 64), **video)
    text = markdown(made_up_results(made_up_model('a'), other))
    assert '\n## classification on embedded digits\n' in text
    assert '\n## action recognition on clips\n' in text
    assert '\n### Exits, if every video leaves there\n' in text


def test_names_cannot_break_out():
    model = made_up_model(
        EVIL,
        exit_gmacs={f'{EVIL}{k}': gmacs for k, gmacs in enumerate((4e-3, 8e-3))},
        source=EVIL,
        task=EVIL,
        dataset=EVIL,
        weights=EVIL,
        confidence=EVIL,
        method=EVIL,
        config=FileRecord(EVIL, EVIL),
        checkpoint=FileRecord(EVIL, EVIL),
        test=SplitRecord(EVIL, 1000, EVIL),
    )
    results = made_up_results(
        model,
        made_up_model('other', test=SplitRecord(EVIL, 1000, EVIL), task=EVIL),
        created=EVIL,
        command=f'run ``` {EVIL}',
        versions={EVIL: EVIL},
        git_commit=EVIL,
    )
    text = markdown(results)
    (fence,) = re.findall(r'^(`{3,})text\n', text, re.MULTILINE)
    assert fence == '````' and text.count(fence) == 2  # longer than any run inside
    outside = re.sub(rf'^{fence}text\n.*?\n{fence}$', '', text, flags=re.MULTILINE | re.DOTALL)
    assert '<' not in outside and '>' not in outside
    assert re.search(r'(?<!\\)`|(?<!\\)\$|(?<!\\)~', outside) is None
    links = re.findall(r'(?<!\\)\]\((.*?)\)', outside)
    pictures = {'curve.png', 'latency.png', 'speedup.png'}
    assert set(links) == pictures | {'report.html', 'curve.csv', 'results.json'}
    for rows in tables_of(text):
        assert {len(row) for row in rows} == {len(rows[0])}


@pytest.mark.parametrize(
    'text, shown',
    [
        ('regnety-tiny_digits', 'regnety-tiny_digits'),
        ('_private_', r'\_private\_'),
        ('a _b_ c', r'a \_b\_ c'),
        ('x|y\nz', r'x\|y z'),
        ('back\\slash', r'back\\slash'),
        ('<b>&', '&lt;b&gt;&amp;'),
        ('2 * 3 (95 %)', r'2 \* 3 (95 %)'),
    ],
)
def test_escaped(text, shown):
    assert escaped(text) == shown


def test_numbers():
    assert [number(None), number(1.005, 1), number(-0.0)] == ['-', '1.0', '0.00']
    assert [significant(x) for x in (0, 0.0123456, 12.3456, 123456.7)] == [
        '0',
        '0.01235',
        '12.35',
        '123,457',
    ]
    assert span(None) == '-'
    assert code_block('a\nb') == '```text\na b\n```'
    assert table(['a', 'b'], [['x', '1']]) == '| a | b |\n| :--- | ---: |\n| x | 1 |'


def test_the_file(tmp_path):
    results = made_up_results(made_up_model('name \udc80'))
    write_markdown(results, tmp_path / 'report.md')
    written = (tmp_path / 'report.md').read_bytes()
    assert written.decode('utf-8') == markdown(results) and b'\r' not in written
    with pytest.raises(UserError, match='no points'):
        write_markdown(made_up_results(made_up_model(points=[])), tmp_path / 'other.md')
    assert [path.name for path in tmp_path.iterdir()] == ['report.md']
