"""The shape of the sample whose cost is counted."""

import sys

import pytest
from mmengine.config import Config

from benchmarks.input_shapes import config_input_shape, name_input_shape, parse_input_shape
from dynp_plugins import UserError, create_model
from tests.inference.tiny_videos import FILES, STEPS, make_video, save_video, write_config

LOADS = ('mmpretrain.LoadImageFromFile', 'LoadImageFromFile')
PACK = dict(type='mmpretrain.PackInputs')


@pytest.mark.parametrize(
    ('texts', 'shape'),
    [
        (['224'], (3, 224, 224)),
        (['224', '192'], (3, 224, 192)),
        (['3', '224', '192'], (3, 224, 192)),
        (['3', '5'], (3, 3, 5)),
        (['8', '3', '224', '192'], (8, 3, 224, 192)),
        (['1', '3', '9', '9'], (1, 3, 9, 9)),
    ],
)
def test_typed_shapes(texts, shape):
    assert parse_input_shape(texts) == shape


@pytest.mark.parametrize(
    'texts',
    [['0'], ['-3', '5'], ['big'], ['2.5'], ['1', '1', '3', '9', '9'], ['0', '3', '9', '9'], []],
)
def test_nonsense_is_refused(texts):
    with pytest.raises(UserError, match=r'give SIDE, HEIGHT WIDTH or 3 HEIGHT WIDTH'):
        parse_input_shape(texts)


def test_channels_come_first():
    with pytest.raises(UserError, match=r'--shape 224 224 3: images have 3 channels'):
        parse_input_shape(['224', '224', '3'])
    with pytest.raises(UserError, match=r'3 8 224 224: .* --shape FRAMES 3 HEIGHT WIDTH'):
        parse_input_shape(['3', '8', '224', '224'])


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


def video_config(tmp_path, steps=STEPS, data=FILES):
    return Config.fromfile(write_config(tmp_path / 'videos.py', steps, data))


def sampled(**settings):
    """The test pipeline with other settings of SampleFrames."""
    return STEPS.replace('num_clips=4', ', '.join(f'{k}={v!r}' for k, v in settings.items()))


DECODE = "dict(type='DecodeVideo')"
CROP = "'mmaction.CenterCrop', crop_size=32"


@pytest.mark.parametrize(
    ('steps', 'shape'),
    [
        (STEPS, (4, 3, 32, 32)),
        (sampled(num_clips=8, twice_sample=True), (16, 3, 32, 32)),
        (sampled(num_clips=2).replace('clip_len=1', 'clip_len=4'), (8, 3, 32, 32)),
        (STEPS.replace(CROP, "'mmaction.ThreeCrop', crop_size=36"), (12, 3, 36, 36)),
        (sampled(num_clips=4, target_fps=5), (4, 3, 32, 32)),
        (
            STEPS.replace(DECODE, f"dict(type='ShuffleFrames'), {DECODE}"),
            (4, 3, 32, 32),
        ),
    ],
    ids=['segments', 'twice', 'clips', 'crops', 'rate', 'shuffled'],
)
def test_frames_of_the_test_pipeline(tmp_path, steps, shape):
    assert config_input_shape(video_config(tmp_path, steps)) == shape


@pytest.mark.parametrize('decoder', ['Decord', 'PyAV', 'OpenCV', 'PIMS'])
def test_stock_decoders_need_not_be_there(tmp_path, monkeypatch, decoder):
    monkeypatch.setitem(sys.modules, 'decord', None)  # importing it fails
    steps = STEPS.replace("'OpenVideo'", f"'mmaction.{decoder}Init'")
    steps = steps.replace("'DecodeVideo'", f"'mmaction.{decoder}Decode'")
    assert config_input_shape(video_config(tmp_path, steps)) == (4, 3, 32, 32)


def test_folders_of_frames(tmp_path):
    steps = STEPS.replace("dict(type='OpenVideo'),", '')
    steps = steps.replace("'DecodeVideo'", "'mmaction.RawFrameDecode'")
    data = "type='mmaction.RawframeDataset', ann_file='no/such/list.txt'"
    assert config_input_shape(video_config(tmp_path, steps, data)) == (4, 3, 32, 32)


def test_typed_sizes_keep_the_frames_of_videos(tmp_path):
    config = video_config(tmp_path)
    assert config_input_shape(config, (3, 48, 64)) == (4, 3, 48, 64)
    assert config_input_shape(config, (8, 3, 48, 64)) == (8, 3, 48, 64)
    no_crop = video_config(tmp_path, STEPS.replace(f'dict(type={CROP}),', ''))
    assert config_input_shape(no_crop, (3, 48, 64)) == (4, 3, 48, 64)
    pictures = config_with(dict(type='mmpretrain.CenterCrop', crop_size=48))
    assert config_input_shape(pictures, (3, 20, 30)) == (3, 20, 30)
    assert config_input_shape(Config(dict(model=dict(type='A'))), (3, 20, 30)) == (3, 20, 30)


def test_videos_that_set_their_own_size(tmp_path):
    steps = STEPS.replace(f'dict(type={CROP}),', '')
    with pytest.raises(UserError, match=r'sets no size, and its test videos cannot be read'):
        config_input_shape(video_config(tmp_path, steps))
    listed = tmp_path / 'list.txt'
    listed.write_text('')
    for name, *size in (('a.mp4', 72, 96), ('b.mp4', 72, 96), ('c.mp4', 72, 72)):
        path = save_video(tmp_path / name, make_video(5, *size))
        listed.write_text(f'{listed.read_text()}{path} 0\n')
    data = f"type='mmaction.VideoDataset', ann_file={str(listed)!r}, test_mode=True"
    with pytest.raises(UserError, match=r'test videos .* different sizes, .*--shape FRAMES 3'):
        config_input_shape(video_config(tmp_path, steps, data))
    listed.write_text('\n'.join(listed.read_text().splitlines()[:2]))
    assert config_input_shape(video_config(tmp_path, steps, data)) == (4, 3, 36, 48)


def test_a_name_is_counted_on_one_clip():
    pictures = create_model('dyn_perceiver_regnety_tiny')
    assert name_input_shape(pictures) == (3, 64, 64)
    assert name_input_shape(pictures, (3, 32, 48)) == (3, 32, 48)
    assert name_input_shape(pictures, (5, 3, 32, 48)) == (5, 3, 32, 48)  # frames one by one
    clips = create_model('dyn_perceiver_regnety_tiny', num_segments=8)
    assert name_input_shape(clips) == (8, 3, 64, 64)
    assert name_input_shape(clips, (3, 32, 48)) == (8, 3, 32, 48)
    assert name_input_shape(clips, (16, 3, 32, 48)) == (16, 3, 32, 48)
