"""`tools/get_flops.py` on networks of videos: frames, views, and shapes that do not fit."""

import json
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.macs import exit_costs
from dynp_plugins.openmmlab.classifiers import build_classifier, multi_exit_network
from dynp_plugins.openmmlab.config_files import load_config
from tests.inference.tiny_videos import STEPS, write_config
from tests.tools.command_lines import CONFIG, answered, refused

TINY = ('get_flops', 'dyn_perceiver_regnety_tiny')


@pytest.fixture
def videos(tmp_path):
    """A config of videos whose network sees 4 frames of 3 x 32 x 32 together."""
    return write_config(tmp_path / 'videos.py')


def macs_of_videos(config, shape):
    network = multi_exit_network(build_classifier(load_config(config)))
    return [cost.macs for cost in exit_costs(network, shape)]


def test_a_config_of_videos(run, videos):
    out = answered(run('get_flops', videos, '--json', 'costs.json'))
    lines = out.splitlines()
    assert f'{videos}, one video of 4 frames of 3 x 32 x 32, ' in lines[0]
    assert lines[1] == ''  # nothing of views
    record = json.loads(Path('costs.json').read_text())
    assert record['input_shape'] == [4, 3, 32, 32]
    assert record['views'] == 1
    macs = [exit['macs'] for exit in record['exits']]
    assert macs == macs_of_videos(videos, (4, 3, 32, 32))
    alone = write_config(videos.with_name('alone.py'))
    alone.write_text(alone.read_text().replace('num_segments=4', 'num_segments=1'))
    assert macs == [4 * n for n in macs_of_videos(alone, (3, 32, 32))]  # the shift is free
    for line, count in zip(lines[4:8], macs, strict=True):
        assert float(line.split()[1]) == pytest.approx(count / 1e6, abs=6e-3)


def test_views_are_counted_and_said(run, videos):
    twice = ('--cfg-options', 'test_dataloader.dataset.pipeline.1.twice_sample=True')
    out = answered(run('get_flops', videos, *twice, '--json', 'a.json', '--csv', 'a.csv'))
    head, views = out.splitlines()[:2]
    assert 'one video of 8 frames of 3 x 32 x 32, ' in head
    assert views.startswith('8 frames: 2 views of 4; test-time clips and crops multiply the cost')
    record = json.loads(Path('a.json').read_text())
    assert (record['input_shape'], record['views']) == ([8, 3, 32, 32], 2)
    macs = [exit['macs'] for exit in record['exits']]
    assert macs == [2 * n for n in macs_of_videos(videos, (4, 3, 32, 32))]
    frame = pd.read_csv('a.csv')
    assert set(frame['input_shape']) == {'8x3x32x32'}
    assert set(frame['views']) == {2}
    assert frame['macs'].tolist() == macs


@pytest.mark.parametrize(
    ('typed', 'shape'),
    [
        ((48,), [4, 3, 48, 48]),
        ((32, 48), [4, 3, 32, 48]),
        ((3, 32, 48), [4, 3, 32, 48]),
        ((12, 3, 32, 48), [12, 3, 32, 48]),
    ],
    ids=str,
)
def test_typed_shapes_of_videos(run, videos, typed, shape):
    record = json.loads(answered(run('get_flops', videos, '--shape', *typed, '--json', '-')))
    assert record['input_shape'] == shape


def test_a_name_that_sees_frames_together(run):
    clip = ('get_flops', TINY[1], '--set', 'num_segments=8', '--json', '-')
    record = json.loads(answered(run(*clip, '--shape', 32)))
    assert record['input_shape'] == [8, 3, 32, 32]
    (picture,) = [json.loads(answered(run(*TINY, '--shape', 32, '--json', '-')))]
    for exit, alone in zip(record['exits'], picture['exits'], strict=True):
        assert exit['macs'] == 8 * alone['macs']
    record = json.loads(answered(run(*clip, '--shape', 24, 3, 32, 32)))
    assert (record['input_shape'], record['views']) == ([24, 3, 32, 32], 3)
    refused(run(*clip, '--shape', 12, 3, 32, 32), '8 frames', '12', '--shape 8 3 32 32')


def test_frames_that_do_not_fit(run, videos, tmp_path):
    refused(
        run('get_flops', videos, '--shape', 6, 3, 32, 32),
        'sees 4 frames of a video together, but is to be counted on 6',
        '--shape 4 3 32 32',
    )
    refused(run('get_flops', CONFIG, '--shape', 8, 3, 32, 32), 'network of pictures')
    uneven = write_config(tmp_path / 'a.py', STEPS.replace('num_clips=4', 'num_clips=10'))
    refused(run('get_flops', uneven), 'together, but is to be counted on 10')
    without = tmp_path / 'without.py'
    without.write_text(f'{videos.read_text()}\ntest_dataloader = None\n')
    refused(run('get_flops', without, '--shape', 32), 'how many frames', 'FRAMES 3 HEIGHT WIDTH')
    record = answered(run('get_flops', without, '--shape', 4, 3, 32, 32, '--json', '-'))
    assert json.loads(record)['input_shape'] == [4, 3, 32, 32]


def test_a_stock_recogniser(run, tmp_path):
    """mmaction2's own TSM, its own names of steps, and no package to decode with."""
    steps = STEPS.replace("'OpenVideo'", "'DecordInit'").replace("'DecodeVideo'", "'DecordDecode'")
    config = write_config(tmp_path / 'tsm.py', steps)
    config.write_text(
        config.read_text() + "model = dict(type='Recognizer2D', "
        "backbone=dict(type='ResNetTSM', depth=50, num_segments=4, shift_div=8), "
        "cls_head=dict(type='TSMHead', num_classes=7, in_channels=2048, num_segments=4))\n"
    )
    record = json.loads(answered(run('get_flops', config, '--shape', 64, '--json', '-')))
    (exit,) = record['exits']
    assert record['input_shape'] == [4, 3, 64, 64]
    resnet = json.loads(
        answered(
            run(
                *('get_flops', 'static:torchvision/resnet50', '--shape', 64, '--json', '-'),
                *('--set', 'num_classes=7'),
            )
        )
    )
    assert exit['macs'] == 4 * resnet['exits'][0]['macs']
    assert exit['parameters'] == resnet['parameters']
