"""Configs of videos: folders of frames, decoders, class names, and pipelines that do not fit."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dynp_plugins import UserError
from dynp_plugins.inference import DynamicInferencer

from . import tiny_models
from .tiny_videos import (
    CLASSES,
    FILES,
    STEPS,
    read_video,
    save_weights,
    scores_of,
    write_config,
)

RAW_STEPS = (
    STEPS.replace("dict(type='OpenVideo'),", '')
    .replace('DecodeVideo', 'mmaction.RawFrameDecode')
    .replace("'filename')", "'frame_dir')")
)


@pytest.fixture
def frame_folders(tmp_path, videos):
    """The videos as folders of losslessly compressed frames, named as in the test data."""

    def save(template, first):
        for path in videos[:3]:
            folder = tmp_path / 'frames' / Path(path).stem
            folder.mkdir(parents=True)
            for number, frame in enumerate(read_video(path), first):
                Image.fromarray(frame).save(folder / template.format(number))
        return tmp_path / 'frames'

    return save


@pytest.mark.parametrize(
    ('data', 'template', 'first'),
    [
        ("type='mmaction.RawframeDataset', ann_file='none.txt'", 'img_{:05}.jpg', 1),
        (
            "type='mmaction.RawframeDataset', ann_file='none.txt', start_index=0, "
            "filename_tmpl='{:03}.png'",
            '{:03}.png',
            0,
        ),
        ("type='FrameFolders', ann_file='none.txt'", '{:05}.jpg', 1),
    ],
    ids=['mmaction2', 'settings', 'ours'],
)
def test_folders_of_frames(
    video_checkpoint, video_inferencer, frame_folders, data, template, first, tmp_path
):
    folder = frame_folders(template, first)
    ours = DynamicInferencer(
        write_config(tmp_path / 'raw.py', RAW_STEPS, data), video_checkpoint, device='cpu'
    )
    answers = ours(folder, batch_size=3)
    paths = sorted(str(path) for path in folder.iterdir())
    assert [answer['source'] for answer in answers] == paths
    arrays = [
        np.stack([np.array(Image.open(frame)) for frame in sorted(Path(path).iterdir())])
        for path in paths
    ]
    expected = video_inferencer([array[..., ::-1] for array in arrays])
    assert np.allclose(scores_of(answers), scores_of(expected), atol=0.02)
    if template.endswith('png'):
        assert np.allclose(scores_of(answers), scores_of(expected), atol=1e-6)
    assert np.allclose(scores_of(ours(paths[1])), scores_of(answers)[1:2], atol=1e-6)


def test_bad_folders_of_frames(video_checkpoint, frame_folders, tmp_path, videos):
    folder = frame_folders('img_{:05}.jpg', 1)
    data = "type='mmaction.RawframeDataset', ann_file='none.txt'"
    ours = DynamicInferencer(
        write_config(tmp_path / 'raw.py', RAW_STEPS, data), video_checkpoint, device='cpu'
    )
    (folder / '00/img_00004.jpg').unlink()
    for name in ('img_00001.jpg', 'img_00002.jpg', 'img_00003.jpg'):
        (folder / '01' / name).write_bytes(b'broken')
    answers = ours([*sorted(folder.iterdir()), videos[0], 'missing'], batch_size=5)
    errors = [answer['error'] for answer in answers]
    assert errors[0] == 'the frame img_00004.jpg is missing; frames are numbered from 1 on'
    assert errors[1].startswith('the frame img_0000')
    assert 'cannot be read' in errors[1]
    assert errors[2] is None
    assert 'folders of frames named img_{:05}.jpg' in errors[3]
    assert errors[4] == 'does not exist'


def test_decord_is_not_needed(video_checkpoint, video_inferencer, videos, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'decord', None)  # importing it fails
    steps = STEPS.replace("'OpenVideo'", "'mmaction.DecordInit'")
    steps = steps.replace("'DecodeVideo'", "'mmaction.DecordDecode'")
    config = write_config(tmp_path / 'decord.py', steps)
    answers = DynamicInferencer(config, video_checkpoint, device='cpu')(videos[:3])
    assert np.array_equal(scores_of(answers), scores_of(video_inferencer(videos[:3])))


def test_class_names(video_classifier, video_config, video_checkpoint, tmp_path):
    assert DynamicInferencer(video_config, video_checkpoint, device='cpu').classes == CLASSES
    data = f"type='VideoFiles', classes='classes.txt', data_root={str(tmp_path)!r}"
    listed = write_config(tmp_path / 'a.py', data=data)
    listed.write_text(listed.read_text().replace("metainfo=dict(classes=['ant'", "x=dict(y=['ant'"))
    assert DynamicInferencer(listed, video_checkpoint, device='cpu').classes is None  # no such file
    (tmp_path / 'classes.txt').write_text('v\nw\nx\ny\nz\n')
    assert DynamicInferencer(listed, video_checkpoint, device='cpu').classes == tuple('vwxyz')
    noted = save_weights(
        video_classifier, tmp_path / 'n.pth', dataset_meta={'classes': tuple('vwxyz')}
    )
    assert DynamicInferencer(listed, noted, device='cpu').classes == tuple('vwxyz')
    with pytest.raises(UserError, match='class numbers would not mean the same'):
        DynamicInferencer(video_config, noted, device='cpu')
    with pytest.raises(UserError, match='2 class names'):
        DynamicInferencer(video_config, video_checkpoint, device='cpu', classes=['a', 'b'])


PICTURE_STEPS = "[dict(type='mmpretrain.LoadImageFromFile'), dict(type='mmpretrain.PackInputs')]"


@pytest.mark.parametrize(
    ('steps', 'data', 'message'),
    [
        (PICTURE_STEPS, FILES, r'a video classifier .* decodes no videos'),
        (STEPS.replace('OpenVideo', 'OpenVideoo'), FILES, 'OpenVideoo'),
        (
            RAW_STEPS,
            "type='mmaction.RawframeDataset', ann_file='none.txt', modality='Flow'",
            "modality='Flow'",
        ),
        (
            RAW_STEPS,
            "type='mmaction.RawframeDataset', ann_file='none.txt', filename_tmpl='img.jpg'",
            'no one place for the number',
        ),
    ],
    ids=['pictures', 'unknown step', 'flow', 'no number'],
)
def test_pipelines_that_do_not_fit(video_checkpoint, tmp_path, steps, data, message):
    config = write_config(tmp_path / 'a.py', steps, data)
    with pytest.raises(UserError, match=message):
        DynamicInferencer(config, video_checkpoint, device='cpu')


def test_a_pipeline_that_makes_no_frames(video_checkpoint, videos, tmp_path):
    config = write_config(tmp_path / 'a.py', STEPS.replace("'NCHW'", "'NCTHW'"))
    (answer,) = DynamicInferencer(config, video_checkpoint, device='cpu')(videos[0])
    assert "it needs FormatShape with input_format='NCHW'" in answer['error']


def test_a_name_answers_pictures_only(tmp_path):
    network = tiny_models.make_network()
    weights = tiny_models.save_checkpoint(network, tmp_path / 'a.pth')
    with pytest.raises(UserError, match=r'num_segments=8: .* needs a config'):
        DynamicInferencer(tiny_models.NAME, weights, device='cpu', num_segments=8)
