"""Input scales: which are measured, and a config at each of them."""

import pytest
import torch
from mmengine.config import Config

from benchmarks.detection.scales import chosen_scales, own_scale, with_scale
from dynp_plugins import UserError
from dynp_plugins.inference.input_scale import largest_stride


def dataset(*steps, **more):
    load, pack = {'type': 'mmdet.LoadImageFromFile'}, {'type': 'mmdet.PackDetInputs'}
    return {'type': 'CocoFiles', 'pipeline': [load, *steps, pack], **more}


def resize(long=800, short=400, **more):
    return {'type': 'mmdet.Resize', 'scale': (long, short), 'keep_ratio': True, **more}


def config(calibration=None, test=None, **entries):
    test = test or dataset(resize())
    return Config(
        {
            'calibration_dataloader': {'dataset': calibration or test},
            'test_dataloader': {'dataset': test},
            **entries,
        },
        cfg_text='as given',
        filename='c.py',
    )


def scale_in(config, split='test'):
    found = config[f'{split}_dataloader']['dataset']
    while 'dataset' in found:
        found = found['dataset']
    return tuple(found['pipeline'][1]['scale'])


def test_the_config_says_where_to_begin():
    assert own_scale(config()) == (800, 400)
    assert own_scale(config(test=dataset(resize(300, 500)))) == (500, 300)
    assert chosen_scales(config()) == [(800, 400)]
    assert chosen_scales(config(test_scales=[(64, 32), [800, 400]])) == [(64, 32), (800, 400)]


def test_command_lines_have_the_last_word():
    words = ['320', '64x64', '333']
    assert chosen_scales(config(test_scales=[(9, 9)]), words) == [(640, 320), (64, 64), (666, 333)]
    by_factor = dataset({'type': 'Resize', 'scale_factor': 1.0, 'keep_ratio': True})
    assert chosen_scales(config(test=by_factor), ['64x48']) == [(64, 48)]


def test_both_splits_are_resized_and_nothing_else():
    held_out = {'type': 'HeldOut', 'part': 'held_out', 'dataset': dataset(resize())}
    original = config(held_out)
    other = with_scale(original, (160, 80))
    assert [scale_in(other, split) for split in ('calibration', 'test')] == [(160, 80)] * 2
    assert scale_in(original) == (800, 400)
    assert with_scale(original, (800, 400)) is original
    joined = {'type': 'ConcatDataset', 'datasets': [dataset(resize()), dataset(resize())]}
    other = with_scale(config(joined), (160, 80))
    steps = [part['pipeline'][1] for part in other.calibration_dataloader.dataset.datasets]
    assert [tuple(step['scale']) for step in steps] == [(160, 80)] * 2


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (['0'], r'scale=\(0, 0\)'),
        (['big'], r"scale 'big': write LONGxSHORT"),
        (['40x80'], r'scale=\(40, 80\): give \(longer side, shorter side\)'),
        (['80', '160x80'], 'the scale 160x80 is given twice'),
        (['31'], '62x31 is smaller than the largest stride of the backbone, 32'),
    ],
)
def test_words_that_are_no_scale(words, message):
    with pytest.raises(UserError, match=message):
        chosen_scales(config(), words)


def test_configs_without_a_scale():
    plain = config(test=dataset())
    with pytest.raises(UserError, match=r'no one Resize\(scale=.*give --scales.*test_scales'):
        chosen_scales(plain)
    with pytest.raises(UserError, match="scale '320': the config has no scale of its own"):
        chosen_scales(plain, ['320'])
    with pytest.raises(UserError, match=r'calibration split of config c\.py.*0 Resize steps'):
        with_scale(plain, (64, 64))
    squeezed = config(test=dataset(resize(keep_ratio=False)))
    with pytest.raises(UserError, match='does not keep the aspect ratio'):
        with_scale(squeezed, (320, 160))
    uneven = config(dataset(resize(320, 160)))
    with pytest.raises(UserError, match='calibration images to 320x160 and test images to 800x400'):
        chosen_scales(uneven)


def test_strides():
    detector = torch.nn.Module()
    detector.backbone = torch.nn.Module()
    assert largest_stride(detector) == 32
    detector.backbone.out_strides = (4, 8, 16)
    assert largest_stride(detector) == 16
    assert chosen_scales(config(), ['16'], 16) == [(32, 16)]
