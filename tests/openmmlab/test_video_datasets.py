"""Videos and frame folders from folders, lists and the data sets' own annotation files."""

import json
import logging
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from mmengine.logging import MMLogger
from mmengine.registry import DATASETS
from PIL import Image
from torch.utils.data import DataLoader

import dynp_plugins.openmmlab  # noqa: F401
from dynp_plugins.errors import UserError

from ..datasets.made_videos import grey, make_video, number_of

SHARED_DATA = Path(
    os.environ.get('DYNP_SHARED_DATA', Path(__file__).parents[3] / 'shared' / 'data')
)
PACK = [
    dict(type='mmaction.Resize', scale=(32, 32), keep_ratio=False),
    dict(type='mmaction.FormatShape', input_format='NCHW'),
    dict(type='mmaction.PackActionInputs', meta_keys=('img_shape', 'filename')),
]
SAMPLE = dict(type='mmaction.SampleFrames', clip_len=1, num_clips=4, test_mode=True)
VIDEO_STEPS = [dict(type='OpenVideo'), SAMPLE, dict(type='DecodeVideo'), *PACK]
FRAME_STEPS = [SAMPLE, dict(type='mmaction.RawFrameDecode')]


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    """One good video."""
    return make_video(tmp_path_factory.mktemp('made') / 'good.mp4', frames=6)


@pytest.fixture
def folder(tmp_path, made):
    """Two classes of three videos."""
    for name in ('jump', 'walk'):
        (tmp_path / name).mkdir()
        for i in range(3):
            (tmp_path / name / f'{i}.mp4').write_bytes(made.read_bytes())
    return tmp_path


@pytest.fixture
def warnings():
    """What mmengine's logger warns of; it hands nothing on to the loggers pytest watches."""
    messages = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: messages.append(record.getMessage())
    logger = MMLogger.get_current_instance()
    logger.addHandler(handler)
    yield messages
    logger.removeHandler(handler)


def build(root, type='VideoFiles', **settings):
    config = dict(type=type, data_root=str(root), test_mode=True, serialize_data=False)
    return DATASETS.build(config | settings)


def listed(dataset, key='filename'):
    """Paths below the data folder, and labels."""
    infos = [dataset.get_data_info(i) for i in range(len(dataset))]
    return [(os.path.relpath(info[key], dataset.folder), info['label']) for info in infos]


def test_a_folder_per_class(folder):
    (folder / '.cache').mkdir()
    dataset = build(folder, pipeline=VIDEO_STEPS)
    assert dataset.metainfo['classes'] == ('jump', 'walk')
    assert len(dataset) == 6
    sample = dataset[4]
    assert sample['inputs'].shape == (4, 3, 32, 32)
    assert sample['data_samples'].gt_label.item() == 1
    assert sample['data_samples'].filename == str(folder / 'walk' / '1.mp4')
    info = dataset.get_data_info(0)
    assert (info['start_index'], info['modality']) == (0, 'RGB')
    assert dataset.get_cat_ids(4) == [1]


def test_lists_and_class_names(folder):
    (folder / 'list.txt').write_text('walk/2.mp4 1\njump/0.mp4 0\n')
    dataset = build(folder, ann_file='list.txt')
    assert listed(dataset) == [('walk/2.mp4', 1), ('jump/0.mp4', 0)]
    assert dataset.metainfo['classes'] == ('0', '1')
    (folder / 'names.txt').write_text('to jump\nto walk\n')
    named = build(folder, ann_file='list.txt', classes='names.txt')
    assert named.metainfo['classes'] == ('to jump', 'to walk')
    assert build(folder, ann_file='list.txt', classes=['a', 'b']).metainfo['classes'] == ('a', 'b')
    (folder / 'paths.txt').write_text('0.mp4\n')
    below = build(folder, ann_file='paths.txt', data_prefix=dict(video='walk'), with_label=False)
    assert below.get_data_info(0)['filename'] == str(folder / 'walk' / '0.mp4')
    assert 'label' not in below.get_data_info(0)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(ann_file='bad.txt'), r"bad\.txt, line 2: 'jump/1\.mp4' is not 'path label'"),
        (dict(ann_file='none.txt'), r'there is no list .*none\.txt'),
        (dict(data_prefix='nowhere'), r'there is no video folder .*nowhere'),
        (dict(data_prefix='jump'), 'no sub-folders; put the videos'),
        (dict(unreadable='ignore'), "choose 'stop', 'skip' or 'skip_missing'"),
        (dict(classes='none.txt'), r'there is no list of classes .*none\.txt'),
        (dict(classes=('walk', 'jump')), r'in another order: the folders are numbered alphabet'),
        (dict(classes=('a', 'b', 'c')), r'2 class folders \(jump, walk\), .* 3 classes'),
        (dict(ann_format='ucf101'), "ann_format='ucf101' says how to read ann_file; set that"),
        (dict(ann_file='bad.txt', ann_format='ucf'), "ann_format='ucf': choose one of sthv1, "),
        (
            dict(ann_file='bad.txt', ann_format=dict(name='hmdb51', split=1)),
            "'hmdb51' has no setting 'split', only subset, fold",
        ),
    ],
)
def test_wrong_settings(folder, settings, message):
    (folder / 'bad.txt').write_text('jump/0.mp4 0\njump/1.mp4\n')
    with pytest.raises(UserError, match=message):
        build(folder, **settings)


