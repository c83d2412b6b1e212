"""Datasets are found inside whatever wraps, cuts or joins them, in configs and when built."""

from types import SimpleNamespace

from dynp_plugins.dataset_wrappers import (
    datasets_in,
    entries_in,
    entries_with_pipelines,
    reading_datasets,
    reading_entries,
)

ONE, OTHER = dict(type='One', pipeline=[1]), dict(type='Other', pipeline=[2])
CUT = dict(type='Cut', dataset=OTHER, pipeline=[3])
JOINED = dict(type='Joined', datasets=[dict(type='Repeated', dataset=ONE), CUT])


def test_in_configs():
    assert [entry['type'] for entry in entries_in(JOINED)] == [
        'Joined', 'Repeated', 'One', 'Cut', 'Other'
    ]  # fmt: skip
    assert reading_entries(JOINED) == [ONE, OTHER]
    assert reading_entries(ONE) == [ONE]
    assert entries_with_pipelines(JOINED) == [ONE, CUT]
    for nothing in (None, {}, dict(type='Joined', datasets=None), 'what a text did not tell'):
        assert entries_with_pipelines(nothing) == []
    assert reading_entries(None) == []


def test_built():
    one, other = SimpleNamespace(), SimpleNamespace(dataset=None)
    cut = SimpleNamespace(dataset=other)
    joined = SimpleNamespace(datasets=[one, cut])
    assert list(map(id, datasets_in(joined))) == list(map(id, (joined, one, cut, other)))
    assert list(map(id, reading_datasets(joined))) == [id(one), id(other)]
    assert reading_datasets(one) == [one]
