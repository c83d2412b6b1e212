"""`DetectionInferencer`: mmdet's own detections, at any scale, whatever pictures are given."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from dynp_plugins import DetectionInferencer, DynamicInferencer, UserError
from tests.conftest import REPOSITORY

from .tiny_detectors import CLASSES, STEPS, make_detector, save_weights, write_config
from .tiny_models import make_pictures, save_pictures

DIGITS = REPOSITORY / 'configs/demo/dyn-perceiver_regnety-tiny_digits.py'


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('detector')


@pytest.fixture(scope='module')
def config(folder):
    return write_config(folder / 'tiny.py')


@pytest.fixture(scope='module')
def detector(config):
    return make_detector(config)


@pytest.fixture(scope='module')
def checkpoint(detector, folder):
    return save_weights(detector, folder / 'tiny.pth', dataset_meta={'classes': CLASSES})


@pytest.fixture(scope='module')
def inferencer(config, checkpoint):
    return DetectionInferencer(config, checkpoint, device='cpu', score_threshold=0)


@pytest.fixture(scope='module')
def paths(folder):
    """Lying and upright ones, PNG and JPEG."""
    pictures = make_pictures(3, 48, 64) + make_pictures(2, 64, 40, seed=1)
    return save_pictures(folder / 'pictures', pictures) + save_pictures(
        folder / 'pictures/jpeg', pictures[:2], '.jpg'
    )


@pytest.fixture(scope='module')
def mmdet_detections(config, checkpoint):
    """A function from pictures to (boxes, labels, scores) of each, by mmdet's own inference."""
    from mmdet.apis import inference_detector, init_detector

    def detections(pictures, scale=None):
        options = None
        if scale is not None:
            options = {'test_dataloader.dataset.pipeline.1.scale': scale}
        model = init_detector(str(config), str(checkpoint), device='cpu', cfg_options=options)
        found = [sample.pred_instances for sample in inference_detector(model, pictures)]
        return [
            tuple(each[key].numpy() for key in ('bboxes', 'labels', 'scores')) for each in found
        ]

    return detections


def assert_equal(answers, expected):
    assert len(answers) == len(expected)
    for answer, (bboxes, labels, scores) in zip(answers, expected, strict=True):
        assert answer['error'] is None
        assert np.array_equal(answer['labels'], labels)
        assert np.allclose(answer['scores'], scores, atol=1e-6)
        assert np.allclose(answer['bboxes'], bboxes, atol=1e-3)


def test_the_detections_are_those_of_mmdet(inferencer, mmdet_detections, paths):
    expected = mmdet_detections(paths)
    answers = inferencer(paths)
    assert_equal(answers, expected)
    for answer in answers:
        count = len(answer['scores'])
        assert answer['bboxes'].shape == (count, 4)
        assert answer['class_names'] == tuple(CLASSES[label] for label in answer['labels'])
        assert np.all(np.diff(answer['scores']) <= 0)
    assert [answer['source'] for answer in answers] == paths
    assert len({tuple(answer['labels']) for answer in answers}) > 1
    assert inferencer.scale == (96, 64)  # as the config says


def test_batches_change_nothing(inferencer, mmdet_detections, paths):
    """Pictures of other sizes in a batch would be padded, which the latent branch sees."""
    assert_equal(inferencer(paths, batch_size=4), mmdet_detections(paths))


def test_arrays_and_pillow_images(inferencer, mmdet_detections, paths):
    arrays = [np.array(Image.open(path))[..., ::-1].copy() for path in paths]
    expected = mmdet_detections(arrays)
    assert_equal(inferencer(arrays), expected)
    answers = inferencer([Image.open(path) for path in paths])
    assert_equal(answers, expected)
    assert {answer['source'] for answer in answers} == {None}


def test_another_scale(config, checkpoint, mmdet_detections, paths):
    expected = mmdet_detections(paths, (160, 96))
    inferencer = DetectionInferencer(config, checkpoint, (160, 96), 'cpu', score_threshold=0)
    assert_equal(inferencer(paths), expected)
    as_configured = mmdet_detections(paths)
    inferencer.scale = None
    assert_equal(inferencer(paths), as_configured)
    assert expected[0][0].tolist() != as_configured[0][0].tolist()
    inferencer.scale = (160, 96)
    assert_equal(inferencer(paths), expected)


