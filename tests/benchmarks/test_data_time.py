"""Times of reading and preparing samples, on pipelines whose steps take invented time."""

import gc
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.dataset import BaseDataset, ConcatDataset
from mmengine.registry import TRANSFORMS
from torch import nn

from benchmarks.data_time import PASSES, measure_data_times
from benchmarks.timed_samples import SampleSource
from benchmarks.timing import WallClock
from dynp_plugins.openmmlab.datasets import EmbeddedDigits
from dynp_plugins.openmmlab.sample_times import is_reading, spread_evenly

CPU = torch.device('cpu')


class World:
    """Invented time, and what happened in it."""

    def __init__(self):
        self.now, self.log = 0.0, []

    def takes(self, seconds, what):
        self.now += seconds
        self.log.append(what)

    def measure(self, *models, **settings):
        settings = {'now': lambda: self.now, 'clock': WallClock(lambda: self.now)} | settings
        return measure_data_times(models, CPU, **settings)


def step(name, world, seconds):
    """A step of a pipeline that takes ``seconds`` times the sample's slowness."""

    def call(self, data):
        world.takes(seconds * data['slowness'], name)
        return data

    return type(name, (), {'__call__': call})()


class Pack:
    def __call__(self, data):
        return {'inputs': torch.full((3, 2, 2), data['sample_idx'], dtype=torch.uint8)}


class Samples(BaseDataset):
    """Sample i takes (i + 1) times the time of sample 0; to hand out its entry takes time, too."""

    def __init__(self, world, steps, count=10, fetching=0.0):
        self.world, self.fetching = world, fetching
        entries = [{'sample_idx': i, 'slowness': float(i + 1)} for i in range(count)]
        super().__init__(pipeline=[*steps, Pack()], lazy_init=True)
        self.data_list, self._fully_initialized, self.serialize_data = entries, True, False

    def get_data_info(self, idx):
        info = super().get_data_info(idx)
        self.world.takes(self.fetching * info['slowness'], 'fetch')
        return info


class Preprocessor(nn.Module):
    def __init__(self, world, seconds=0.5):
        super().__init__()
        self.world, self.seconds, self.seen = world, seconds, []

    def forward(self, data, training):
        assert not training
        (image,) = data['inputs']
        self.seen.append(int(image[0, 0, 0]))
        self.world.takes(self.seconds, 'preprocess')

    def __deepcopy__(self, memo):
        return self  # so that a test sees what it was given


def timed(dataset, preprocessor, count=10, shape=(3, 2, 2), name='net', index=None):
    """As much of a `TimedSamples` as is asked for."""
    source = SampleSource(dataset, preprocessor)
    sample = 'video' if len(shape) == 4 else 'image'
    return SimpleNamespace(name=name, index=index or range(count), source=source, sample=sample)


@pytest.fixture
def world():
    return World()


def video_steps(world):
    return [
        step('OpenVideo', world, 0.010),
        step('SampleFrames', world, 0.001),
        step('DecodeVideo', world, 0.030),
        step('Resize', world, 0.004),
    ]


def check_times(data, reading, transforms, preprocessing, slowness):
    """Milliseconds of a sample of slowness 1; ``slowness`` are those of the samples."""
    slowness = np.array(slowness, float)
    for stage, per_sample in (
        (data.reading, reading * slowness),
        (data.transforms, transforms * slowness),
        (data.preprocessing, np.full(len(slowness), preprocessing)),
    ):
        assert stage.mean_ms == pytest.approx(per_sample.mean())
        assert stage.samples_ms == pytest.approx(np.tile(per_sample, PASSES))
        assert stage.p50_ms == pytest.approx(np.median(per_sample))
        assert stage.p90_ms == pytest.approx(np.percentile(stage.samples_ms, 90))


def test_opening_and_decoding_are_told_from_the_other_steps(world):
    preprocessor = Preprocessor(world)
    dataset = Samples(world, video_steps(world))
    (data,) = world.measure(timed(dataset, preprocessor))
    check_times(data, 40.0, 5.0, 500.0, range(1, 11))
    assert (data.samples, data.passes) == (10, PASSES)
    assert data.reading_steps == ['OpenVideo', 'DecodeVideo']
    assert data.transform_steps == ['SampleFrames', 'Resize', 'Pack']
    assert preprocessor.seen == list(range(10)) * (PASSES + 1)
    names = ['fetch', 'OpenVideo', 'SampleFrames', 'DecodeVideo', 'Resize', 'preprocess']
    assert world.log == names * 10 * (PASSES + 1)  # every sample alone, nothing in between
    assert [type(s).__name__ for s in dataset.pipeline.transforms][:2] == names[1:3]  # as before


