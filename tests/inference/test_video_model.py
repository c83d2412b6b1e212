"""`DynamicInferencer` with a config of videos: its test pipeline, exits, costs, and bad videos."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import DefaultScope
from PIL import Image

from benchmarks.macs import exit_costs
from dynp_plugins import UserError
from dynp_plugins.checkpoints.hashing import weights_sha256
from dynp_plugins.checkpoints.loading import to_classifier_keys
from dynp_plugins.early_exit import (
    ALWAYS,
    NEVER,
    ExitPolicy,
    ExitTableBuilder,
    choose_exits,
    group_consensus,
)
from dynp_plugins.inference import DynamicInferencer
from dynp_plugins.openmmlab.classifiers import multi_exit_network
from dynp_plugins.openmmlab.config_files import load_config

from . import tiny_models
from .tiny_videos import (
    CLASSES,
    SEGMENTS,
    STEPS,
    make_video,
    read_video,
    save_video,
    scores_of,
    write_config,
)

EXITS = tiny_models.EXITS
SHAPE = (SEGMENTS, 3, 32, 32)


@pytest.fixture(scope='module')
def inputs(video_config, videos):
    """(videos, SEGMENTS, 3, H, W) as the test pipeline makes them."""
    with DefaultScope.overwrite_default_scope('mmaction'):
        pipeline = Compose(load_config(video_config).test_dataloader.dataset.pipeline)
    return [pipeline({'filename': path, 'label': 0}) for path in videos]


@pytest.fixture(scope='module')
def logits(video_classifier, inputs):
    """Of all exits (videos, classes), one video at a time, frame by frame."""
    found = []
    for sample in inputs:
        data = {'inputs': [sample['inputs']], 'data_samples': None}
        images = video_classifier.data_preprocessor(data)['inputs'][0]
        with torch.no_grad():
            found.append(
                torch.stack([of_exit.mean(0) for of_exit in of_exits(video_classifier, images)])
            )
    return torch.stack(found).unbind(1)


def of_exits(classifier, images):
    return multi_exit_network(classifier)(images)


@pytest.fixture(scope='module')
def table(video_classifier, logits):
    builder = ExitTableBuilder()
    count = len(logits[0])
    builder.add(logits, logits[-1].argmax(1), [bytes(16)] * count, [''] * count)
    return builder.build(
        split='calibration',
        exit_names=list(EXITS),
        classes=5,
        input_shape=list(SHAPE),
        index_sha256='0' * 64,
        model='videos',
        weights_sha256=weights_sha256(to_classifier_keys(video_classifier.state_dict())),
        exit_gmacs=tiny_models.GMACS,
    )


def test_files_answer_as_in_the_test_loop(video_classifier, video_inferencer, inputs, videos):
    with torch.no_grad():
        samples = video_classifier.test_step(pseudo_collate(inputs))
    scores = torch.stack([sample.exit_scores for sample in samples]).numpy()
    assert len(set(scores[:, -1].argmax(1))) > 1
    for batch_size in (1, 4):
        answers = video_inferencer(videos, batch_size=batch_size)
        assert np.allclose(scores_of(answers), scores[:, -1], atol=1e-5)
        assert [a['pred_class'] for a in answers] == [CLASSES[k] for k in scores[:, -1].argmax(1)]
        assert [a['source'] for a in answers] == videos
        assert {a['exit_name'] for a in answers} == {'merged'}


def between(confidences):
    """A threshold that no confidence is close to: batches of other sizes change the last digit."""
    values = np.unique(confidences)
    middle = max(int(0.6 * len(values)), 1)
    return values[middle - 1 : middle + 1].mean()


@pytest.mark.parametrize('batch_size', [1, 4, 9])
def test_exits_are_those_of_the_exit_table(
    video_config, video_checkpoint, table, videos, batch_size
):
    confidence = table.confidence('max_softmax')
    thresholds = (*(between(column) for column in confidence.T[:-1]), ALWAYS)
    exits = choose_exits(confidence, np.array(thresholds))
    assert len(set(exits)) > 2
    policy = ExitPolicy(EXITS, 'max_softmax', thresholds)
    inferencer = DynamicInferencer(video_config, video_checkpoint, policy, device='cpu')
    answers = inferencer(videos, batch_size=batch_size)
    assert [EXITS.index(answer['exit_name']) for answer in answers] == exits.tolist()
    rows = np.arange(len(videos))
    assert [a['pred_label'] for a in answers] == table.prediction[rows, exits].tolist()
    found = [answer['confidence'] for answer in answers]
    assert np.allclose(found, confidence[rows, exits], atol=1e-5)


def test_a_budget(video_config, video_checkpoint, table, videos, tmp_path):
    table.save(tmp_path / 'videos_calibration.npz')
    inferencer = DynamicInferencer(
        video_config, video_checkpoint, tmp_path, budget_gmacs=0.022, device='cpu'
    )
    gmacs = [answer['gmacs'] for answer in inferencer(videos)]
    assert set(gmacs) <= set(tiny_models.GMACS)
    assert len(set(gmacs)) > 1
    assert 0.01 < np.mean(gmacs) <= 0.022 + 0.005


def test_frames_of_a_video_are_seen_together(video_classifier, inputs, logits):
    """Else nothing here would tell a mix-up of frames and videos."""
    network = multi_exit_network(video_classifier)
    data = {'inputs': [inputs[0]['inputs']], 'data_samples': None}
    images = video_classifier.data_preprocessor(data)['inputs'][0]
    with torch.no_grad():
        backwards = group_consensus(network(images.flip(0))[-1], SEGMENTS)
    assert (backwards[0] - logits[-1][0]).abs().max() > 0.01


def test_a_folder_and_arrays_answer_as_files(video_inferencer, videos):
    expected = scores_of(video_inferencer(videos))
    assert np.array_equal(scores_of(video_inferencer(Path(videos[0]).parent)), expected)
    arrays = [read_video(path)[..., ::-1] for path in videos]  # BGR
    answers = video_inferencer(arrays, batch_size=3)
    assert np.allclose(scores_of(answers), expected, atol=1e-6)
    assert {answer['source'] for answer in answers} == {None}
    (alone,) = video_inferencer(arrays[0])
    assert np.allclose(alone['pred_scores'], expected[0], atol=1e-6)
    swapped = video_inferencer([array[..., ::-1] for array in arrays])
    assert np.abs(scores_of(swapped) - expected).max() > 0.01


def test_videos_of_different_sizes_share_a_batch(video_checkpoint, tmp_path, videos):
    """Each size goes through the network by itself; the order of answers is that of the inputs."""
    steps = STEPS.replace("dict(type='mmaction.CenterCrop', crop_size=32),", '')
    inferencer = DynamicInferencer(
        write_config(tmp_path / 'sizes.py', steps),
        video_checkpoint,
        device='cpu',
        exit_gmacs=counted,
    )
    answers = inferencer(videos, batch_size=len(videos))
    assert [answer['error'] for answer in answers] == [None] * len(videos)
    assert np.allclose(scores_of(answers), scores_of(inferencer(videos)), atol=1e-5)
    # 48 x 64 pixels (height, width) become 36 x 48, 64 x 48 become 48 x 36.
    expected = [counted(inferencer.network, (SEGMENTS, 3, 36, 48))[-1]]
    assert [answer['gmacs'] for answer in answers] == pytest.approx(expected * len(videos))


def counted(network, input_shape):
    return [cost.macs / 1e9 for cost in exit_costs(network, input_shape)]


def test_views_multiply_the_cost(video_config, video_checkpoint, videos):
    policy = ExitPolicy(EXITS, 'max_softmax', (NEVER, 0.0, NEVER, ALWAYS))
    once, twice = (
        DynamicInferencer(
            video_config,
            video_checkpoint,
            policy,
            device='cpu',
            exit_gmacs=counted,
            cfg_options={'test_dataloader.dataset.pipeline.1.twice_sample': twice},
        )(videos[:2], batch_size=2)
        for twice in (False, True)
    )
    assert {answer['exit_name'] for answer in once + twice} == {'latent'}
    for a, b in zip(once, twice, strict=True):
        assert b['gmacs'] == pytest.approx(2 * a['gmacs'])
        assert not np.allclose(a['pred_scores'], b['pred_scores'])


def test_bad_videos_are_reported_and_the_rest_is_done(video_inferencer, videos, tmp_path):
    broken, empty, picture = (tmp_path / name for name in ('broken.mp4', 'empty.mp4', 'a.jpg'))
    content = Path(videos[0]).read_bytes()
    broken.write_bytes(content[: len(content) // 2])
    empty.touch()
    Image.new('RGB', (40, 40)).save(picture)
    mixed = [videos[0], broken, 'missing.mp4', empty, picture, videos[1]]
    expected = [answer['pred_label'] for answer in video_inferencer(videos[:2])]
    for batch_size in (1, 6):
        answers = video_inferencer(mixed, batch_size=batch_size)
        labels = [answer['pred_label'] for answer in answers]
        assert labels == [expected[0], None, None, None, None, expected[1]]
        errors = [answer['error'] for answer in answers]
        assert 'damaged' in errors[1]
        assert errors[2] == 'does not exist'
        assert errors[3] == 'is empty, zero bytes'
        assert errors[4] == 'this is a picture, but the network takes videos'
        assert [answer['source'] for answer in answers] == [str(path) for path in mixed]


def test_what_is_no_video_is_refused(video_inferencer, tmp_path):
    Image.new('RGB', (40, 40)).save(tmp_path / 'a.png')
    with pytest.raises(UserError, match='this is a picture, but the network takes videos'):
        video_inferencer(tmp_path / 'a.png')
    with pytest.raises(UserError, match='this network takes videos, no pictures'):
        video_inferencer(np.zeros((40, 40, 3), np.uint8))


def test_a_video_for_a_network_of_pictures(tmp_path):
    network = tiny_models.make_network()
    weights = tiny_models.save_checkpoint(network, tmp_path / 'pictures.pth')
    path = save_video(tmp_path / 'a.mp4', make_video(3))
    inferencer = DynamicInferencer(tiny_models.NAME, weights, device='cpu')
    with pytest.raises(UserError, match='this is a video, but the network takes pictures'):
        inferencer(path)
    good, bad = inferencer([tiny_models.make_pictures(1)[0], path])
    assert good['error'] is None
    assert bad['error'] == 'this is a video, but the network takes pictures'


def test_other_shapes_than_those_of_the_table_are_refused(
    video_config, video_checkpoint, table, videos, tmp_path
):
    sampled = {'test_dataloader.dataset.pipeline.1.num_clips': 2 * SEGMENTS}
    cropped = {'test_dataloader.dataset.pipeline.4.crop_size': 24}
    policy = tmp_path / 'videos_calibration.npz'
    table.save(policy)
    for options, message in (
        (sampled, '8 x 3 x 32 x 32, but .* 4 x 3 x 32 x 32: let the test pipeline sample frames'),
        (cropped, '4 x 3 x 24 x 24, but .* 4 x 3 x 32 x 32: resize it'),
    ):
        inferencer = DynamicInferencer(
            video_config, video_checkpoint, policy, device='cpu', cfg_options=options
        )
        assert re.search(message, inferencer(videos[:1])[0]['error'])


def test_clips_that_are_not_whole_are_refused(video_config, video_checkpoint, videos):
    """In a batch their frames would come out even."""
    options = {'test_dataloader.dataset.pipeline.1.num_clips': 6}
    inferencer = DynamicInferencer(
        video_config, video_checkpoint, device='cpu', cfg_options=options
    )
    for answer in inferencer(videos[:2], batch_size=2):
        assert 'group_size=6' in answer['error']
