"""``tools/benchmark.py`` as a user types it, on a tiny network and real test images."""

import json

import pytest
import torch

from benchmarks.check_results import table_name
from benchmarks.data_time import PASSES
from benchmarks.exit_pass import run_exit_pass
from benchmarks.latency_records import LATENCY_VERSION, read_latency
from benchmarks.macs import exit_costs
from benchmarks.trained_model import load_trained_model
from dynp_plugins import create_model
from dynp_plugins.early_exit import ALWAYS, ExitPolicy, ExitTable, choose_policies
from tests.benchmarks.detection.tiny_runs import write_detector, write_scenes
from tests.tools.command_lines import CONFIG, SMALL, refused

MODEL = 'dyn-perceiver_regnety-tiny_digits'
QUICK = ('--rounds', '5', '--warmup', '1', '--seconds', '0', '--threads', '1', '--images', '48')
QUICK = (*QUICK, '--data-samples', '4')


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    """Weights with BatchNorm statistics of the network's own, so that answers differ."""
    torch.manual_seed(0)
    network = create_model('dyn_perceiver_regnety_tiny', num_classes=10)
    with torch.no_grad():
        for _ in range(3):
            network(torch.randn(8, 3, 64, 64))
    path = tmp_path_factory.mktemp('weights') / 'tiny.pth'
    torch.save({'state_dict': network.state_dict()}, path)
    return path


@pytest.fixture(scope='module')
def report(checkpoint, tmp_path_factory):
    """A report's folder with the exit tables alone."""
    folder = tmp_path_factory.mktemp('report')
    options = {key: int(value) for key, _, value in (o.partition('=') for o in SMALL[1:])}
    model = load_trained_model(CONFIG, checkpoint, options=options)
    for split, loader in model.build_splits(('calibration', 'test')).items():
        table = run_exit_pass(model.classifier, loader, split).with_manifest(
            model=model.name,
            config_sha256=model.config_record.sha256,
            weights_sha256=model.checkpoint_record.sha256,
            exit_gmacs=[cost.macs / 1e9 for cost in exit_costs(model.network, (3, 64, 64))],
        )
        table.save(folder / 'tables' / table_name(model.name, split))
    return folder