def test_bad_videos_stop_the_run_and_are_named(folder, made):
    (folder / 'jump' / '0.mp4').write_bytes(b'')
    (folder / 'jump' / '1.mp4').write_bytes(made.read_bytes()[:2000])
    (folder / 'jump' / '2.mp4').unlink()
    (folder / 'list.txt').write_text(''.join(f'jump/{i}.mp4 0\n' for i in range(3)))
    dataset = build(folder, ann_file='list.txt', pipeline=VIDEO_STEPS)
    skip = (
        "set unreadable='skip' in the config's datasets .*UNREADABLE=skip.* leave such videos out"
    )
    for number, message in enumerate(
        [
            rf'cannot read the video .*jump/0\.mp4: is empty, zero bytes\. .*{skip}',
            rf'cannot read the video .*jump/1\.mp4: cannot be opened.*{skip}',
            rf'video .*jump/2\.mp4 does not exist; the list .*list\.txt names it\. .*{skip}',
        ]
    ):
        with pytest.raises(UserError, match=message):
            dataset[number]
    with pytest.raises(UserError, match=r'jump/0\.mp4: is empty, zero bytes'):
        list(DataLoader(dataset, num_workers=1))


def test_bad_videos_can_be_skipped(folder, warnings):
    (folder / 'jump' / '0.mp4').write_bytes(b'')
    (folder / 'list.txt').write_text('jump/0.mp4 0\nwalk/1.mp4 1\nwalk/9.mp4 1\n')
    dataset = build(folder, ann_file='list.txt', unreadable='skip')
    assert listed(dataset) == [('walk/1.mp4', 1)]
    assert 'left out 2 of 3 videos' in warnings[-1]
    assert 'jump/0.mp4 (is empty, zero bytes)' in warnings[-1]
    assert 'walk/9.mp4 (does not exist)' in warnings[-1]
    present = build(folder, ann_file='list.txt', unreadable='skip_missing')
    assert listed(present) == [('jump/0.mp4', 0), ('walk/1.mp4', 1)]
    assert 'left out 1 of 3 videos' in warnings[-1]


def test_a_failing_transform_is_not_blamed_on_the_video(folder):
    shuffle = dict(type='ShuffleFrames', group_size=3)
    dataset = build(folder, pipeline=[dict(type='OpenVideo'), SAMPLE, shuffle])
    with pytest.raises(UserError, match=r'^ShuffleFrames: 4 sampled frames'):
        dataset[0]


def test_workers_give_what_this_process_gives(folder):
    dataset = build(folder, pipeline=VIDEO_STEPS)
    again = pickle.loads(pickle.dumps(dataset))
    for sample, worker in zip(
        (again[i]['inputs'] for i in range(6)),
        (batch[0]['inputs'] for batch in DataLoader(dataset, num_workers=2, collate_fn=list)),
        strict=True,
    ):
        np.testing.assert_array_equal(sample, worker)


def frames(path, count, name='{:05}.jpg', first=1):
    path.mkdir(parents=True)
    for i in range(count):
        Image.new('RGB', (40, 32), (grey(i),) * 3).save(path / name.format(first + i))
    return path


@pytest.fixture
def frame_root(tmp_path):
    frames(tmp_path / 'frames' / '7', 6)
    frames(tmp_path / 'frames' / 'b 8', 3)
    return tmp_path


def frame_folders(root, lines, **settings):
    (root / 'list.txt').write_text(lines)
    settings = dict(data_prefix='frames', ann_file='list.txt', pipeline=FRAME_STEPS) | settings
    return build(root, 'FrameFolders', **settings)