def test_a_score_threshold(config, checkpoint, inferencer, mmdet_detections, paths):
    threshold = float(np.median(np.concatenate([e[2] for e in mmdet_detections(paths)])))
    expected = [
        tuple(part[scores >= threshold] for part in (bboxes, labels, scores))
        for bboxes, labels, scores in mmdet_detections(paths)
    ]
    assert (
        0
        < sum(len(scores) for *_, scores in expected)
        < sum(len(answer['scores']) for answer in inferencer(paths))
    )
    assert_equal(inferencer(paths, score_threshold=threshold), expected)
    other = DetectionInferencer(config, checkpoint, device='cpu', score_threshold=threshold)
    assert_equal(other(paths), expected)
    nothing = other(paths[0], score_threshold=1)[0]
    assert nothing['bboxes'].shape == (0, 4)
    assert nothing['class_names'] == ()
    assert nothing['error'] is None


def test_boxes_lie_in_the_upright_picture(inferencer, tmp_path):
    upright = Image.fromarray(make_pictures(1, 64, 40)[0])
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter to the right
    turned = str(tmp_path / 'turned.png')
    upright.rotate(90, expand=True).save(turned, exif=exif)
    *answers, expected = inferencer([turned, Image.open(turned), upright])
    for answer in answers:
        assert_equal([answer], [(expected['bboxes'], expected['labels'], expected['scores'])])
    assert expected['bboxes'][:, 3].max() > 40 >= expected['bboxes'][:, 2].max()


def test_no_picture_no_answer(inferencer, tmp_path):
    assert inferencer([]) == []
    assert inferencer(()) == []
    with pytest.raises(UserError, match='no picture in the folder'):
        inferencer(tmp_path)
    with pytest.raises(UserError, match='no picture or folder'):
        inferencer(tmp_path / 'nowhere.png')


def test_a_bad_picture_is_reported_and_the_rest_is_done(inferencer, paths, tmp_path):
    broken, video, deep = (tmp_path / name for name in ('a.png', 'b.mp4', 'c.png'))
    broken.write_bytes(b'broken')
    video.write_bytes(b'video')
    Image.fromarray(np.zeros((64, 64), np.uint16)).save(deep)
    answers = inferencer([paths[0], broken, video, deep, 'nowhere.png', paths[1]], batch_size=6)
    errors = [answer['error'] for answer in answers]
    assert errors[0] is errors[5] is None
    for error, part in zip(
        errors[1:5], ('known format', 'is a video', '16-bit', 'does not exist'), strict=True
    ):
        assert part in error
    assert answers[1] == {
        **dict.fromkeys(('bboxes', 'labels', 'scores', 'class_names')),
        'source': str(broken),
        'error': errors[1],
    }
    assert len(answers[5]['scores'])


@pytest.mark.parametrize('part', ['backbone', 'neck', 'bbox_head'])
def test_nan_is_reported(config, detector, folder, paths, part):
    """It would make every score a NaN, which is above no threshold: nothing would be found."""
    weights = {key: value.clone() for key, value in detector.state_dict().items()}
    last = [key for key in weights if key.startswith(part) and key.endswith('.weight')][-1]
    weights[last].view(-1)[0] = torch.nan
    torch.save({'state_dict': weights}, folder / 'nan.pth')
    answers = DetectionInferencer(config, folder / 'nan.pth', device='cpu')(paths[:3], batch_size=2)
    assert ['NaN' in answer['error'] for answer in answers] == [True] * 3
    assert [answer['source'] for answer in answers] == paths[:3]


def test_one_of_a_batch_that_cannot_be_answered(inferencer, paths, monkeypatch):
    """The others of its size are answered as if they were alone."""
    model, calls = inferencer._model, []
    detect = type(model).detect

    def refuse_the_second(self, pictures):
        calls.append(len(pictures))
        if any(np.array_equal(picture.inputs, second) for picture in pictures):
            raise UserError('computes NaN')
        return detect(self, pictures)

    second = model.prepare(paths[1]).inputs
    expected = inferencer(paths[:3])
    monkeypatch.setattr(type(model), 'detect', refuse_the_second)
    answers = inferencer(paths[:3], batch_size=3)
    assert [answer['error'] for answer in answers] == [None, 'computes NaN', None]
    assert calls == [3, 1, 1, 1]
    for k in (0, 2):
        assert np.allclose(answers[k]['bboxes'], expected[k]['bboxes'])


def test_infinite_boxes_are_reported(inferencer, paths, monkeypatch):
    found = inferencer._model.detect([inferencer._model.prepare(paths[0])])
    found[0].bboxes[0, 2] = torch.inf
    monkeypatch.setattr(type(inferencer._model), 'detect', lambda *_: found)
    assert 'infinity' in inferencer(paths[0])[0]['error']