@pytest.fixture(autouse=True)
def same_threads():
    """The tool may change how many threads this process has."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def test_a_network_is_timed_from_end_to_end(run, checkpoint, report, tmp_path):
    names = ('early', 'latent', 'feature', 'merged')
    ExitPolicy(names, 'patience', (2, 2, 2, ALWAYS)).save('mine.json')
    command = ('benchmark', CONFIG, checkpoint, '--tables', report, '--out', 'new/l.json')
    arguments = (*command, *QUICK, '--batch-sizes', '1', '20', '--policy', 'mine.json', *SMALL)
    status, out, error = run(*arguments)
    assert status == 0, error
    assert out.rstrip().endswith('new/l.json')
    assert f'{MODEL}, one image at a time' in out
    assert 'x ' in out and 'of 20' in out
    record = read_latency(tmp_path / 'new/l.json')
    assert 'tools/benchmark.py' in record.command
    assert (record.rounds, record.warmup_rounds, record.seconds) == (5, 1, 0.0)
    assert (record.machine.kind, record.machine.threads) == ('cpu', 1)
    assert record.machine.states_after.keys() == record.machine.states.keys()
    (model,) = record.models
    calibration = ExitTable.load(report / 'tables' / table_name(MODEL, 'calibration'))
    assert model.weights_sha256 == calibration.manifest['weights_sha256']
    assert model.config_sha256 == calibration.manifest['config_sha256']
    assert model.input_shape == [3, 64, 64]
    gmacs = calibration.manifest['exit_gmacs']
    first, last = gmacs[0], gmacs[-1]
    even = [first + (last - first) * share for share in (0.25, 0.5, 0.75)]
    targets = [last / 2, *even]
    policies = choose_policies(calibration, targets)
    for batch, (size, batches) in zip(model.batches, ((1, 16), (20, 1)), strict=True):
        assert batch.batch_size == size
        assert [(exit.exit, exit.gmacs) for exit in batch.exits] == list(
            zip(names, gmacs, strict=True)
        )
        medians = [exit.timing.p50_ms for exit in batch.exits]
        assert medians == sorted(medians)  # of the same runs, so that this holds for any machine
        *budgets, mine = batch.dynamic
        assert [run.target_gmacs for run in budgets] == pytest.approx(targets)
        assert [run.thresholds for run in budgets] == [p.thresholds_by_exit for p in policies]
        assert (mine.policy, mine.measure, mine.method) == ('mine.json', 'patience', 'by hand')
        assert mine.exit_shares['early'] == 0
        for run_ in batch.dynamic:
            assert run_.disagreements == run_.near_threshold
            assert run_.images == (16 if size == 1 else 20)  # those of the one warm-up round
            assert len(run_.timing.samples_ms) == 5 * batches
            assert first <= run_.gmacs_mean <= last
            assert run_.realised_interval.low <= run_.realised_interval.high
    assert record.ratios == [] and model.agreement is None
    data = model.data
    assert (data.samples, data.passes) == (4, PASSES)
    assert data.reading_steps == []  # they lie in memory
    assert data.transform_steps == ['ResizeEdge', 'CenterCrop', 'PackInputs']
    for stage in (data.reading, data.transforms, data.preprocessing):
        assert len(stage.samples_ms) == 4 * PASSES
        assert 0 < min(stage.samples_ms) <= stage.p50_ms <= stage.p90_ms <= max(stage.samples_ms)
    assert f'{MODEL}, from the file to the network: 4 images, {PASSES} passes' in out
    refused(run(*arguments), 'new/l.json exists already', '--overwrite')
    assert read_latency(tmp_path / 'new/l.json') == record


def test_compiled_steps_are_timed_and_named(run, checkpoint, report, tmp_path):
    command = ('benchmark', CONFIG, checkpoint, '--tables', report, '--out', 'l.json')
    options = ('--batch-sizes', '5', '--backend', 'eager', '--graphs', '1', '4')
    status, out, error = run(*command, *QUICK, *options, *SMALL)
    assert status == 0, error
    assert 'eager in batches of 1 and 4' in out
    record = read_latency(tmp_path / 'l.json')
    assert (record.machine.backend, record.machine.graph_sizes) == ('eager', [1, 4])
    agreement = record.models[0].agreement
    assert (agreement.images, agreement.batch_size) == (48, 5)
    assert agreement.same_top1_everywhere == 1 and agreement.logit_difference < 1e-4
    assert [one.same_top1 for one in agreement.policies] == [1.0] * 4
    assert 'float32 by eager: top-1 as in float32 at every exit for 100.0 % of 48 images' in out
    (batch,) = record.models[0].batches
    assert [exit.timing.peak_memory_mb for exit in batch.exits] == [None] * 4
    assert [one.disagreements - one.near_threshold for one in batch.dynamic] == [0] * 4
    status, out, error = run(*command, *QUICK, *options, '--dtype', 'float64', *SMALL)
    refused((status, out, error), 'l.json exists already')
    answer = run(*command, *QUICK, *options, '--dtype', 'float64', '--overwrite', *SMALL)
    refused(answer, 'dtype=torch.float64: choose one of torch.float32')


def test_nothing_is_written_when_something_goes_wrong(run, checkpoint, report, tmp_path):
    old = tmp_path / 'l.json'
    old.write_text('precious')
    arguments = ('benchmark', CONFIG, checkpoint, '--tables', report, '--out', 'l.json')
    answer = run(*arguments, '--overwrite', *QUICK, '--batch-sizes', '49', *SMALL)
    refused(answer, 'a batch of 49', 'than the 48 that were read', '--images')
    assert old.read_text() == 'precious'
    assert [path.name for path in tmp_path.iterdir()] == ['l.json']


def test_options_that_make_no_sense(run, checkpoint, report, tmp_path):
    command = ('benchmark', CONFIG, checkpoint, '--tables', report, '--out')
    (tmp_path / 'file').write_text('')
    (tmp_path / 'folder.json').mkdir()
    for options, *expected in (
        (('l.json', '--batch-sizes', '0'), 'a batch size of 0'),
        (('l.json', '--rounds', '4'), '4 rounds are too few'),
        (('l.json', '--threads', '0'), '--threads 0: give at least 1'),
        (('l.json', '--images', '0'), '--images 0: give at least 1'),
        (('l.json', '--data-samples', '-1'), '--data-samples -1: give at least 0'),
        (('l.json', '--budgets', '-1'), '--budgets -1: give at least 0'),
        (('l.json', '--device', 'gpu'), '--device gpu cannot be used'),
        (('l.txt',), 'l.txt', 'name a .json file'),
        (('folder.json', '--overwrite'), 'folder.json cannot be written'),
        (('file/l.json',), 'file/l.json cannot be written'),
    ):
        refused(run(*command, *options), *expected)


def test_models_and_tables_that_do_not_belong_together(run, checkpoint, report, tmp_path):
    out = ('--out', 'l.json', *QUICK)
    weights = torch.load(checkpoint, weights_only=True)['state_dict']
    torch.save({'state_dict': {k: v * 2 for k, v in weights.items()}}, 'other.pth')
    for arguments, *expected in (
        ((CONFIG, '--tables', report), 'give a checkpoint for every config'),
        ((CONFIG, checkpoint, '--tables', 'nowhere'), f'no exit table nowhere/tables/{MODEL}_cal'),
        ((CONFIG, 'other.pth', '--tables', report), f'{MODEL}_calibration.npz', 'weights_sha256'),
    ):
        refused(run('benchmark', *arguments, *out, *SMALL), *expected)
    refused(
        run('benchmark', CONFIG, checkpoint, '--tables', report, *out),  # without SMALL
        'config_sha256',
        'with the same config, options and checkpoint',
    )
    command = ('benchmark', CONFIG, checkpoint, '--tables', report, *out)
    refused(
        run(*command, '--budgets-gmacs', '0.012', '5', *SMALL),
        f'{MODEL}: a budget of 5 GMACs lies outside',
    )
    ExitPolicy(('a', 'b'), 'margin', (0.5, ALWAYS)).save('p.json')
    refused(run(*command, '--policy', 'p.json', *SMALL), 'p.json fits none of the models')


def test_test_images_that_have_changed(run, checkpoint, report, tmp_path):
    folder = tmp_path / 'changed/tables'
    folder.mkdir(parents=True)
    for split in ('calibration', 'test'):
        table = ExitTable.load(report / 'tables' / table_name(MODEL, split))
        table.picture[30] += 1
        table.save(folder / table_name(MODEL, split))
    answer = run(
        *('benchmark', CONFIG, checkpoint, '--tables', 'changed', '--out', 'l.json'), *QUICK, *SMALL
    )
    refused(answer, f'image 30 of the test split of {MODEL} is not the one in its exit table')


def test_two_models_are_compared(run, checkpoint, report, tmp_path):
    """The same network under another name."""
    text = f'_base_ = {CONFIG!r}\n'
    (tmp_path / 'again.py').write_text(text)
    folder = tmp_path / 'r/tables'
    folder.mkdir(parents=True)
    for split in ('calibration', 'test'):
        table = ExitTable.load(report / 'tables' / table_name(MODEL, split))
        for name in (MODEL, 'again'):
            table.with_manifest(model=name).save(folder / table_name(name, split))
    models = (CONFIG, checkpoint, 'again.py', checkpoint)
    options = ('--batch-sizes', '4', '--budgets-gmacs', '0.01', '--dtype', 'bfloat16')
    options += ('--data-samples', '0')
    status, out, error = run(
        *('benchmark', *models, '--tables', 'r', '--out', 'l.json'), *QUICK, *options, *SMALL
    )
    assert status == 0, error
    record = read_latency(tmp_path / 'l.json')
    assert record.machine.dtype == 'bfloat16'
    found = record.models[0].agreement
    assert found == record.models[1].agreement
    assert found.same_top1.keys() == {'early', 'latent', 'feature', 'merged'}
    assert 0.5 < found.same_top1_everywhere <= min(found.same_top1.values()) <= 1
    assert 1e-4 < found.logit_difference < 0.2
    assert [one.target_gmacs for one in found.policies] == [0.01]
    assert [model.data for model in record.models] == [None, None]
    (ratio,) = record.ratios
    assert (ratio.model, ratio.baseline, ratio.batch_size) == (MODEL, 'again', 4)
    assert ratio.interval.low <= ratio.ratio <= ratio.interval.high
    assert [run.target_gmacs for run in record.models[1].batches[0].dynamic] == [0.01]
    assert f'{MODEL} / again' in out
    assert json.loads((tmp_path / 'l.json').read_text())['schema_version'] == LATENCY_VERSION


def test_a_detector_beside_a_network(run, checkpoint, report, tmp_path):
    """Each kind is timed by itself, on the same machine."""
    write_scenes(tmp_path / 'data')
    detector = write_detector(tmp_path, tmp_path / 'data')
    models = (*detector, CONFIG, checkpoint)
    options = ('--batch-sizes', '4', '--budgets', '0', '--scales', '48', '--data-samples', '0')
    answer = run(
        *('benchmark', *models, '--tables', report, '--out', 'l.json'), *QUICK, *options, *SMALL
    )
    status, out, error = answer
    assert status == 0, error
    record = read_latency(tmp_path / 'l.json')
    assert [model.name for model in record.models] == [MODEL]
    assert [(one.name, one.points[0].scale) for one in record.detectors] == [('tiny', [64, 48])]
    assert record.detectors[0].points[0].data is None
    assert out.index(f'{MODEL}, batches of 4') < out.index('tiny, one image at a time')