@pytest.mark.parametrize('lines', ['7 6 0\nb 3 1\n', '7 0\nb 1\n'], ids=['counts', 'none'])
def test_frame_folders_with_and_without_counts(frame_root, lines):
    (frame_root / 'frames' / 'b 8').rename(frame_root / 'frames' / 'b')
    dataset = frame_folders(frame_root, lines)
    infos = [dataset.get_data_info(i) for i in range(2)]
    assert [info['total_frames'] for info in infos] == [6, 3]
    assert [info['label'] for info in infos] == [0, 1]
    assert infos[0]['filename_tmpl'] == '{:05}.jpg'
    shown = [[number_of(frame) for frame in dataset[i]['imgs']] for i in range(2)]
    assert shown == [[0, 2, 3, 5], [0, 1, 1, 2]]
    assert dataset[0]['img_shape'] == (32, 40)


def test_frames_by_another_name_and_first_number(tmp_path):
    frames(tmp_path / 'frames' / 'a', 4, 'img_{:03d}.png', first=0)
    dataset = frame_folders(tmp_path, 'a 0\n', filename_tmpl='img_{:03d}.png', start_index=0)
    assert [number_of(frame) for frame in dataset[0]['imgs']] == [0, 1, 2, 3]


def test_missing_and_damaged_frames_are_named(frame_root, warnings):
    (frame_root / 'frames' / '7' / '00003.jpg').unlink()
    (frame_root / 'frames' / 'b 8' / '00002.jpg').write_bytes(b'no picture')
    lines = '7 6 0\nb 8 3 1\nc 9 1\n'
    dataset = frame_folders(frame_root, lines)
    for number, message in enumerate(
        [
            r'cannot read the video .*frames/7: lacks 1 of 6 frames: 00003\.jpg\. ',
            r'cannot read the video .*frames/b 8: its frame 00002\.jpg: Unidentified',
            r'the video .*frames/c does not exist; the list .*list\.txt names it',
        ]
    ):
        with pytest.raises(UserError, match=message):
            dataset[number]
    frames(frame_root / 'frames' / 'fine', 2)
    good = frame_folders(frame_root, lines + 'fine 2 1\n', unreadable='skip')
    assert listed(good, 'frame_dir') == [('fine', 1)]
    assert all(name in warnings[-1] for name in ('00003.jpg', '00002.jpg', 'c (does not exist)'))
    present = frame_folders(frame_root, lines, unreadable='skip_missing')
    assert listed(present, 'frame_dir') == [('b 8', 1)]


@pytest.mark.parametrize(
    ('lines', 'settings', 'message'),
    [
        ('7 0\nnone 0\n', {}, r'video folder .*frames/none does not exist; the list'),
        ('7 0\n', dict(filename_tmpl='f{:03}.png'), r'lacks 1 of 1 frames: f001\.png; .*data_pre'),
        ('7 0\n', dict(filename_tmpl='img.jpg'), r"'img\.jpg': write the frame's number once"),
        (
            '7 0\n',
            dict(filename_tmpl='{:05z}.jpg'),
            r"'{:05z}\.jpg': write the frame's number once",
        ),
        ('7 0\n', dict(ann_file=''), 'FrameFolders needs a list: set ann_file'),
    ],
)
def test_lists_of_frame_folders_that_cannot_be(frame_root, lines, settings, message):
    with pytest.raises(UserError, match=message):
        frame_folders(frame_root, lines, **settings)


def test_a_folder_of_no_frames_is_named(frame_root):
    dataset = frame_folders(frame_root, '7 0 0\n')
    with pytest.raises(UserError, match=r'cannot read the video .*frames/7: has no frames'):
        dataset[0]
    with pytest.raises(UserError, match='FrameFolders needs a list: set ann_file'):
        build(frame_root, 'FrameFolders', pipeline=FRAME_STEPS)


def test_something_something_v1(tmp_path):
    frames(tmp_path / 'frames' / '100218', 5)
    frames(tmp_path / 'frames' / '24413', 4)
    labels = 'Holding something\nPutting something, then leaving it\nApproaching something\n'
    (tmp_path / 'something-something-v1-labels.csv').write_text(labels)
    lines = '100218;Putting something, then leaving it\n24413;Holding something\n'
    dataset = frame_folders(tmp_path, lines, ann_format='sthv1')
    assert listed(dataset, 'frame_dir') == [('100218', 1), ('24413', 0)]
    assert dataset.metainfo['classes'] == tuple(labels.splitlines())  # in the file's order
    assert dataset.get_data_info(0)['total_frames'] == 5
    assert len(dataset[1]['imgs']) == 4
    for bad, message in [
        ('100218\n', r"list\.txt, line 1: '100218' is not 'id;label'"),
        ('100218;Eating\n', r"line 1: class 'Eating' is not among those of .*v1-labels\.csv"),
    ]:
        with pytest.raises(UserError, match=message):
            frame_folders(tmp_path, bad, ann_format='sthv1')
    with pytest.raises(UserError, match=r'2 classes given to the dataset are not the 3 of'):
        frame_folders(tmp_path, lines, ann_format='sthv1', classes=('a', 'b'))


