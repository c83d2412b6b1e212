"""`tools/infer.py` with a detector: the table, the files, the drawings, the scale for a budget."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.detection.part_costs import detector_costs
from benchmarks.provenance import config_sha256
from benchmarks.results import read_results, write_results
from benchmarks.run_records import FileRecord
from dynp_plugins import DetectionInferencer, UserError
from dynp_plugins.inference.config_detector import LoadedDetector
from dynp_plugins.openmmlab.config_files import load_config
from tests.inference.tiny_detectors import CLASSES, make_detector, save_weights, write_config
from tests.inference.tiny_models import make_pictures, save_pictures
from tests.reports.made_up_detectors import made_up_detection, made_up_detector
from tests.tools.command_lines import CONFIG as CLASSIFIER
from tests.tools.command_lines import answered, csv_rows, refused

SCORE = 0.6


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    return write_config(tmp_path_factory.mktemp('config') / 'tiny.py')


@pytest.fixture(scope='module')
def detector(config):
    return make_detector(config)


@pytest.fixture(scope='module')
def checkpoint(detector, config):
    meta = {'dataset_meta': {'classes': CLASSES}}
    return save_weights(detector, config.parent / 'tiny.pth', **meta)


@pytest.fixture(scope='module')
def inferencer(config, checkpoint):
    return DetectionInferencer(config, checkpoint, device='cpu', score_threshold=SCORE)


@pytest.fixture
def folder(tmp_path):
    """Four pictures, 64 x 48, the last one in a sub-folder."""
    paths = save_pictures(tmp_path / 'pictures', make_pictures(4, 48, 64))
    (tmp_path / 'pictures/more').mkdir()
    Path(paths[3]).rename(tmp_path / 'pictures/more/03.png')
    return tmp_path / 'pictures'


@pytest.fixture
def report(inferencer, tmp_path):
    """Three scales; on the calibration split the middle one is the best."""
    made_up = made_up_detector(sizes=(32, 64, 96), latency=False, gallery=False)
    points = [
        replace(
            point,
            calibration_gmacs_mean=gmacs,
            calibration=replace(point.calibration, map_percent=found),
        )
        for point, gmacs, found in zip(
            made_up.points, (0.004, 0.012, 0.03), (20.0, 40.0, 30.0), strict=True
        )
    ]
    checkpoint = FileRecord('tiny.pth', inferencer.weights_sha256)
    ours = replace(made_up, name='ours', points=points, checkpoint=checkpoint)
    (tmp_path / 'report').mkdir()
    write_results(made_up_detection(made_up, ours), tmp_path / 'report/results.json')
    return tmp_path / 'report'


def test_the_table(run, config, checkpoint, inferencer, folder):
    out = answered(run('infer', config, checkpoint, folder, '--score', SCORE))
    expected = inferencer(folder)
    titles, *lines = out.splitlines()
    assert titles.split() == ['image', 'class', 'score', 'left', 'top', 'right', 'bottom']
    counts, total = dict.fromkeys(CLASSES, 0), 0
    for answer in expected:
        assert len(answer['scores'])
        for k, name in enumerate(answer['class_names']):
            line = lines.pop(0)
            assert line.startswith(answer['source'] if k == 0 else ' ' * len(answer['source']))
            found, score, percent, *box = line.removeprefix(answer['source']).split()
            assert (found, percent) == (name, '%')
            assert float(score) == pytest.approx(100 * answer['scores'][k], abs=0.0501)
            assert np.allclose(np.array(box, float), answer['bboxes'][k], atol=0.0501)
            counts[name] += 1
            total += 1
    found = ', '.join(f'{count} {name}' for name, count in counts.items() if count)
    assert lines == ['', '4 pictures', f'{total} detections with a score of at least 0.6: {found}']


def test_json_and_csv(run, config, checkpoint, inferencer, folder):
    (folder / '01.png').write_bytes(b'broken')
    expected = inferencer(folder)
    arguments = ('--score', SCORE, '--json', 'a.json', '--csv', 'a.csv', '--batch-size', 3)
    answered(run('infer', config, checkpoint, folder, *arguments), status=1)
    record = json.loads(Path('a.json').read_text())
    assert (record['scale'], record['score_threshold']) == ([96, 64], SCORE)
    assert record['classes'] == list(CLASSES)
    rows = csv_rows('a.csv')
    for entry, answer in zip(record['images'], expected, strict=True):
        assert (entry['image'], entry['error']) == (answer['source'], answer['error'])
        if answer['error'] is not None:
            row = rows.pop(0)
            assert (row['image'], row['error']) == (answer['source'], answer['error'])
            assert row['score'] == row['left'] == ''
            assert entry['detections'] == []
            continue
        assert len(entry['detections']) == len(answer['scores'])
        for k, found in enumerate(entry['detections']):
            assert found['bbox'] == pytest.approx(answer['bboxes'][k], abs=0.01)
            assert found['score'] == pytest.approx(answer['scores'][k], abs=1e-5)
            assert (found['label'], found['class']) == (
                answer['labels'][k],
                answer['class_names'][k],
            )
            row = rows.pop(0)
            assert (row['image'], row['class'], row['error']) == (
                answer['source'],
                found['class'],
                '',
            )
            sides = [float(row[side]) for side in ('left', 'top', 'right', 'bottom')]
            assert sides == found['bbox']
            assert float(row['score']) == found['score']
    assert rows == []
    total = sum(len(entry['detections']) for entry in record['images'])
    summary = record['summary']
    assert (summary['images'], summary['answered'], summary['detections']) == (4, 3, total)
    assert sum(summary['by_class'].values()) == total
    assert summary['gmacs_mean'] is None


def test_pictures_without_an_answer_or_a_detection(run, config, checkpoint, folder):
    (folder / '01.png').write_bytes(b'broken')
    out = answered(run('infer', config, checkpoint, folder, '--score', 1), status=1)
    lines = out.splitlines()
    assert lines[1].split(maxsplit=1) == [f'{folder}/00.png', 'nothing found']
    assert lines[2].endswith('not a picture in a known format')
    assert lines[-2:] == [
        '4 pictures, 1 of them without an answer',
        'no detections with a score of at least 1',
    ]


def test_another_scale(run, config, checkpoint, inferencer, folder):
    out = answered(
        run('infer', config, checkpoint, folder, '--scale', '144x96', '--json', '-', '--score', 0)
    )
    inferencer.scale = (144, 96)
    expected = inferencer(folder, score_threshold=0)
    inferencer.scale = None
    record = json.loads(out)
    assert record['scale'] == [144, 96]
    for entry, answer in zip(record['images'], expected, strict=True):
        found = [detection['score'] for detection in entry['detections']]
        assert found == pytest.approx(answer['scores'], abs=1e-5)
    (otherwise,) = inferencer(folder / '00.png', score_threshold=0)
    assert expected[0]['scores'][0] != pytest.approx(otherwise['scores'][0], abs=1e-5)


def test_a_scale_by_its_shorter_side_as_in_budget_curve(run, config, checkpoint, folder):
    out = answered(run('infer', config, checkpoint, folder, '--scale', '96', '--json', '-'))
    assert json.loads(out)['scale'] == [144, 96]


def test_the_scale_for_a_budget(run, config, checkpoint, detector, folder, report):
    """A cheaper scale within it; with more than the best one costs, the best one."""
    arguments = ('infer', config, checkpoint, folder, '--policy', report)
    out = answered(run(*arguments, '--budget-mmacs', 11.9))
    mmacs = detector_costs(detector, (32, 64)).total.macs / 1e6  # 32 x 42, padded
    assert f'mean cost {mmacs:.1f}' in out
    assert 'the budget is 11.9' in out
    assert 'scale 48x32, chosen on the calibration split: 4.00 MMACs' in out
    assert '20.0 % mAP there' in out
    out = answered(run(*arguments, '--budget-gmacs', 0.5, '--json', '-'))
    assert json.loads(out)['scale'] == [96, 64]


@pytest.mark.parametrize('batch_size', [1, 4])
def test_pictures_that_fail_in_the_detector_cost_nothing(
    run, config, checkpoint, detector, folder, report, monkeypatch, batch_size
):
    """Neither they nor the first try of a batch they were in are in the mean of the others."""
    whole, tries = LoadedDetector.detect, []

    def failing(self, pictures):
        tries.append(len(pictures))
        found = whole(self, pictures)
        if any(picture.data_sample.img_path.endswith('01.png') for picture in pictures):
            raise UserError('the detector computes NaN')
        return found

    monkeypatch.setattr(LoadedDetector, 'detect', failing)
    arguments = ('--policy', report, '--budget-mmacs', 11.9, '--batch-size', batch_size)
    out = answered(run('infer', config, checkpoint, folder, *arguments, '--json', '-'), status=1)
    summary = json.loads(out)['summary']
    assert (summary['images'], summary['answered']) == (4, 3)
    assert sum(tries) == (4 if batch_size == 1 else 8)
    gmacs = detector_costs(detector, (32, 64)).total.macs / 1e9  # 32 x 42, padded
    assert summary['gmacs_mean'] == pytest.approx(gmacs)


def test_a_report_with_two_configs_of_these_weights(
    run, config, checkpoint, folder, report, inferencer
):
    results = read_results(report / 'results.json')
    ours = results.detectors[-1]

    def report_of(*detectors):
        write_results(made_up_detection(*detectors), report / 'results.json')

    options = ('--cfg-options', 'model.test_cfg.score_thr=0.01')
    sha256 = config_sha256(load_config(config, {'model.test_cfg.score_thr': 0.01}))
    others = replace(
        ours, name='strict', config=FileRecord('strict.py', sha256), points=ours.points[2:]
    )
    report_of(ours, others)
    arguments = ('infer', config, checkpoint, folder, '--policy', report)
    out = answered(run(*arguments, '--json', '-', *options))
    assert json.loads(out)['scale'] == others.points[0].scale
    refused(run(*arguments), 'several detectors with these weights', 'strict.py', '--cfg-options')
    report_of(others)
    assert json.loads(answered(run(*arguments, '--json', '-')))['scale'] == others.points[0].scale


def test_a_budget_that_cannot_be_met(run, config, checkpoint, detector, folder, report, tmp_path):
    arguments = ('infer', config, checkpoint, folder, '--budget-mmacs', 3)
    refused(run(*arguments), 'nothing to choose a scale from', '--policy')
    refused(run(*arguments, '--policy', report), 'no scale fits into 0.003 GMACs', '48x32')
    refused(run(*arguments, '--policy', 'nowhere'), 'no report nowhere')
    refused(run(*arguments, '--policy', report, '--scale', '96x64'), 'leave out --scale 96x64')
    other = {k: v + 1 if v.is_floating_point() else v for k, v in detector.state_dict().items()}
    torch.save({'state_dict': other}, 'other.pth')
    refused(
        run('infer', config, 'other.pth', folder, '--policy', report),
        'not this detector with these weights',
        'ours (tiny.pth)',
    )


def test_drawings(run, config, checkpoint, inferencer, folder):
    """Outside the boxes the picture stays as it was; a box has its class's colour."""
    (folder / '01.png').write_bytes(b'broken')
    Image.open(folder / '02.png').save(folder / '02.bmp')
    best = (answer['scores'][0] for answer in inferencer(folder) if answer['error'] is None)
    score = float(min(best)) - 1e-5  # few of a picture, but one of each
    arguments = ('infer', config, checkpoint, folder, '--score', score, '--draw', 'drawn')
    answered(run(*arguments), status=1)
    drawn = sorted(str(path.relative_to('drawn')) for path in Path('drawn').rglob('*.*'))
    assert drawn == ['00.png', '02.bmp.png', '02.png', 'more/03.png']
    factor = 10  # 64 x 48 becomes 640 x 480
    for name in ('00.png', 'more/03.png'):
        pixels = np.array(Image.open(Path('drawn', name)))
        before = np.array(Image.open(folder / name)).repeat(factor, 0).repeat(factor, 1)
        assert pixels.shape == before.shape == (480, 640, 3)
        changed = (pixels != before).any(-1)
        (answer,) = inferencer(folder / name, score_threshold=score)
        near_a_box = np.zeros_like(changed)
        for left, top, right, bottom in (answer['bboxes'] * factor).round().astype(int):
            # The label, 20 pixels high and at most 150 wide, stands at the box.
            rows = slice(max(top - 25, 0), bottom + 25)
            near_a_box[rows, max(left - 160, 0) : max(right, left) + 160] = True
            middle = (top + bottom) // 2
            assert changed[middle, max(left - 1, 0) : left + 3].any()
        assert not near_a_box.all()
        assert not changed[~near_a_box].any()