def test_what_the_data_set_does_itself_is_reading(world):
    """So it is where pictures lie in memory; and where files are looked at before the pipeline."""
    dataset = Samples(world, [step('Resize', world, 0.004)], fetching=0.007)
    (data,) = world.measure(timed(dataset, Preprocessor(world)))
    check_times(data, 7.0, 4.0, 500.0, range(1, 11))
    assert data.reading_steps == []
    with_file = Samples(world, [step('LoadImageFromFile', world, 0.003)], fetching=0.007)
    (data,) = world.measure(timed(with_file, Preprocessor(world)))
    check_times(data, 10.0, 0.0, 500.0, range(1, 11))
    assert data.reading_steps == ['LoadImageFromFile']


def test_data_sets_inside_others(world):
    held_out = SimpleNamespace(dataset=Samples(world, video_steps(world)))
    held_out_type = type('Held', (), {'__getitem__': lambda self, i: held_out.dataset[i]})
    wrapper = held_out_type()
    wrapper.dataset = held_out.dataset
    (data,) = world.measure(timed(wrapper, Preprocessor(world)))
    check_times(data, 40.0, 5.0, 500.0, range(1, 11))
    parts = [Samples(world, video_steps(world), 4), Samples(world, [], 2, fetching=0.040)]
    (data,) = world.measure(timed(ConcatDataset(parts), Preprocessor(world), 6))
    assert data.reading.samples_ms[:6] == pytest.approx([40, 80, 120, 160, 40, 80])
    assert data.transforms.samples_ms[:6] == pytest.approx([5, 10, 15, 20, 0, 0])
    assert data.reading_steps == ['OpenVideo', 'DecodeVideo']
    assert data.transform_steps == ['SampleFrames', 'Resize', 'Pack']


def test_the_first_pass_warms_the_file_cache_and_a_stall_does_not_count(world):
    """The first pass takes a hundred times as long; one of the others is slowed down, too."""
    slow = iter([100.0] * 4 + [1.0] * 8 + [50.0] * 4 + [1.0] * 100)
    dataset = Samples(world, [step('LoadImageFromFile', world, 0.010)], 4)
    info = dataset.get_data_info
    dataset.get_data_info = lambda idx: info(idx) | {'slowness': next(slow)}
    (data,) = world.measure(timed(dataset, Preprocessor(world), 4))
    assert data.reading.mean_ms == pytest.approx(10.0)  # of the median pass
    assert len(data.reading.samples_ms) == 4 * PASSES
    assert max(data.reading.samples_ms) == pytest.approx(500.0)


def test_samples_are_spread_over_those_that_were_timed(world):
    preprocessor = Preprocessor(world)
    model = timed(Samples(world, []), preprocessor, 9)  # the data set has one more
    (data,) = world.measure(model, samples=3)
    assert preprocessor.seen == [0, 4, 8] * (PASSES + 1)
    assert data.samples == 3
    preprocessor.seen.clear()
    world.measure(timed(Samples(world, []), preprocessor, index=[1, 5, 7, 8]), samples=2)
    assert preprocessor.seen == [1, 8] * (PASSES + 1)  # those of the data set that were timed
    assert spread_evenly(1024, 64)[:3] == [0, 16, 32] and spread_evenly(1024, 64)[-1] == 1023
    assert len(spread_evenly(1024, 64)) == 64
    assert spread_evenly(3, 64) == [0, 1, 2]
    assert spread_evenly(10, 1) == [0]


def test_models_that_share_their_samples_share_the_times(world):
    one = timed(Samples(world, video_steps(world), 4), Preprocessor(world), 4)
    other = timed(Samples(world, [], 4), Preprocessor(world), 4, name='other')
    same = SimpleNamespace(**vars(one))
    unknown = SimpleNamespace(**vars(one) | {'source': None})
    found = world.measure(one, other, same, unknown)
    assert found[0] is found[2] and found[1] is not found[0] and found[3] is None
    assert world.log.count('OpenVideo') == 4 * (PASSES + 1)
    world.log.clear()
    assert world.measure(one, other, samples=0) == [None, None]
    assert world.log == []


