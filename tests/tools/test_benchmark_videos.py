"""``tools/benchmark.py`` on a video model: real files, decoded and timed from end to end."""

import numpy as np
import pytest
import torch

from benchmarks.check_results import table_name
from benchmarks.data_time import PASSES
from benchmarks.exit_pass import run_exit_pass
from benchmarks.latency_records import read_latency
from benchmarks.macs import exit_costs
from benchmarks.trained_model import load_trained_model
from dynp_plugins.datasets.video_writing import encode_mp4
from dynp_plugins.openmmlab.classifiers import build_classifier
from dynp_plugins.openmmlab.config_files import load_config
from tests.conftest import REPOSITORY
from tests.tools.command_lines import refused

FRAMES, VIDEOS = 4, 24
CONFIG = """
_base_ = {base!r}
default_scope = 'mmaction'
model = dict(
    type='mmaction.Recognizer2D',
    data_preprocessor=dict(
        type='mmaction.ActionDataPreprocessor', mean=[127.5] * 3, std=[64.0] * 3,
        format_shape='NCHW'),
    backbone=dict(
        type='DynPerceiver', arch='regnety_tiny', num_latents=16, latent_grid=2,
        num_segments={frames}, is_shift=True),
    cls_head=dict(
        type='MultiExitVideoHead', num_classes=2, in_channels={channels}))
_pipeline = [
    dict(type='OpenVideo'),
    dict(type='mmaction.SampleFrames', clip_len=1, num_clips={frames}, test_mode=True),
    dict(type='DecodeVideo'),
    dict(type='mmaction.Resize', scale=(-1, 64)),
    dict(type='mmaction.CenterCrop', crop_size=64),
    dict(type='mmaction.FormatShape', input_format='NCHW'),
    dict(type='mmaction.PackActionInputs', meta_keys=('img_shape', 'filename')),
]
def _loader(split):
    return dict(
        batch_size=5, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(
            type='VideoFiles', data_root={root!r}, data_prefix=split, pipeline=_pipeline,
            test_mode=True))
calibration_dataloader = _loader('calibration')
test_dataloader = _loader('test')
del _loader
"""


@pytest.fixture(scope='module')
def work(tmp_path_factory):
    """A folder with a config, weights, videos, and a report's folder with the exit tables."""
    folder, random = tmp_path_factory.mktemp('videos'), np.random.default_rng(0)
    for split in ('calibration', 'test'):
        for i in range(VIDEOS):
            path = folder / split / f'class{i % 2}' / f'{i}.mp4'
            path.parent.mkdir(parents=True, exist_ok=True)
            blots = random.integers(0, 256, (8, 4, 6, 3), dtype=np.uint8)
            path.write_bytes(encode_mp4(blots.repeat(12, 1).repeat(12, 2), 10))
    channels = (48, 96, 160, 256)
    base = str(REPOSITORY / 'configs/_base_/default_runtime.py')
    text = CONFIG.format(base=base, frames=FRAMES, channels=channels, root=str(folder))
    (folder / 'tsm.py').write_text(text)
    torch.manual_seed(0)
    classifier = build_classifier(load_config(folder / 'tsm.py'))
    with torch.no_grad():  # BatchNorm statistics of its own, so that answers differ
        for _ in range(3):
            classifier.backbone(torch.randn(8 * FRAMES, 3, 64, 64))
    torch.save({'state_dict': classifier.state_dict()}, folder / 'tsm.pth')
    model = load_trained_model(folder / 'tsm.py', folder / 'tsm.pth')
    for split, loader in model.build_splits(('calibration', 'test')).items():
        costs = exit_costs(model.network, (FRAMES, 3, 64, 64))
        table = run_exit_pass(model.classifier, loader, split).with_manifest(
            model=model.name,
            config_sha256=model.config_record.sha256,
            weights_sha256=model.checkpoint_record.sha256,
            exit_gmacs=[cost.macs / 1e9 for cost in costs],
        )
        table.save(folder / 'report/tables' / table_name('tsm', split))
    return folder


def command(work, *options):
    return (
        *('benchmark', work / 'tsm.py', work / 'tsm.pth', '--tables', work / 'report'),
        *('--out', 'l.json', '--rounds', '5', '--warmup', '1', '--seconds', '0'),
        *('--threads', '1', '--data-samples', '3', *options),
    )


def test_videos_are_timed_from_file_to_answer(run, work, tmp_path):
    # Twenty frames are five videos, but a batch of six needs six.
    options = ('--batch-sizes', '1', '6', '--images', '20', '--channels-last', '--budgets', '1')
    status, out, error = run(*command(work, *options))
    assert status == 0, error
    assert 'tsm, one video at a time' in out and 'every video at' in out
    assert 'from the file to the network: 3 videos' in out
    record = read_latency(tmp_path / 'l.json')
    assert record.machine.memory_format == 'channels_last'
    (model,) = record.models
    assert model.input_shape == [FRAMES, 3, 64, 64]
    assert model.data.reading_steps == ['OpenVideo', 'DecodeVideo']
    assert model.data.transform_steps == [
        *('SampleFrames', 'Resize', 'CenterCrop', 'FormatShape', 'PackActionInputs')
    ]
    for stage in (model.data.reading, model.data.transforms, model.data.preprocessing):
        assert len(stage.samples_ms) == 3 * PASSES and min(stage.samples_ms) > 0
    for batch, size in zip(model.batches, (1, 6), strict=True):
        assert batch.batch_size == size
        medians = [exit.timing.p50_ms for exit in batch.exits]
        assert medians == sorted(medians)
        assert len(batch.dynamic) == 2  # one in the middle, and half of the MACs
        for budget in batch.dynamic:
            assert budget.images == 6
            # All frames of a video left together, where the table says.
            assert budget.disagreements == budget.near_threshold
            counts = 6 * np.array(list(budget.exit_shares.values()))
            # In batches of one a round has sixteen videos: six, and some of them again.
            counts = counts * 16 / 6 if size == 1 else counts
            assert counts == pytest.approx(counts.round())


def test_a_batch_of_more_videos_than_may_be_read(run, work):
    answer = run(*command(work, '--batch-sizes', '9', '--images', '8'))
    refused(answer, 'a batch of 9 needs more test videos of tsm than the 8 that were read')


def test_videos_that_have_changed(run, work):
    path = work / 'test/class1/3.mp4'
    content = path.read_bytes()
    try:
        path.write_bytes((work / 'test/class1/5.mp4').read_bytes())
        answer = run(*command(work, '--batch-sizes', '1'))
    finally:
        path.write_bytes(content)
    refused(answer, 'video ', ' of the test split of tsm is not the one in its exit table')
