"""A small network for videos, its config, and videos as mp4 files that it answers differently."""

import av
import numpy as np
import torch

from dynp_plugins.datasets.video_writing import encode_mp4
from dynp_plugins.openmmlab.classifiers import build_classifier, multi_exit_network
from dynp_plugins.openmmlab.config_files import load_config

from .tiny_models import make_pictures

SEGMENTS = 4
CLASSES = ('ant', 'bee', 'cat', 'dog', 'eel')

STEPS = """[
    dict(type='OpenVideo'),
    dict(type='mmaction.SampleFrames', clip_len=1, num_clips=4, test_mode=True),
    dict(type='DecodeVideo'),
    dict(type='mmaction.Resize', scale=(-1, 36)),
    dict(type='mmaction.CenterCrop', crop_size=32),
    dict(type='mmaction.FormatShape', input_format='NCHW'),
    dict(type='mmaction.PackActionInputs', meta_keys=('img_shape', 'filename')),
]"""

CONFIG = """
custom_imports = dict(imports=['dynp_plugins.openmmlab'])
default_scope = 'mmaction'
model = dict(
    type='mmaction.Recognizer2D',
    backbone=dict(
        type='DynPerceiver', arch='regnety_tiny', num_latents=16,
        depth_factor=(1 / 3, 1 / 3, 1 / 9, 1 / 3), latent_grid=4, num_segments=4),
    cls_head=dict(
        type='MultiExitVideoHead', num_classes=5, in_channels=(48, 96, 160, 256)),
    data_preprocessor=dict(
        type='mmaction.ActionDataPreprocessor', format_shape='NCHW',
        mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]))
test_dataloader = dict(
    batch_size=2, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(DATA, metainfo=dict(classes=['ant', 'bee', 'cat', 'dog', 'eel']), pipeline=STEPS))
"""
FILES = "type='mmaction.VideoDataset', ann_file='no/such/list.txt', test_mode=True"


def write_config(path, steps=STEPS, data=FILES, text=''):
    """A config whose data are not there."""
    path.write_text(CONFIG.replace('STEPS', steps).replace('DATA', data) + text)
    return path


def make_video(frames=12, height=48, width=64, seed=0):
    """(T, H, W, 3) of large squares that change from frame to frame."""
    return np.stack(make_pictures(frames, height, width, seed))


def save_video(path, frames):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_mp4(frames, fps=10))
    return str(path)


def save_videos(folder, count=6):
    """Paths of videos of different lengths and sizes; some are shorter than a clip."""
    sizes = [(12, 48, 64), (3, 64, 48), (30, 48, 64)]
    return [
        save_video(folder / f'{i:02d}.mp4', make_video(*sizes[i % 3], seed=i)) for i in range(count)
    ]


def read_video(path):
    """(T, H, W, 3) in RGB, as PyAV decodes it."""
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format='rgb24') for frame in container.decode(video=0)])


def make_classifier(config):
    """The config's classifier in eval mode, with exits that are sure of some random videos."""
    torch.manual_seed(0)
    classifier = build_classifier(load_config(config))
    network = multi_exit_network(classifier)
    clips = np.stack([make_video(SEGMENTS, 32, 32, seed) for seed in range(100, 116)])
    images = (torch.from_numpy(clips).flatten(0, 1).permute(0, 3, 1, 2) / 255 - 0.45) / 0.225
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                module.momentum = 1.0
        network(images)
        classifier.eval()
        network.eval()
        for k, name in enumerate(network.exit_names):
            layers = network.heads.classifiers[name].modules()
            layer = [each for each in layers if isinstance(each, torch.nn.Linear)][-1]

            def of_videos(k=k):
                return network(images)[k].unflatten(0, (-1, SEGMENTS)).mean(1)

            layer.weight.mul_(2 / of_videos().std(0).mean())
            layer.bias.sub_(of_videos().mean(0))
    return classifier


def save_weights(classifier, path, **meta):
    torch.save({'state_dict': classifier.state_dict(), 'meta': meta}, path)
    return path


def scores_of(answers):
    """(videos, classes)"""
    return np.array([answer['pred_scores'] for answer in answers])
