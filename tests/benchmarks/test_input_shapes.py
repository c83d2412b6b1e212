"""The size of the image whose cost is counted."""

import pytest
from mmengine.config import Config

from benchmarks.input_shapes import config_input_shape, parse_input_shape
from dynp_plugins import UserError

LOADS = ('mmpretrain.LoadImageFromFile', 'LoadImageFromFile')
PACK = dict(type='mmpretrain.PackInputs')


@pytest.mark.parametrize(
    ('texts', 'shape'),
    [
        (['224'], (3, 224, 224)),
        (['224', '192'], (3, 224, 192)),
        (['3', '224', '192'], (3, 224, 192)),
        (['3', '5'], (3, 3, 5)),
    ],
)
def test_typed_shapes(texts, shape):
    assert parse_input_shape(texts) == shape


@pytest.mark.parametrize('texts', [['0'], ['-3', '5'], ['big'], ['2.5'], ['1', '3', '9', '9'], []])
def test_nonsense_is_refused(texts):
    with pytest.raises(UserError, match=r'give SIDE, HEIGHT WIDTH or 3 HEIGHT WIDTH'):
        parse_input_shape(texts)


def test_channels_come_first():
    with pytest.raises(UserError, match=r'--shape 224 224 3: images have 3 channels'):
        parse_input_shape(['224', '224', '3'])


def config_with(*steps, data_root='no/such/folder', wrapped=False, load=LOADS[0]):
    dataset = dict(
        type='ImageFiles',
        data_root=str(data_root),
        test_mode=True,
        pipeline=[dict(type=load), *steps, PACK],
    )
    if wrapped:
        dataset = dict(type='HeldOut', part='rest', size=1, dataset=dataset)
    return Config(
        dict(
            custom_imports=dict(imports=['dynp_plugins.openmmlab']),
            default_scope='mmpretrain',
            test_dataloader=dict(
                batch_size=1,
                num_workers=0,
                dataset=dataset,
                sampler=dict(type='DefaultSampler', shuffle=False),
            ),
        )
    )


@pytest.fixture(autouse=True)
def registered():
    import dynp_plugins.openmmlab  # noqa: F401


RESIZE_EDGE = dict(type='mmpretrain.ResizeEdge', scale=64, edge='short')


@pytest.mark.parametrize('load', LOADS)
@pytest.mark.parametrize('wrapped', [False, True])
def test_crop_of_the_test_pipeline(wrapped, load):
    crop = dict(type='mmpretrain.CenterCrop', crop_size=48)
    config = config_with(RESIZE_EDGE, crop, wrapped=wrapped, load=load)
    assert config_input_shape(config) == (3, 48, 48)


def test_resize_takes_width_and_height():
    resize = dict(type='mmpretrain.Resize', scale=(96, 64))
    assert config_input_shape(config_with(resize)) == (3, 64, 96)


def save_pictures(folder, *sizes):
    from PIL import Image

    for i, size in enumerate(sizes):
        path = folder / 'class' / f'{i}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new('RGB', size).save(path)


@pytest.mark.parametrize('load', LOADS)
def test_pictures_that_all_have_one_size(tmp_path, load):
    save_pictures(tmp_path, (40, 20), (40, 20))
    assert config_input_shape(config_with(data_root=tmp_path, load=load)) == (3, 20, 40)


def test_pictures_of_different_sizes(tmp_path):
    save_pictures(tmp_path, (40, 20), (90, 30))
    config = config_with(RESIZE_EDGE, data_root=tmp_path)
    with pytest.raises(UserError, match=r'different sizes, such as .*64, 128.*64, 192.*--shape'):
        config_input_shape(config)


def test_pictures_that_are_not_there():
    with pytest.raises(UserError, match=r'sets no size.*give --shape.*no/such/folder'):
        config_input_shape(config_with(RESIZE_EDGE))


def test_a_wrong_transform_is_named():
    with pytest.raises(UserError, match='CentreCrop'):
        config_input_shape(config_with(dict(type='mmpretrain.CentreCrop', crop_size=3)))


def test_no_test_split():
    with pytest.raises(UserError, match='no test_dataloader'):
        config_input_shape(Config(dict(model=dict(type='ImageClassifier'))))
