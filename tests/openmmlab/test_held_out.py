"""Cutting calibration data out of videos, and keeping what belongs together on one side."""

import pytest
from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS

import dynp_plugins.openmmlab  # noqa: F401
from dynp_plugins.errors import UserError


@DATASETS.register_module()
class NamedSamples(BaseDataset):
    """Samples that are names only."""

    def __init__(self, names, prefix='/data', key='filename', label_key='label'):
        self.names, self.key, self.label_key = names, key, label_key
        super().__init__(data_prefix={'video': prefix}, serialize_data=False)

    def load_data_list(self):
        folder = self.data_prefix['video']
        return [{self.key: f'{folder}/{name}', self.label_key: label} for name, label in self.names]


# Six people in three recordings each; all do both actions in each.
PEOPLE = [
    (f'{action}/p{person}_r{recording}.mp4', label)
    for label, action in enumerate(['sit', 'stand'])
    for person in range(6)
    for recording in range(3)
]


def cut(names=PEOPLE, size=0.3, seed=0, group=None, **settings):
    """Names held out and left, below the data folder."""
    dataset = dict(type='NamedSamples', names=names, **settings)
    key, prefix = settings.get('key', 'filename'), settings.get('prefix', '/data')
    parts = []
    for part in ('held_out', 'rest'):
        config = dict(type='HeldOut', dataset=dataset, part=part, size=size, seed=seed, group=group)
        built = DATASETS.build(config)
        infos = [built.get_data_info(i) for i in range(len(built))]
        parts.append([info[key].removeprefix(prefix + '/') for info in infos])
    held_out, rest = map(set, parts)
    assert not held_out & rest
    assert held_out | rest == {name for name, _ in names}
    return held_out, rest


def people(names):
    return {name.split('/')[1].split('_')[0] for name in names}


def test_what_is_held_out_of_pictures_has_not_changed():
    names = [(f'{kind}/{i}.png', label) for label, kind in enumerate('cd') for i in range(10)]
    settings = dict(key='img_path', label_key='gt_label')
    held_out, _ = cut(names, **settings)
    # As chosen by the first version, which knew pictures only: runs must stay comparable.
    assert held_out == {'c/4.png', 'c/6.png', 'c/9.png', 'd/1.png', 'd/3.png', 'd/6.png'}


def test_videos_and_frame_folders_are_cut_alike_wherever_they_are():
    held_out, _ = cut()
    assert len(held_out) == 10
    assert sum(name.startswith('sit') for name in held_out) == 5
    assert cut(key='frame_dir')[0] == held_out
    assert cut(prefix='/elsewhere/videos')[0] == held_out
    assert len({frozenset(cut(seed=seed)[0]) for seed in range(4)}) > 1


@pytest.mark.parametrize('seed', range(5))
@pytest.mark.parametrize(('size', 'number'), [(1 / 6, 1), (0.3, 2), (12, 2), (0.5, 3)])
def test_people_stay_on_one_side(seed, size, number):
    held_out, rest = cut(size=size, seed=seed, group=r'(p\d+)_')
    assert not people(held_out) & people(rest)
    assert len(people(held_out)) == number
    assert len(held_out) == 6 * number


def test_the_whole_match_counts_without_parentheses():
    held_out, rest = cut(group=r'p\d+_r\d+')
    assert len(held_out) in (10, 12)
    recordings = [{name.split('/')[1] for name in part} for part in (held_out, rest)]
    assert not recordings[0] & recordings[1]
    assert len({frozenset(people(cut(group=r'p\d+', seed=s)[0])) for s in range(6)}) > 1


def test_groups_within_classes_give_every_class_its_share():
    names = [
        (f'{kind}/v_{kind}_g{group:02}_c{clip:02}.avi', label)
        for label, kind in enumerate(['dive', 'fence', 'punch'])
        for group in range(10)
        for clip in range(1, 4 + group % 3)
    ]
    held_out, rest = cut(names, size=0.2, group=r'(v_.*_g\d+)_c')
    assert not {n.rsplit('_', 1)[0] for n in held_out} & {n.rsplit('_', 1)[0] for n in rest}
    for kind in ('dive', 'fence', 'punch'):
        share = sum(kind in n for n in held_out) / sum(kind in n for n, _ in names)
        assert 0.1 < share < 0.3


def test_a_small_share_still_holds_something_of_every_class():
    held_out, _ = cut(size=0.01, group=r'(p\d+)_')
    assert len(people(held_out)) == 1
    apart = [(f'{"ab"[label]}{n}.mp4', label) for label in range(2) for n in range(4)]
    held_out, _ = cut(apart, size=0.01, group=r'\w\d')
    assert sorted(name[0] for name in held_out) == ['a', 'b']


def test_data_without_labels_cannot_be_cut():
    with pytest.raises(UserError, match='the dataset has no labels: leave with_label=False out'):
        cut([('sit/a.mp4', None), ('sit/b.mp4', None)])


def test_the_choice_does_not_depend_on_the_order():
    assert cut(PEOPLE[::-1], group=r'(p\d+)_')[0] == cut(group=r'(p\d+)_')[0]


@pytest.mark.parametrize(
    ('group', 'message'),
    [
        (r'person(\d+)', r"group='person\(\\\\d\+\)' is not found in the path sit/p0_r0\.mp4"),
        ('(p', r"group='\(p' is no regular expression"),
        (r'(x)?p\d', r'is not found in the path'),
        (r'(\w+)/', r'class 0 cannot be both trained on and held out.* 1 of the 2 groups'),
        (r'\.mp4', r'class 0 cannot be both trained on and held out.* 1 of the 1 groups'),
    ],
)
def test_groups_that_cannot_be_cut(group, message):
    with pytest.raises(UserError, match=message):
        cut(group=group)


@pytest.mark.parametrize(('size', 'warned'), [(0.05, True), (0.15, False)])
def test_a_share_far_from_the_one_asked_for_is_told(size, warned, monkeypatch):
    told = []
    monkeypatch.setattr(
        'dynp_plugins.openmmlab.datasets.held_out.print_log', lambda text, **_: told.append(text)
    )
    cut(size=size, group=r'(p\d)_')
    assert bool(told) == warned
    if warned:
        assert '6 of 36 samples are held out, where 5 % were asked for' in told[0]
