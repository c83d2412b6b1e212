"""The results schema: round trip, and what is refused."""

import dataclasses
import json

import pytest

from benchmarks import results as schema
from benchmarks.results import (
    SCHEMA_VERSION,
    CurvePoint,
    ExitRecord,
    FileRecord,
    ModelResult,
    Results,
    SplitRecord,
    TrainingRecord,
    read_results,
    write_results,
)
from dynp_plugins import UserError


@pytest.fixture
def results():
    model = ModelResult(
        name='m <b>',
        source='ours',
        task='classification',
        dataset='EmbeddedDigits',
        config=FileRecord('c.py', 'a'),
        checkpoint=FileRecord('w.pth', 'b'),
        weights='ema',
        training=TrainingRecord('EmbeddedDigits', 8, 'AdamW', 4e-3, 64),
        calibration=SplitRecord('calibration', 10, 'c'),
        test=SplitRecord('test', 20, 'd'),
        confidence='max_softmax',
        input_shape=[3, 64, 64],
        parameters=5,
        exits=[ExitRecord('early', 0.5, 1.0, 50.0, 51.0, None)],
        points=[CurvePoint(0.5, 0.5, 50.0, 0.5, 51.0, {'early': 1.0}, {'early': None})],
    )
    return Results(SCHEMA_VERSION, '2026-01-01T00:00:00', 'cmd', {'python': '3'}, None, [model])


@pytest.fixture
def path(results, tmp_path):
    write_results(results, tmp_path / 'results.json')
    return tmp_path / 'results.json'


def test_round_trip(results, path):
    assert read_results(path) == results


def edit(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda c: c.update(schema_version=99), r'version 99, this program reads 2'),
        (lambda c: c.pop('models'), r'results\.models is missing'),
        (lambda c: c['models'][0].update(extra=1), r'results\.models\[0\]\.extra is unknown'),
        (
            lambda c: c['models'][0]['exits'][0].update(gmacs='0.5'),
            r"models\[0\]\.exits\[0\]\.gmacs is '0\.5', expected float",
        ),
        (lambda c: c['models'][0].update(parameters=True), r'parameters is True, expected int'),
    ],
)
def test_wrong_content_is_named(path, change, message):
    edit(path, change)
    with pytest.raises(UserError, match=message):
        read_results(path)


def test_whole_numbers_may_stand_for_floats(path):
    edit(path, lambda c: c['models'][0]['points'][0].update(gmacs_mean=1))
    assert read_results(path).models[0].points[0].gmacs_mean == 1.0


def test_not_json(tmp_path):
    (tmp_path / 'x.json').write_text('{')
    with pytest.raises(UserError, match='is not a results file'):
        read_results(tmp_path / 'x.json')


def test_nan_is_never_written(results, path):
    before = path.read_text()
    broken = dataclasses.replace(results.models[0].exits[0], gmacs=float('nan'))
    model = dataclasses.replace(results.models[0], exits=[broken])
    with pytest.raises(ValueError, match='Out of range float'):
        write_results(dataclasses.replace(results, models=[model]), path)
    assert path.read_text() == before


def test_a_failed_write_leaves_the_old_file(results, path, monkeypatch):
    before = path.read_text()
    monkeypatch.setattr(schema.Path, 'write_text', lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_results(results, path)
    assert path.read_text() == before
    assert [p.name for p in path.parent.iterdir()] == ['results.json']