def test_something_something_v2(tmp_path):
    entries = [
        dict(id='78687', template='Holding [something] next to [something]', label='holding a b'),
        dict(id='42326', template='Approaching [something] with your camera', label='x'),
    ]
    labels = {
        'Approaching something with your camera': '0',
        'Holding something next to something': '1',
    }
    (tmp_path / 'train.json').write_text(json.dumps(entries))
    (tmp_path / 'labels.json').write_text(json.dumps(labels))
    dataset = build(tmp_path, ann_file='train.json', ann_format='sthv2')
    assert listed(dataset) == [('78687.webm', 1), ('42326.webm', 0)]
    assert dataset.metainfo['classes'] == tuple(labels)
    (tmp_path / 'test.json').write_text(json.dumps([dict(id='1')]))
    with pytest.raises(UserError, match=r'test\.json, video 1: has no id and template'):
        build(tmp_path, ann_file='test.json', ann_format='sthv2')
    (tmp_path / 'labels.json').unlink()
    with pytest.raises(UserError, match='no list of classes something-something-v2-labels'):
        build(tmp_path, ann_file='train.json', ann_format='sthv2')


def test_ucf101(tmp_path):
    (tmp_path / 'classInd.txt').write_bytes(b'1 ApplyEyeMakeup\r\n2 Archery\r\n\r\n')
    train = 'Archery/v_Archery_g08_c01.avi 2\nApplyEyeMakeup/v_ApplyEyeMakeup_g08_c02.avi 1\n'
    (tmp_path / 'trainlist01.txt').write_text(train)
    (tmp_path / 'testlist01.txt').write_text('Archery/v_Archery_g01_c01.avi\n')
    dataset = build(tmp_path, ann_file='trainlist01.txt', ann_format='ucf101')
    assert listed(dataset) == [
        ('Archery/v_Archery_g08_c01.avi', 1),
        ('ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c02.avi', 0),
    ]
    assert dataset.metainfo['classes'] == ('ApplyEyeMakeup', 'Archery')
    test = build(tmp_path, ann_file='testlist01.txt', ann_format='ucf101')
    assert listed(test) == [('Archery/v_Archery_g01_c01.avi', 1)]
    (tmp_path / 'trainlist02.txt').write_text('Archery/v_Archery_g08_c01.avi 1\n')
    with pytest.raises(UserError, match='line 1: label 1, but class Archery is number 2'):
        build(tmp_path, ann_file='trainlist02.txt', ann_format='ucf101')
    (tmp_path / 'rawframes' / 'Archery').mkdir(parents=True)
    frames(tmp_path / 'rawframes' / 'Archery' / 'v_Archery_g01_c01', 3)
    raw = build(
        tmp_path,
        'FrameFolders',
        data_prefix='rawframes',
        ann_file='testlist01.txt',
        ann_format='ucf101',
    )
    assert listed(raw, 'frame_dir') == [('Archery/v_Archery_g01_c01', 1)]


def test_hmdb51(tmp_path):
    splits = tmp_path / 'splits'
    splits.mkdir()
    (splits / 'wave_test_split1.txt').write_text('a_wave.avi 1 \nb_wave.avi 2 \nc_wave.avi 0 \n')
    (splits / 'brush_hair_test_split1.txt').write_text('#1_brush.avi 2 \n[2]_brush.avi 1 \n')
    (splits / 'brush_hair_test_split2.txt').write_text('#1_brush.avi 1 \n')

    def read(**settings):
        return build(tmp_path, ann_file='splits', ann_format=dict(name='hmdb51', **settings))

    train = read(subset='train')
    assert train.metainfo['classes'] == ('brush_hair', 'wave')
    assert listed(train) == [('brush_hair/[2]_brush.avi', 0), ('wave/a_wave.avi', 1)]
    assert listed(read(subset='test')) == [('brush_hair/#1_brush.avi', 0), ('wave/b_wave.avi', 1)]
    assert listed(read(subset='train', fold=2)) == [('brush_hair/#1_brush.avi', 0)]
    with pytest.raises(UserError, match="subset='': choose 'train' or 'test'"):
        read()
    with pytest.raises(UserError, match=r'has no lists CLASS_test_split3\.txt'):
        read(subset='test', fold=3)


