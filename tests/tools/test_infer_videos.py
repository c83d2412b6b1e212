"""`tools/infer.py` on videos: the table, the files, and what pictures and broken files get."""

import json
import os
from pathlib import Path

import pytest

from benchmarks.macs import exit_costs
from dynp_plugins.early_exit import ALWAYS, NEVER, ExitPolicy
from dynp_plugins.inference import DynamicInferencer
from dynp_plugins.openmmlab.classifiers import multi_exit_network
from tests.inference.tiny_models import EXITS, make_pictures, save_pictures
from tests.inference.tiny_videos import (
    CLASSES,
    SEGMENTS,
    make_classifier,
    save_videos,
    save_weights,
    write_config,
)
from tests.tools.command_lines import CONFIG, answered, csv_rows, refused


@pytest.fixture(scope='module')
def video_run(tmp_path_factory):
    """Config, checkpoint, and costs in GMACs of a network of videos."""
    folder = tmp_path_factory.mktemp('videos')
    config = write_config(folder / 'videos.py')
    classifier = make_classifier(config)
    costs = exit_costs(multi_exit_network(classifier), (SEGMENTS, 3, 32, 32))
    weights = save_weights(classifier, folder / 'videos.pth')
    return config, weights, [cost.macs / 1e9 for cost in costs]


def test_videos(run, video_run, tmp_path):
    """The table says where a clip left; costs are those of all its frames."""
    config, weights, costs = video_run
    paths = save_videos(tmp_path / 'clips', 3)
    policy = ExitPolicy(EXITS, 'max_softmax', (NEVER, 0.0, NEVER, ALWAYS))
    policy.save('policy.json')
    expected = DynamicInferencer(config, weights, policy, device='cpu')(paths)
    arguments = ('infer', config, weights, 'clips', '--policy', 'policy.json')
    out = answered(run(*arguments, '--batch-size', 2, '--json', 'a.json', '--csv', 'a.csv'))
    head, *lines = out.splitlines()
    assert head.split() == ['video', 'label', 'score', 'exit', 'MMACs']
    for line, path, answer in zip(lines[:3], paths, expected, strict=True):
        name, label, score, _, exit_name, cost = line.split()
        assert name == os.path.relpath(path)
        assert label == answer['pred_class'] in CLASSES
        assert float(score) == pytest.approx(100 * answer['pred_score'], abs=0.0501)
        assert exit_name == 'latent'
        assert float(cost) == pytest.approx(1e3 * costs[1], abs=0.0501)
    assert lines[4] == '3 videos'
    assert lines[5] == f'mean cost {1e3 * costs[1]:.1f} MMACs per video'
    assert lines[6].startswith('left at early 0.0 %, latent 100.0 %')
    record = json.loads(Path('a.json').read_text())
    assert record['summary']['videos'] == record['summary']['answered'] == 3
    assert 'images' not in record
    rows = csv_rows('a.csv')
    assert [row['video'] for row in rows] == [entry['video'] for entry in record['videos']]
    assert [entry['gmacs'] for entry in record['videos']] == pytest.approx([costs[1]] * 3)


def test_one_video(run, video_run, tmp_path):
    config, weights, _ = video_run
    (path,) = save_videos(tmp_path, 1)
    lines = answered(run('infer', config, weights, path)).splitlines()
    assert lines[3] == '1 video'


def test_videos_that_cannot_be_read(run, video_run, tmp_path):
    config, weights, costs = video_run
    paths = [Path(path) for path in save_videos(tmp_path / 'clips', 3)]
    paths[1].write_bytes(paths[1].read_bytes()[:900])
    lines = answered(run('infer', config, weights, 'clips'), status=1).splitlines()
    assert lines[2].split()[0] == 'clips/01.mp4'
    assert 'damaged' in lines[2]
    assert lines[5] == '3 videos, 1 of them without an answer'
    assert lines[6] == f'mean cost {1e3 * costs[-1]:.1f} MMACs per video'


def test_the_wrong_kind(run, video_run, checkpoint, tmp_path):
    config, weights, _ = video_run
    folder = tmp_path / 'pictures'
    save_pictures(folder, make_pictures(12))
    (path,) = save_videos(tmp_path / 'clips', 1)
    refused(run('infer', config, weights, folder / '00.png'), 'is a picture, but the network takes')
    refused(run('infer', config, weights, folder), 'there is no video in the folder', '12 .png')
    refused(run('infer', CONFIG, checkpoint, path), 'this is a video, but the network takes')
    refused(run('infer', CONFIG, checkpoint, 'clips'), 'there is no picture in the folder')
    out = answered(run('infer', config, weights, path, folder / '00.png'), status=1)
    assert 'this is a picture, but the network takes videos' in out
    assert '2 videos, 1 of them without an answer' in out
