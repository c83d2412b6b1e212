"""Dataclasses as JSON: types are kept, defaults may be left out."""

import json
from dataclasses import dataclass, field

import pytest

from dynp_plugins import UserError
from dynp_plugins.typed_json import read_json, write_json


@dataclass(frozen=True)
class Leaf:
    flag: bool
    number: float | None


@dataclass(frozen=True)
class Tree:
    schema_version: int
    leaves: list[Leaf]
    by_name: dict[str, int]
    notes: dict[str, str] = field(default_factory=dict)


def read(path):
    return read_json(Tree, path, 'tree', 1, 'plant it again')


def test_round_trip(tmp_path):
    tree = Tree(1, [Leaf(True, None), Leaf(False, 0.5)], {'a': 1}, {'b': 'c'})
    write_json(tree, tmp_path / 't.json')
    assert read(tmp_path / 't.json') == tree


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ({'leaves': [{'flag': 1, 'number': 1}]}, r'tree\.leaves\[0\]\.flag is 1, expected bool'),
        ({'leaves': [{'flag': True}]}, r'tree\.leaves\[0\]\.number is missing'),
        ({'by_name': {'a': 0.5}}, r'tree\.by_name\.a is 0\.5, expected int'),
        ({'by_name': []}, r'tree\.by_name is \[\]'),
        ({'leaves': [3]}, r'tree\.leaves\[0\] is no object'),
        ({'schema_version': 2}, 'tree schema version 2, this program reads 1: plant it again'),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, content, message):
    whole = {'schema_version': 1, 'leaves': [], 'by_name': {}} | content
    (tmp_path / 't.json').write_text(json.dumps(whole))
    with pytest.raises(UserError, match=message):
        read(tmp_path / 't.json')


def test_entries_with_a_default_may_be_missing(tmp_path):
    (tmp_path / 't.json').write_text('{"schema_version": 1, "leaves": [], "by_name": {}}')
    assert read(tmp_path / 't.json').notes == {}


def test_a_list_is_no_tree(tmp_path):
    (tmp_path / 't.json').write_text('[]')
    with pytest.raises(UserError, match='tree schema version None'):
        read(tmp_path / 't.json')