@pytest.mark.parametrize('spelling', ['tying knot (not on a tie)', 'tying_knot_(not_on_a_tie)', ''])
def test_kinetics(tmp_path, made, spelling):
    (tmp_path / 'train' / spelling).mkdir(parents=True, exist_ok=True)
    video = tmp_path / 'train' / spelling / 'AbC-_dEf012_000010_000020.mp4'
    video.write_bytes(made.read_bytes())
    (tmp_path / 'train.csv').write_text(
        'label,youtube_id,time_start,time_end,split\n'
        '"tying knot (not on a tie)",AbC-_dEf012,10,20,train\n'
        'abseiling,xyz,0,10,train\n'
    )
    settings = dict(data_prefix='train', ann_file='train.csv', ann_format='kinetics')
    dataset = build(tmp_path, pipeline=VIDEO_STEPS, **settings)
    assert dataset.metainfo['classes'] == ('abseiling', 'tying knot (not on a tie)')
    assert dataset.get_data_info(0)['filename'] == str(video)
    assert dataset[0]['data_samples'].gt_label.item() == 1
    assert len(build(tmp_path, unreadable='skip_missing', **settings)) == 1
    (tmp_path / 'test.csv').write_text('youtube_id,time_start,time_end,split\nx,0,10,test\n')
    with pytest.raises(UserError, match=r'test\.csv has no column label'):
        build(tmp_path, **(settings | dict(ann_file='test.csv')))


def test_kinetics_class_names_from_a_file(tmp_path):
    (tmp_path / 'names.txt').write_text('abseiling\nyoga\nzumba\n')
    (tmp_path / 'val.csv').write_text('label,youtube_id,time_start,time_end\nyoga,x,0,10\n')
    dataset = build(
        tmp_path, ann_file='val.csv', ann_format=dict(name='kinetics', class_file='names.txt')
    )
    assert listed(dataset) == [('x_000000_000010.mp4', 1)]
    (tmp_path / 'bad.csv').write_text('label,youtube_id,time_start,time_end\nyoga,x,0\n')
    with pytest.raises(UserError, match=r'bad\.csv, line 2'):
        build(tmp_path, ann_file='bad.csv', ann_format='kinetics')


@pytest.mark.skipif(
    not (SHARED_DATA / 'nagoya_fir_action').is_dir(), reason='no thermal clips in shared/data'
)
def test_thermal_clips():
    """Real data: all clips are listed, the frames are as many as the data set says."""
    root = SHARED_DATA / 'nagoya_fir_action'
    train = build(
        root,
        data_prefix='videos',
        ann_file='order2_train.txt',
        classes='order2_classes.txt',
        pipeline=VIDEO_STEPS,
    )
    assert len(train) == 480
    assert train.metainfo['classes'] == ('sitdown', 'standup')
    rows = (line.split(',') for line in (root / 'metadata.csv').read_text().splitlines()[1:])
    expected = {row[0]: int(row[12]) for row in rows}
    opened = build(
        root, data_prefix='videos', ann_file='test.txt', pipeline=[dict(type='OpenVideo')]
    )
    assert len(opened) == 840
    for i in range(0, 840, 12):
        info = opened[i]
        assert info['total_frames'] == expected[Path(info['filename']).name]
    assert train[5]['inputs'].shape == (4, 3, 32, 32)
    inputs = train[5]['inputs'].float()
    assert (inputs[0] - inputs[3]).abs().mean() > 1  # something moves
    parts = [
        DATASETS.build(
            dict(
                type='HeldOut', part=part, size=0.2, group=r'(\d+_p\d+_[a-z]+\d)_',
                dataset=dict(
                    type='VideoFiles', data_root=str(root), data_prefix='videos',
                    ann_file='order2_train.txt',
                ),
            )
        )
        for part in ('held_out', 'rest')
    ]  # fmt: skip
    recordings = [
        {Path(p.get_data_info(i)['filename']).name.rsplit('_', 2)[0] for i in range(len(p))}
        for p in parts
    ]
    assert not recordings[0] & recordings[1]
    assert 80 <= len(parts[0]) <= 112
