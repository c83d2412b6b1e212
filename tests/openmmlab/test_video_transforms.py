"""Opening, sampling, decoding and shuffling inside OpenMMLab pipelines."""

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mmengine.dataset import Compose
from mmengine.registry import TRANSFORMS

import dynp_plugins.openmmlab  # noqa: F401
from dynp_plugins.errors import UserError

from ..datasets.made_videos import make_video, number_of

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('videos')


@pytest.fixture(scope='module')
def video(folder):
    """24 frames, 80 x 64 pixels."""
    return make_video(folder / 'long.mp4', size=(80, 64))


@pytest.fixture(scope='module')
def short(folder):
    return make_video(folder / 'short.mp4', frames=3, size=(80, 64))


def decoded(video, *between, **sampling):
    """What a pipeline of sampling and decoding gives."""
    steps = [
        dict(type='OpenVideo'),
        dict(type='mmaction.SampleFrames', **(dict(clip_len=1, test_mode=True) | sampling)),
        *between,
        dict(type='DecodeVideo'),
    ]
    return Compose(steps)(dict(filename=str(video), label=1))


def numbers(results):
    return [number_of(frame) for frame in results['imgs']]


def test_what_the_transforms_add_and_take_away(video):
    opened = Compose([dict(type='OpenVideo')])(dict(filename=str(video)))
    assert opened['total_frames'] == 24
    assert opened['avg_fps'] == pytest.approx(10)
    assert (opened['start_index'], opened['modality']) == (0, 'RGB')
    results = decoded(video, num_clips=8)
    assert 'video_reader' not in results
    assert results['img_shape'] == results['original_shape'] == (64, 80)
    assert all(frame.shape == (64, 80, 3) and frame.dtype == np.uint8 for frame in results['imgs'])


def test_the_frames_sampled_are_the_frames_decoded(video):
    assert numbers(decoded(video, num_clips=8)) == [1, 4, 7, 10, 13, 16, 19, 22]
    # twice_sample: the middles of the segments, then their starts.
    twice = numbers(decoded(video, num_clips=8, twice_sample=True))
    assert twice == [1, 4, 7, 10, 13, 16, 19, 22, 0, 3, 6, 9, 12, 15, 18, 21]
    clips = decoded(video, clip_len=4, frame_interval=2, num_clips=2)
    assert numbers(clips) == [0, 2, 4, 6, 17, 19, 21, 23]
    np.random.seed(0)
    train = decoded(video, num_clips=8, test_mode=False)
    assert numbers(train) == train['frame_inds'].tolist()
    assert all(3 * n <= frame < 3 * n + 3 for n, frame in enumerate(numbers(train)))


def test_short_clips_repeat_frames(short):
    assert numbers(decoded(short, num_clips=8)) == [0, 0, 0, 1, 1, 2, 2, 2]
    np.random.seed(0)
    assert set(numbers(decoded(short, num_clips=8, test_mode=False))) <= {0, 1, 2}
    looped = decoded(short, clip_len=8, num_clips=1, out_of_bound_opt='loop')
    assert numbers(looped) == [0, 1, 2, 0, 1, 2, 0, 1]


def test_repeated_frames_do_not_share_memory(short):
    """Some transforms change frames in place; the repeated ones would be changed twice."""
    pipeline = [
        dict(type='OpenVideo'),
        dict(type='mmaction.SampleFrames', clip_len=1, num_clips=8, test_mode=True),
        dict(type='DecodeVideo'),
        dict(type='mmaction.Flip', flip_ratio=1),
    ]
    flipped = Compose(pipeline)(dict(filename=str(short)))['imgs']
    plain = decoded(short, num_clips=8)['imgs']
    for one, other in zip(flipped, plain, strict=True):
        np.testing.assert_array_equal(one, other[:, ::-1])


@pytest.mark.parametrize(
    ('crop', 'sampling', 'shape'),
    [
        (dict(type='mmaction.CenterCrop', crop_size=32), {}, (8, 3, 32, 32)),
        (dict(type='mmaction.CenterCrop', crop_size=32), dict(twice_sample=True), (16, 3, 32, 32)),
        (dict(type='mmaction.ThreeCrop', crop_size=40), {}, (24, 3, 40, 40)),
        (dict(type='mmaction.ThreeCrop', crop_size=40), dict(twice_sample=True), (48, 3, 40, 40)),
    ],
    ids=['one view', 'two clips', 'three crops', 'both'],
)
def test_the_rest_of_the_pipeline_is_mmaction2s(video, crop, sampling, shape):
    pipeline = [
        dict(type='OpenVideo'),
        dict(type='mmaction.SampleFrames', clip_len=1, num_clips=8, test_mode=True, **sampling),
        dict(type='DecodeVideo'),
        dict(type='mmaction.Resize', scale=(-1, 40)),
        crop,
        dict(type='mmaction.FormatShape', input_format='NCHW'),
        dict(type='mmaction.PackActionInputs', meta_keys=('img_shape', 'filename')),
    ]
    packed = Compose(pipeline)(dict(filename=str(video), label=3))
    assert packed['inputs'].shape == shape
    assert packed['data_samples'].gt_label.item() == 3
    assert packed['data_samples'].filename == str(video)
    # The first clip's frames one behind the other, each lighter than the one before.
    means = packed['inputs'][:8, :, 16:].float().mean((1, 2, 3))
    assert (means.diff() > 5).all()


def shuffled(results, **settings):
    return TRANSFORMS.build(dict(type='ShuffleFrames', **settings))(dict(results))['frame_inds']