def test_names_of_classes(config, detector, checkpoint, tmp_path, paths):
    bare = save_weights(detector, tmp_path / 'bare.pth')
    assert DetectionInferencer(config, bare, device='cpu').classes == CLASSES  # of the data set
    mine = ('x', 'y', 'z')
    inferencer = DetectionInferencer(config, checkpoint, device='cpu', classes=mine)
    assert set(inferencer(paths[0])[0]['class_names']) <= set(mine)
    others = save_weights(detector, tmp_path / 'others.pth', dataset_meta={'classes': mine})
    with pytest.raises(UserError, match='ant, bee, cat'):
        DetectionInferencer(config, others, device='cpu')
    more = tuple('abcdefg')
    unlike = make_detector(config, {'model.bbox_head.num_classes': len(more)})
    others = save_weights(unlike, tmp_path / 'others.pth', dataset_meta={'classes': more})
    with pytest.raises(UserError, match='a, b, c, d, e, f, g, but'):
        DetectionInferencer(config, others, device='cpu')
    with pytest.raises(UserError, match='2 class names'):
        DetectionInferencer(config, checkpoint, device='cpu', classes=('x', 'y'))


def test_names_of_classes_of_a_json(config, detector, checkpoint, tmp_path):
    """`CocoFiles` are not there when a detector is used, or of other classes than it has learnt."""
    options = {
        'test_dataloader.dataset.type': 'CocoFiles',
        'test_dataloader.dataset.metainfo': None,
        'test_dataloader.dataset.data_root': str(tmp_path),
        'test_dataloader.dataset.ann_file': 'test.json',
    }
    bare = save_weights(detector, tmp_path / 'bare.pth')
    assert DetectionInferencer(config, bare, None, 'cpu', options).classes is None
    assert DetectionInferencer(config, checkpoint, None, 'cpu', options).classes == CLASSES
    content = {'images': [], 'annotations': []}
    content['categories'] = [{'id': i, 'name': name} for i, name in enumerate('pqr')]
    (tmp_path / 'test.json').write_text(json.dumps(content))
    assert DetectionInferencer(config, bare, None, 'cpu', options).classes == ('p', 'q', 'r')
    with pytest.raises(UserError, match='p, q, r'):
        DetectionInferencer(config, checkpoint, None, 'cpu', options)


def test_a_work_folder_will_do(config, checkpoint, inferencer, paths):
    (checkpoint.parent / 'last_checkpoint').write_text(str(checkpoint))
    other = DetectionInferencer(config, checkpoint.parent, device='cpu', score_threshold=0)
    assert np.array_equal(other(paths[0])[0]['bboxes'], inferencer(paths[0])[0]['bboxes'])
    assert (other.name, other.weights_sha256) == ('tiny', inferencer.weights_sha256)


def test_a_config_without_a_detector_and_the_reverse(config, checkpoint):
    with pytest.raises(UserError, match='DynamicInferencer'):
        DetectionInferencer(DIGITS, checkpoint)
    with pytest.raises(UserError, match=r'mmdet.RetinaNet.*DetectionInferencer'):
        DynamicInferencer(config, checkpoint)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(config='nowhere.py'), 'no config file nowhere.py'),
        (dict(checkpoint='nowhere.pth'), 'no checkpoint at nowhere.pth'),
        (dict(scale=(64, 96)), r'scale=\(64, 96\)'),
        (dict(scale=640), 'scale=640'),
        (dict(scale=(8, 8)), '8x8 is smaller than the largest stride'),
        (dict(score_threshold=1.5), 'score_threshold=1.5'),
        (dict(score_threshold='high'), "score_threshold='high'"),
        (dict(device='gpu'), 'device gpu'),
        (dict(cfg_options={'model.bbox_head.num_classes': 7}), 'does not fit the model'),
        (dict(cfg_options={'test_dataloader': None}), 'no test_dataloader'),
        (dict(cfg_options={'test_dataloader.dataset.pipeline': None}), 'has no pipeline'),
        (dict(cfg_options={'test_dataloader.dataset.pipeline': []}), 'no step that loads'),
    ],
    ids=str,
)
def test_what_cannot_work(config, checkpoint, options, message):
    with pytest.raises(UserError, match=message):
        DetectionInferencer(
            **{'config': config, 'checkpoint': checkpoint, 'device': 'cpu', **options}
        )


def test_calls_that_cannot_work(inferencer, paths):
    with pytest.raises(UserError, match='batch_size=0'):
        inferencer(paths, batch_size=0)
    with pytest.raises(UserError, match='score_threshold=-1'):
        inferencer(paths, score_threshold=-1)
    with pytest.raises(UserError, match='not as a int'):
        inferencer(7)


def test_a_pipeline_that_cannot_be_built(checkpoint, tmp_path):
    config = write_config(tmp_path / 'typo.py', STEPS.replace("'Resize'", "'Rezise'"))
    with pytest.raises(UserError, match=r'typo.py cannot be built'):
        DetectionInferencer(config, checkpoint, device='cpu')
