"""Cutting calibration data out of videos, and keeping what belongs together on one side."""

from hashlib import sha256

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


@DATASETS.register_module()
class Boxes(BaseDataset):
    """Pictures with boxes: ``names`` gives the classes of the boxes of each."""

    METAINFO = {'classes': ('cell', 'clot')}  # noqa: RUF012 - mmengine's own convention

    def __init__(self, names, **kwargs):
        self.names = names
        super().__init__(data_prefix={'img': '/data'}, **kwargs)

    def load_data_list(self):
        return [
            {
                'img_path': f'/data/{name}',
                'instances': [{'bbox': [0, 0, 9, 9], 'bbox_label': label} for label in labels],
            }
            for name, labels in self.names.items()
        ]

    def filter_data(self):
        """Leaves empty pictures out, as mmdet's datasets do where they train."""
        if self.test_mode or not (self.filter_cfg or {}).get('filter_empty_gt'):
            return self.data_list
        return [info for info in self.data_list if info['instances']]


# A third of the pictures is empty; three pictures of a slide each.
PICTURES = {f's{i // 3}_{i}.png': [] if i % 3 == 0 else [0, i % 2] for i in range(60)}


def cut_pictures(part, pictures=PICTURES, filtering=False, size=0.2, **settings):
    """Names of the pictures of a part."""
    dataset = dict(type='Boxes', names=pictures, test_mode=not filtering)
    if filtering:
        dataset['filter_cfg'] = dict(filter_empty_gt=True)
    built = DATASETS.build(dict(type='HeldOut', dataset=dataset, part=part, size=size, **settings))
    return [built.get_data_info(i)['img_path'].removeprefix('/data/') for i in range(len(built))]


@pytest.mark.parametrize('size', [0.2, 12, 0.05])
def test_pictures_with_boxes_are_cut_by_their_paths(size):
    held_out, rest = cut_pictures('held_out', size=size), cut_pictures('rest', size=size)
    assert len(held_out) == (3 if size == 0.05 else 12)
    assert sorted(held_out + rest) == sorted(PICTURES)
    by_hash = sorted(PICTURES, key=lambda name: sha256(f'0:{name}'.encode()).digest())
    assert set(held_out) == set(by_hash[: len(held_out)])
    backwards = dict(reversed(PICTURES.items()))
    assert set(cut_pictures('held_out', backwards, size=size)) == set(held_out)
    assert set(cut_pictures('held_out', size=size, seed=1)) != set(held_out)


@pytest.mark.parametrize('settings', [{}, dict(group=r'(s\d+)_'), dict(size=7), dict(seed=3)])
def test_parts_stay_disjoint_if_one_of_them_filters(settings):
    held_out = cut_pictures('held_out', **settings)
    rest = cut_pictures('rest', filtering=True, **settings)
    assert not set(held_out) & set(rest)
    assert set(rest) == {n for n, boxes in PICTURES.items() if boxes} - set(held_out)
    assert any(not PICTURES[name] for name in held_out)
    filtered = cut_pictures('held_out', filtering=True, **settings)
    assert filtered == [name for name in held_out if PICTURES[name]]


def test_slides_stay_on_one_side():
    slides = {name.split('_')[0] for name in cut_pictures('held_out', group=r'(s\d+)_')}
    rest = {name.split('_')[0] for name in cut_pictures('rest', group=r'(s\d+)_')}
    assert not slides & rest
    assert len(slides) == 4


def test_samples_of_a_part_are_those_of_its_entries():
    dataset = dict(type='Boxes', names=PICTURES, filter_cfg=dict(filter_empty_gt=True))
    part = DATASETS.build(dict(type='HeldOut', part='rest', size=0.2, dataset=dataset))
    assert [part[i]['img_path'] for i in range(len(part))] == [
        part.get_data_info(i)['img_path'] for i in range(len(part))
    ]
    assert all(part[i]['instances'] for i in range(len(part)))
    assert part.metainfo['classes'] == ('cell', 'clot')


def test_a_filter_further_inside_is_refused():
    dataset = dict(type='Boxes', names=PICTURES, filter_cfg=dict(filter_empty_gt=True))
    both = dict(type='ConcatDataset', datasets=[dataset])
    with pytest.raises(UserError, match=r'HeldOut around ConcatDataset .*directly around Boxes'):
        DATASETS.build(dict(type='HeldOut', part='rest', size=0.2, dataset=both))


def test_a_single_picture_or_slide_cannot_be_cut():
    with pytest.raises(UserError, match='the dataset has a single sample'):
        cut_pictures('rest', {'a.png': [0]}, size=0.5)
    with pytest.raises(UserError, match=r'the dataset cannot be both .* in 1 of the 1 groups'):
        cut_pictures('rest', {'a.png': [0], 'b.png': []}, size=0.5, group='png')


def test_classes_on_one_side_only_are_told(monkeypatch):
    told = []
    monkeypatch.setattr(
        'dynp_plugins.openmmlab.datasets.held_out.print_log', lambda text, **_: told.append(text)
    )
    cut_pictures('rest')
    assert told == []
    cut_pictures('rest', {name: [1] if name == 's0_0.png' else [0] for name in PICTURES})
    assert told == [
        'boxes of clot are all held out or none is: hold out more, or other samples with seed'
    ]