def test_drawings_replace_nothing_unasked(run, config, checkpoint, folder):
    (folder / '00.png').rename('00.png')
    arguments = ('infer', config, checkpoint, '00.png', '--draw')
    refused(run(*arguments, '.'), 'would replace', '00.png')
    refused(run('infer', config, checkpoint, folder, '--draw', folder / 'a'), 'folder outside')
    Path('drawn').mkdir()
    Path('drawn/00.png').write_text('mine')
    refused(run(*arguments, 'drawn'), 'drawn/00.png exists already', '--overwrite')
    assert Path('drawn/00.png').read_text() == 'mine'
    answered(run(*arguments, 'drawn', '--overwrite'))
    assert Image.open('drawn/00.png').size == (640, 480)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('--score', 30), '--score 30: give a number from 0 to 1'),
        (('--scale', 'wide'), 'LONGxSHORT'),
        (('--scale', '8x8'), '8x8 is smaller than the largest stride of the backbone, 16'),
        (('--set', 'num_classes=3'), '--set is for names'),
        (('--json', 'a.txt'), 'name a .json file'),
        (('--batch-size', 0), '--batch-size 0'),
    ],
    ids=str,
)
def test_bad_options(run, config, checkpoint, folder, arguments, message):
    refused(run('infer', config, checkpoint, folder, *arguments), message)


def test_no_pictures(run, config, checkpoint, tmp_path):
    (tmp_path / 'empty').mkdir()
    refused(run('infer', config, checkpoint, 'empty'), 'no picture in the folder empty')
    status, _, error = run('infer', config, checkpoint)
    assert status == 2
    assert 'IMAGE|VIDEO|DIR' in error


@pytest.mark.parametrize('option', [('--score', 0.5), ('--scale', '96x64'), ('--draw', 'drawn')])
def test_options_of_detectors_are_refused_for_others(run, folder, option):
    refused(run('infer', CLASSIFIER, 'some.pth', folder, *option), f'{option[0]} is for detectors')