def test_reading_has_one_thread_and_the_preprocessor_all(world):
    seen = {}
    look = type('Look', (), {'__call__': lambda self, data: seen.update(read=threads()) or data})()

    def threads():
        return torch.get_num_threads(), cv2.getNumThreads()

    class Looks(Preprocessor):
        def forward(self, data, training):
            seen.update(preprocessed=threads(), recording=torch.is_grad_enabled())

    before = threads()
    torch.set_num_threads(3)
    cv2.setNumThreads(2)
    try:
        world.measure(timed(Samples(world, [look], 2), Looks(world), 2))
        assert threads() == (3, 2)
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])
    assert seen == {'read': (1, 1), 'preprocessed': (3, 2), 'recording': False}


def test_everything_is_as_before_when_a_sample_cannot_be_read(world):
    def fail(self, data):
        raise ValueError('damaged')

    dataset = Samples(world, [type('DecodeVideo', (), {'__call__': fail})()])
    steps = dataset.pipeline.transforms
    before = torch.get_num_threads(), cv2.getNumThreads(), gc.isenabled()
    with pytest.raises(ValueError, match='damaged'):
        world.measure(timed(dataset, Preprocessor(world)))
    assert (torch.get_num_threads(), cv2.getNumThreads(), gc.isenabled()) == before
    assert dataset.pipeline.transforms is steps


def test_the_preprocessor_runs_where_the_network_is(world, monkeypatch):
    """On a copy: the model's own stays on the CPU, where samples are read."""
    moved = []

    class Movable(nn.Module):
        def to(self, device):
            moved.append((self, device))
            return self

        def forward(self, data, training):
            pass

    preprocessor = Movable()
    model = timed(Samples(world, [], 1), preprocessor, 1)
    clock, gpu = WallClock(lambda: world.now), torch.device('cuda', 0)
    measure_data_times([model], gpu, now=lambda: world.now, clock=clock)
    ((copied, device),) = moved
    assert device == gpu and copied is not preprocessor


READING = {
    'mmcv': ('LoadImageFromFile', 'LoadAnnotations'),
    'mmpretrain': ('LoadImageFromFile',),
    'mmaction': (
        *('OpenCVInit', 'OpenCVDecode', 'PyAVInit', 'PyAVDecode', 'DecordInit', 'DecordDecode'),
        *('PIMSInit', 'PIMSDecode', 'PyAVDecodeMotionVector', 'RawFrameDecode', 'ImageDecode'),
        *('ArrayDecode', 'LoadAudioFeature'),
    ),
    'mmengine': ('OpenVideo', 'DecodeVideo'),
}
OTHERS = {
    'mmcv': ('Resize', 'CenterCrop', 'Pad', 'Normalize', 'RandomFlip', 'TestTimeAug'),
    'mmpretrain': ('PackInputs', 'ResizeEdge', 'RandomResizedCrop', 'Collect'),
    'mmaction': (
        *('SampleFrames', 'DenseSampleFrames', 'UniformSample', 'Resize', 'CenterCrop'),
        *('ThreeCrop', 'TenCrop', 'Flip', 'FormatShape', 'PackActionInputs'),
    ),
    'mmengine': ('ShuffleFrames',),
}


@pytest.mark.parametrize('reads, names', [(True, READING), (False, OTHERS)])
def test_steps_that_open_and_decode(reads, names):
    for scope, classes in names.items():
        for name in classes:
            kind = TRANSFORMS.get(f'{scope}.{name}')
            step = kind.__new__(kind)
            step.tmp_folder = None  # one of them clears it away in the end
            assert is_reading(step) == reads, name


def test_embedded_digits_are_fetched_from_memory():
    """The real pipeline on the real clock: what is counted, not how long it takes."""
    steps = [dict(type='mmpretrain.ResizeEdge', scale=64), dict(type='mmpretrain.PackInputs')]
    dataset = EmbeddedDigits('test', pipeline=steps)
    seen = []

    class Preprocess(nn.Module):
        def forward(self, data, training):
            seen.append(tuple(data['inputs'][0].shape))

    (data,) = measure_data_times([timed(dataset, Preprocess(), 3)], CPU)
    assert seen == [(3, 64, 64)] * 3 * (PASSES + 1)
    assert data.reading_steps == [] and data.transform_steps == ['ResizeEdge', 'PackInputs']
    for stage in (data.reading, data.transforms, data.preprocessing):
        assert len(stage.samples_ms) == 3 * PASSES and min(stage.samples_ms) > 0
