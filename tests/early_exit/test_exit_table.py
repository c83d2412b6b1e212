"""Exit tables: what they hold, files, and the refusal of overlapping splits."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks.provenance import picture_digest
from dynp_plugins import UserError
from dynp_plugins.early_exit import MEASURES, ExitTable, ExitTableBuilder, check_disjoint


def table(pictures=range(6), seed=0, sources=None, **manifest):
    generator = torch.Generator().manual_seed(seed)
    logits = tuple(torch.randn(len(pictures), 5, generator=generator) for _ in range(3))
    labels = torch.randint(5, (len(pictures),), generator=generator)
    digests = [picture_digest(np.array([i])) for i in pictures]
    sources = sources or [''] * len(pictures)
    builder = ExitTableBuilder()
    for part in (slice(4), slice(4, None)):
        builder.add(tuple(y[part] for y in logits), labels[part], digests[part], sources[part])
    return builder.build(**manifest), torch.stack(logits, 1), labels


def test_columns_against_plain_torch():
    built, logits, labels = table()
    p = logits.softmax(-1)
    assert len(built) == 6
    assert built.prediction.tolist() == logits.argmax(-1).tolist()
    np.testing.assert_array_equal(built.correct, logits.argmax(-1) == labels[:, None])
    right = p.gather(-1, labels[:, None, None].expand(-1, 3, 1))[..., 0]
    np.testing.assert_allclose(built.nll, -right.log(), rtol=1e-5)
    one_hot = torch.nn.functional.one_hot(labels, 5)[:, None]
    np.testing.assert_allclose(built.brier, (p - one_hot).square().sum(-1), rtol=1e-5)
    assert built.label.tolist() == labels.tolist()
    ranks = (logits > logits.gather(-1, labels[:, None, None].expand(-1, 3, 1))).sum(-1)
    for k in (1, 2, 5):
        np.testing.assert_allclose(built.topk_percent(k), 100 * (ranks < k).float().mean(0))


def test_round_trip_without_pickle(tmp_path):
    manifest = {
        'split': 'test',
        'exit_names': ['a', 'b', 'c'],
        'classes': 5,
        'index_sha256': 'x',
        'exit_gmacs': [1, 2, 3],
    }
    built, _, _ = table(**manifest)
    built.save(tmp_path / 'sub' / 'x.npz')
    loaded = ExitTable.load(tmp_path / 'sub' / 'x.npz')
    assert loaded.manifest == manifest
    for name in ('prediction', 'label_rank', 'nll', 'brier', 'label', 'picture', 'source'):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(built, name))
    assert list(loaded.confidences) == list(MEASURES)
    for name, values in built.confidences.items():
        np.testing.assert_array_equal(loaded.confidence(name), values)
    assert sorted(path.name for path in (tmp_path / 'sub').iterdir()) == ['x.json', 'x.npz']


def test_confidences_are_those_of_the_measures_exit_by_exit():
    built, logits, _ = table()
    for name, measure in MEASURES.items():
        for k in range(3):
            expected = measure([logits[:, j] for j in range(k + 1)])
            np.testing.assert_array_equal(built.confidence(name)[:, k], expected)
        assert built.confidence(name).dtype == np.float32


def test_a_confidence_that_the_table_lacks_is_named():
    built = replace(table(split='test')[0], confidences={})
    with pytest.raises(UserError, match=r'test split has no confidences by margin.*again'):
        built.confidence('margin')
    with pytest.raises(UserError, match=r"called 'surprise'.*max_softmax, entropy"):
        built.confidence('surprise')


@pytest.fixture
def whole():
    names = ['a', 'b', 'c']
    return table(split='test', exit_names=names, classes=5, index_sha256='x')[0]


@pytest.mark.parametrize('kept', [0, 300, 3000])
def test_damaged_table_is_named(tmp_path, whole, kept):
    whole.save(tmp_path / 'x.npz')
    (tmp_path / 'x.npz').write_bytes((tmp_path / 'x.npz').read_bytes()[:kept])
    with pytest.raises(UserError, match=r'x\.npz is not a readable exit table'):
        ExitTable.load(tmp_path / 'x.npz')


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'label': np.zeros(5)}, r'a column of \(6, 3\) does not fit \(5, 3\)'),
        ({'source': np.zeros(5)}, 'different lengths'),
        ({'manifest': {'exit_names': ['a', 'b', 'c'], 'split': 'x'}}, 'lacks classes'),
        ({'manifest': {}}, 'exit_names'),
        ({'manifest': []}, 'is not a readable exit table'),
    ],
)
def test_tables_that_do_not_fit_themselves(tmp_path, whole, changes, message):
    broken = replace(whole, **{k: v for k, v in changes.items() if k != 'manifest'})
    broken.save(tmp_path / 'x.npz')
    if 'manifest' in changes:
        arrays = dict(np.load(tmp_path / 'x.npz'))
        content = changes['manifest']
        if isinstance(content, dict):
            content = content | {'table_version': 1}
        np.savez(tmp_path / 'x.npz', **(arrays | {'manifest': np.array(json.dumps(content))}))
    with pytest.raises(UserError, match=message):
        ExitTable.load(tmp_path / 'x.npz')


def test_a_table_of_an_older_version(tmp_path, whole):
    whole.save(tmp_path / 'x.npz')
    arrays = dict(np.load(tmp_path / 'x.npz'))
    del arrays['manifest']
    np.savez(tmp_path / 'x.npz', **arrays)
    with pytest.raises(UserError, match=r'no exit table of version 1: run tools/budget_curve'):
        ExitTable.load(tmp_path / 'x.npz')


@pytest.mark.parametrize('value', [float('nan'), float('inf')])
def test_logits_that_are_not_finite_are_refused(value):
    logits = torch.zeros(1, 3)
    logits[0, 1] = value
    with pytest.raises(UserError, match='NaN or infinite logits'):
        ExitTableBuilder().add((logits,), torch.tensor([0]), [b'x' * 16], [''])


def test_a_label_beyond_the_classes_is_refused():
    with pytest.raises(UserError, match='label 3, but the network has only 3 classes'):
        ExitTableBuilder().add((torch.zeros(1, 3),), torch.tensor([3]), [b'x' * 16], [''])


def test_splits():
    check_disjoint(table(range(6))[0], table(range(6, 12))[0])
    with pytest.raises(UserError, match=r'are the same samples: 6 of the 6.*HeldOut'):
        check_disjoint(table(range(6))[0], table(range(6))[0])
    with pytest.raises(UserError, match='overlap: 1 of the 6 test samples'):
        check_disjoint(table(range(6))[0], table(range(5, 11))[0])


def test_the_same_file_is_the_same_picture_however_it_is_cropped():
    """Other pixels, because the two pipelines differ, but the same file."""
    files = [f'/data/{i}.png' for i in range(6)]
    calibration = table(range(6), sources=files)[0]
    check_disjoint(calibration, table(range(6, 12), sources=[f'{f}.other' for f in files])[0])
    with pytest.raises(UserError, match=r'are the same samples.*/data/0\.png, /data/1\.png'):
        check_disjoint(calibration, table(range(6, 12), sources=files)[0])


def test_picture_digest_sees_values_shape_and_type():
    a = np.arange(12, dtype=np.uint8)
    digests = {picture_digest(x) for x in (a, a.reshape(3, 4), a.astype(np.int16), a + 1)}
    assert len(digests) == 4
    assert all(len(d) == 16 for d in digests)
