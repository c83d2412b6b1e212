"""Records of preprocessing give the pixels of the pipelines that they were translated from."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from mmaction.datasets.transforms import SampleFrames
from PIL import Image
from torchvision import transforms

from dynp_plugins import UserError
from dynp_plugins.datasets import load_digit_images
from dynp_plugins.inference.image_reading import read_rgb
from dynp_plugins.inference.named_model import imagenet_preprocessing
from dynp_plugins.inference.preprocessing import PlainPreprocessing, Preprocessing
from dynp_plugins.inference.preprocessing.frame_sampling import sample_frames
from dynp_plugins.inference.preprocessing.geometry import OperationRecord
from dynp_plugins.inference.preprocessing.records import (
    Normalisation,
    PictureReading,
    VideoReading,
)
from dynp_plugins.typed_json import parse
from tests.conftest import REPOSITORY
from tests.inference.tiny_models import make_pictures

from .pipelines import picture_pipeline, video_pipeline

TRASHNET = REPOSITORY.parent / 'shared/data/trashnet/images'
CLS = "type='mmpretrain.ClsDataPreprocessor', num_classes=10"
MEAN = 'mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]'
END = "dict(type='mmpretrain.PackInputs')"
PICTURE_CONFIGS = {
    'opencv': (
        "dict(type='LoadImageFromFile'), dict(type='mmpretrain.ResizeEdge', scale=72), "
        "dict(type='mmpretrain.CenterCrop', crop_size=64)",
        f'{MEAN}, to_rgb=True',
    ),
    'as for ImageNet': (
        "dict(type='LoadImageFromFile'), dict(type='mmpretrain.ResizeEdge', scale=72, "
        "edge='short', backend='pillow', interpolation='bicubic'), "
        "dict(type='mmpretrain.CenterCrop', crop_size=64)",
        f'{MEAN}, to_rgb=True',
    ),
    'decoded by pillow': (
        "dict(type='LoadImageFromFile', imdecode_backend='pillow'), "
        "dict(type='mmpretrain.ResizeEdge', scale=80, edge='long', interpolation='area'), "
        "dict(type='mmpretrain.CenterCrop', crop_size=(64, 48))",
        f'{MEAN}, to_rgb=True, pad_size_divisor=32, pad_value=3',
    ),
    'without loading': (
        "dict(type='mmpretrain.ResizeEdge', scale=64), "
        "dict(type='mmpretrain.CenterCrop', crop_size=64)",
        'mean=[127.5, 127.5, 127.5], std=[64.0, 64.0, 64.0], to_rgb=False',
    ),
    'in floating point, without normalisation': (
        "dict(type='LoadImageFromFile', to_float32=True), "
        "dict(type='Resize', scale=(90, 70), keep_ratio=True, interpolation='bicubic'), "
        "dict(type='Resize', scale=64)",
        'to_rgb=True',
    ),
}


@pytest.fixture(scope='module')
def pictures(tmp_path_factory):
    """Arrays, Pillow images, and files of many kinds, real ones where they are at hand."""
    folder = tmp_path_factory.mktemp('pictures')
    noise = np.random.default_rng(0).integers(0, 256, (97, 131, 3), np.uint8)
    upright = Image.fromarray(make_pictures(1, 120, 90)[0])
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    upright.save(folder / 'turned.jpg', exif=exif)
    Image.fromarray(noise).save(folder / 'noise.png')
    Image.fromarray(noise[..., 0]).save(folder / 'grey.png')
    upright.convert('P').save(folder / 'palette.png')
    alpha = Image.fromarray(noise[..., 1])
    Image.merge('LA', [Image.fromarray(noise[..., 0]), alpha]).save(folder / 'grey_alpha.png')
    rgba = upright.resize(alpha.size)
    rgba.putalpha(alpha)
    rgba.save(folder / 'alpha.png')
    made = [noise, load_digit_images('test').images[0], upright, *map(str, folder.iterdir())]
    return made + sorted(map(str, TRASHNET.glob('*/*')))[:3]


def through_json(record):
    return parse(Preprocessing, json.loads(json.dumps(asdict(record))), 'preprocessing')


@pytest.mark.parametrize('name', PICTURE_CONFIGS)
def test_pictures(name, pictures, tmp_path):
    steps, settings = PICTURE_CONFIGS[name]
    pipeline, to_network = picture_pipeline(tmp_path, f'[{steps}, {END}]', f'{CLS}, {settings}')
    plain = PlainPreprocessing(through_json(pipeline.describe()), torch.device('cpu'))
    assert plain.kind is pipeline.kind
    for picture in pictures:
        expected, found = pipeline(picture), plain(picture)
        assert torch.equal(found, expected) and found.dtype == expected.dtype
        assert torch.equal(plain.to_network(found[None]), to_network(expected[None]))


def test_pictures_by_name(pictures):
    usual = transforms.Compose(
        [
            transforms.Resize(73, transforms.InterpolationMode.BICUBIC),
            transforms.CenterCrop(64),
            transforms.ToTensor(),
            transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ]
    )
    plain = PlainPreprocessing(imagenet_preprocessing(64), torch.device('cpu'))
    for picture in pictures:
        found = plain.to_network(plain(picture)[None])[0]
        assert torch.equal(found, usual(read_rgb(picture)))


VIDEO_STEPS = {
    'one frame a clip': "dict(type='mmaction.SampleFrames', clip_len=1, num_clips=5, TEST)",
    'a dense clip': "dict(type='mmaction.SampleFrames', clip_len=4, frame_interval=3, TEST)",
    'shuffled': "dict(type='mmaction.SampleFrames', clip_len=1, num_clips=5, TEST), "
    "dict(type='ShuffleFrames', seed=3)",
}


@pytest.mark.parametrize('name', VIDEO_STEPS)
@pytest.mark.parametrize('fit', [True, False])
def test_videos(name, fit, videos, tmp_path):
    resize = 'scale=(-1, 36)' if fit else 'scale=(40, 32), keep_ratio=False'
    pipeline, to_network = video_pipeline(
        tmp_path,
        f"""[dict(type='OpenVideo'), {VIDEO_STEPS[name].replace('TEST', 'test_mode=True')},
        dict(type='DecodeVideo'), dict(type='mmaction.Resize', {resize}),
        dict(type='mmaction.CenterCrop', crop_size=31),
        dict(type='mmaction.FormatShape', input_format='NCHW'),
        dict(type='mmaction.PackActionInputs')]""",
    )
    plain = PlainPreprocessing(through_json(pipeline.describe()), torch.device('cpu'))
    arrays = [np.stack(make_pictures(7, 48, 64)), np.stack(make_pictures(2, 64, 48))]
    for video in [*videos[:3], *arrays]:
        expected = pipeline(video)
        assert torch.equal(plain(video), expected)
        assert torch.equal(plain.to_network(expected[None]), to_network(expected[None]))


def test_folders_of_frames(tmp_path):
    pipeline, _ = video_pipeline(
        tmp_path,
        """[dict(type='mmaction.SampleFrames', clip_len=1, num_clips=5, test_mode=True),
        dict(type='mmaction.RawFrameDecode'), dict(type='mmaction.Resize', scale=(40, 30)),
        dict(type='mmaction.FormatShape', input_format='NCHW'),
        dict(type='mmaction.PackActionInputs')]""",
        "type='mmaction.RawframeDataset', ann_file='none.txt', filename_tmpl='f{:03}.jpg'",
    )
    folder = tmp_path / 'frames'
    folder.mkdir()
    for number, frame in enumerate(make_pictures(11, 48, 64), 1):
        Image.fromarray(frame).save(folder / f'f{number:03}.jpg')
    plain = PlainPreprocessing(through_json(pipeline.describe()), torch.device('cpu'))
    assert torch.equal(plain(str(folder)), pipeline(str(folder)))
    assert plain.kind.expand(str(tmp_path)) == [str(folder)]
    (folder / 'f004.jpg').unlink()
    with pytest.raises(UserError, match=r'the frame f004\.jpg is missing'):
        plain(str(folder))


@pytest.mark.parametrize('total', [1, 4, 9, 250])
@pytest.mark.parametrize(
    'settings',
    [
        dict(clip_len=1, num_clips=8),
        dict(clip_len=1, num_clips=8, twice_sample=True),
        dict(clip_len=8, frame_interval=4),
        dict(clip_len=8, frame_interval=4, out_of_bound_opt='repeat_last'),
        dict(clip_len=4, frame_interval=2, num_clips=3, twice_sample=True),
        dict(clip_len=4, frame_interval=2, num_clips=3, target_fps=12),
        dict(clip_len=4, frame_interval=2, num_clips=1, target_fps=12),
    ],
)
@pytest.mark.parametrize('fps', [None, 25.0])
def test_sampled_frames(settings, total, fps):
    sampling = SampleFrames(**settings, test_mode=True)
    expected = sampling.transform({'total_frames': total, 'start_index': 0, 'avg_fps': fps})[
        'frame_inds'
    ]
    found = sample_frames(VideoReading(**settings), total, fps)
    assert found.tolist() == expected.tolist()


@pytest.mark.parametrize(
    ('steps', 'named'),
    [
        (
            "dict(type='mmpretrain.RandomFlip', prob=0.5)",
            'step 1 of the test pipeline, RandomFlip,',
        ),
        ("dict(type='Resize', scale_factor=0.5)", 'Resize, has scale_factor=0.5'),
        ("dict(type='CenterCrop', crop_size=64, auto_pad=True)", 'has auto_pad=True'),
    ],
)
def test_steps_without_a_counterpart_are_named(steps, named, tmp_path):
    pipeline, _ = picture_pipeline(
        tmp_path, f"[dict(type='LoadImageFromFile'), {steps}, {END}]", CLS
    )
    with pytest.raises(UserError, match='cannot be run without OpenMMLab') as caught:
        pipeline.describe()
    assert named in str(caught.value)
    assert '--no-preprocessing' in str(caught.value)


@pytest.mark.parametrize(
    ('record', 'message'),
    [
        (OperationRecord('blur', {}), "the operation 'blur' is not known, but resize_edge"),
        (OperationRecord('resize_edge', {}), 'resize_edge.length is missing'),
        (OperationRecord('resize_edge', {'length': 4, 'edge': 'top'}), "edge='top': choose one"),
    ],
)
def test_operations_that_cannot_be(record, message):
    with pytest.raises(UserError, match=message):
        record.load()


def test_a_missing_opencv_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, 'cv2', None)
    with pytest.raises(UserError, match='pip install opencv-python-headless'):
        OperationRecord('resize_edge', {'length': 4}).load()
    record = Preprocessing(PictureReading(decoder='cv2'), None, [], Normalisation())
    with pytest.raises(UserError, match='pip install opencv-python-headless'):
        PlainPreprocessing(record, torch.device('cpu'))


def test_a_missing_pyav_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, 'av', None)
    record = Preprocessing(None, VideoReading(), [], Normalisation())
    with pytest.raises(UserError, match='pip install av'):
        PlainPreprocessing(record, torch.device('cpu'))


def test_damaged_files(tmp_path):
    pipeline, _ = picture_pipeline(tmp_path, f"[dict(type='LoadImageFromFile'), {END}]", CLS)
    plain = PlainPreprocessing(pipeline.describe(), torch.device('cpu'))
    path = Path(tmp_path / 'no.jpg')
    path.write_bytes(b'no picture')
    with pytest.raises(Exception, match='cannot identify image file'):
        plain(str(path))
    with pytest.raises(FileNotFoundError):
        plain(str(tmp_path / 'none.jpg'))