def sampled(name='clip.mp4', frames=range(8), num_clips=8, clip_len=1):
    inds = np.array(list(frames), np.int32)
    return dict(filename=name, frame_inds=inds, num_clips=num_clips, clip_len=clip_len)


def test_shuffled_orders_are_never_the_sampled_one_and_stay_the_same():
    orders = set()
    for n in range(200):
        order = shuffled(sampled(f'{n}.mp4', range(3), 3))
        assert sorted(order) == [0, 1, 2]
        assert order.dtype == np.int32
        np.testing.assert_array_equal(order, shuffled(sampled(f'{n}.mp4', range(3), 3)))
        orders.add(tuple(order.tolist()))
    assert len(orders) == 5  # all but (0, 1, 2)


def test_the_shuffled_order_is_that_of_the_file_wherever_it_is():
    here = shuffled(sampled('/data/a/clip.mp4'))
    np.testing.assert_array_equal(here, shuffled(sampled('/elsewhere/clip.mp4')))
    frame_dir = {**sampled(), 'frame_dir': '/data/clip.mp4'}
    del frame_dir['filename']
    np.testing.assert_array_equal(here, shuffled(frame_dir))
    others = [shuffled(sampled(f'{n}.mp4')).tolist() for n in range(5)]
    others += [shuffled(sampled(), seed=n).tolist() for n in range(1, 5)]
    assert len({tuple(each) for each in others}) > 7


def test_fresh_orders_follow_the_run_s_random_numbers():
    def orders(seed):
        np.random.seed(seed)
        return [shuffled(sampled(), fresh=True).tolist() for _ in range(5)]

    assert orders(1) == orders(1)
    assert len({tuple(each) for each in orders(1)}) == 5
    assert orders(1) != orders(2)


def test_what_a_network_sees_together_stays_together():
    twice = sampled(frames=[*range(8), *range(10, 18)])
    order = shuffled(twice)
    assert sorted(order[:8]) == list(range(8))
    assert sorted(order[8:]) == list(range(10, 18))
    assert order[:8].tolist() != list(range(8))
    clips = shuffled(sampled(frames=range(8), num_clips=2, clip_len=4))
    assert sorted(clips[:4]) == [0, 1, 2, 3]
    pairs = shuffled(sampled(frames=range(8)), group_size=2)
    assert pairs.tolist() == [1, 0, 3, 2, 5, 4, 7, 6]
    with pytest.raises(UserError, match=r'8 sampled frames.*groups of 3; set group_size'):
        shuffled(sampled(), group_size=3)


def test_repeated_frames_are_shuffled_where_another_order_exists():
    assert shuffled(sampled(frames=[4, 4], num_clips=2)).tolist() == [4, 4]
    for n in range(20):
        order = shuffled(sampled(f'{n}.mp4', frames=[0, 0, 0, 1], num_clips=4))
        assert order.tolist() != [0, 0, 0, 1]
        assert sorted(order) == [0, 0, 0, 1]


def test_shuffled_frames_are_decoded_in_their_new_order(video):
    plain = numbers(decoded(video, num_clips=8))
    mixed = numbers(decoded(video, dict(type='ShuffleFrames'), num_clips=8))
    assert mixed != plain
    assert sorted(mixed) == plain


@pytest.mark.parametrize(
    ('steps', 'given', 'message'),
    [
        (['OpenVideo'], dict(frame_dir='a'), 'OpenVideo needs the filename of a video'),
        (['DecodeVideo'], dict(frame_inds=[0]), 'DecodeVideo needs OpenVideo before it'),
        (['OpenVideo', 'DecodeVideo'], {}, r'DecodeVideo needs mmaction\.SampleFrames before it'),
    ],
)
def test_steps_that_are_forgotten(video, steps, given, message):
    given = given or dict(filename=str(video))
    with pytest.raises(UserError, match=message):
        Compose([dict(type=step) for step in steps])(given)


def test_decord_is_not_imported(video):
    """A whole dataset and pipeline run where importing decord would fail."""
    code = f"""
import sys
sys.modules['decord'] = None
import dynp_plugins.openmmlab
from mmengine.registry import DATASETS
from pathlib import Path
path = Path({str(video)!r})
(path.parent / 'list.txt').write_text(f'{{path.name}} 0\\n')
dataset = DATASETS.build(dict(
    type='VideoFiles', data_root=str(path.parent), ann_file='list.txt', pipeline=[
        dict(type='OpenVideo'),
        dict(type='mmaction.SampleFrames', clip_len=1, num_clips=4),
        dict(type='DecodeVideo'),
        dict(type='mmaction.RandomResizedCrop'),
        dict(type='mmaction.Resize', scale=(32, 32), keep_ratio=False),
        dict(type='mmaction.FormatShape', input_format='NCHW'),
        dict(type='mmaction.PackActionInputs')]))
print(tuple(dataset[0]['inputs'].shape))
"""
    answer = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, cwd=REPOSITORY
    )
    assert answer.stdout.splitlines()[-1:] == ['(4, 3, 32, 32)'], answer.stderr


def test_no_file_of_ours_imports_decord():
    files = [
        path
        for room in ('dynp_plugins', 'benchmarks', 'reports', 'tools', 'configs')
        for path in (REPOSITORY / room).rglob('*.py')
    ]
    assert len(files) > 100
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or '']
            elif isinstance(node, ast.Constant):
                names = [str(node.value)] if 'configs' in path.parts else []
            else:
                continue
            assert not any(
                name.removeprefix('mmaction.').lower().startswith('decord') for name in names
            ), path
