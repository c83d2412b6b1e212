"""Backbones and heads with exits in mmaction2's Recognizer2D, and mmaction2's own TSN and TSM."""

import pytest
import torch
from mmengine.registry import MODELS, DefaultScope
from torch.nn import functional as F

import dynp_plugins.openmmlab  # noqa: F401
from dynp_plugins import UserError
from dynp_plugins.early_exit import fold_frames
from dynp_plugins.openmmlab.classifiers import (
    classification_head,
    is_video_model,
    multi_exit_network,
)
from dynp_plugins.openmmlab.recognizers import frames_seen_together

CLASSES = 5
BACKBONE = dict(type='DynPerceiver', arch='regnety_tiny', num_latents=16, latent_grid=2)
MSDNET = dict(
    type='MSDNet',
    stem='imagenet',
    num_blocks=2,
    base=2,
    step=1,
    step_mode='even',
    num_scales=2,
    channels=8,
    growth_rate=4,
    growth_factor=(1, 2),
    bottleneck_factor=(1, 2),
    reduction=0.5,
    prune='max',
)


VIDEO_HEAD = dict(type='MultiExitVideoHead', num_classes=CLASSES, in_channels=(48, 96, 160, 256))


def build(config):
    # A recognizer without a data preprocessor names mmaction2's own without its scope.
    with DefaultScope.overwrite_default_scope('mmaction'):
        return MODELS.build(config)


def recognizer(backbone=None, head=None):
    backbone = BACKBONE | dict(num_segments=2) if backbone is None else backbone
    head = head or dict(
        type='MultiExitVideoHead',
        num_classes=CLASSES,
        in_channels=MODELS.build(dict(backbone)).exit_channels,
        **(dict(heads=dict(type='ConvExitHeads')) if backbone['type'] == 'MSDNet' else {}),
    )
    model = build(dict(type='mmaction.Recognizer2D', backbone=backbone, cls_head=head))
    torch.manual_seed(0)
    model.init_weights()
    return model.eval()


def samples(labels):
    from mmaction.structures import ActionDataSample

    return [ActionDataSample().set_gt_label(label) for label in labels]


def videos(count=3, frames=4, side=64):
    return torch.randn(count, frames, 3, side, side, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize('backbone', [None, MSDNET], ids=['Dyn-Perceiver', 'MSDNet as TSN'])
@torch.no_grad()
def test_logits_of_an_exit_are_the_mean_over_the_frames(backbone):
    model = recognizer(backbone)
    images, frames = fold_frames(videos())
    of_frames = multi_exit_network(model)(images)
    of_videos = model.extract_feat(videos(), stage='head')[0]
    for logits, expected in zip(of_videos, of_frames, strict=True):
        torch.testing.assert_close(logits, expected.view(3, frames, CLASSES).mean(1))


@torch.no_grad()
def test_predictions_fill_the_samples():
    model = recognizer()
    given = samples([0, 1, 2])
    logits = model.extract_feat(videos(), stage='head')[0]
    for i, sample in enumerate(model(videos(), given, mode='predict')):
        assert sample is given[i]
        torch.testing.assert_close(sample.pred_score, logits[-1][i].softmax(-1))
        assert sample.pred_label.item() == logits[-1][i].argmax().item()
        torch.testing.assert_close(sample.exit_scores[0], logits[0][i].softmax(-1))


@pytest.mark.parametrize('soft', [False, True])
def test_losses_are_of_whole_videos(soft):
    model = recognizer()
    labels = torch.tensor([0, 3, 4])
    given = samples(F.one_hot(labels, CLASSES).float() if soft else labels)
    losses = model(videos(), given, mode='loss')
    logits = model.extract_feat(videos(), stage='head')[0]
    torch.testing.assert_close(losses['loss_ce_merged'], F.cross_entropy(logits[-1], labels))
    torch.testing.assert_close(losses['loss_ce_early'], 0.5 * F.cross_entropy(logits[0], labels))


def test_dropout_only_while_training():
    model = recognizer(head=VIDEO_HEAD | dict(dropout_ratio=0.9))
    first, second = (model.cls_head([torch.ones(4, c) for c in (48, 96, 160, 256)]) for _ in '12')
    assert torch.equal(first[0], second[0])
    model.cls_head.train()
    first, second = (model.cls_head([torch.ones(4, c) for c in (48, 96, 160, 256)]) for _ in '12')
    assert not torch.equal(first[0], second[0])


def test_an_impossible_dropout_is_refused():
    with pytest.raises(UserError, match='dropout_ratio=1: give a probability'):
        MODELS.build(VIDEO_HEAD | dict(dropout_ratio=1))


def test_widths_that_do_not_fit_name_the_entry_to_change():
    model = recognizer(head=VIDEO_HEAD | dict(in_channels=(1, 2, 3, 4)))
    with pytest.raises(UserError, match=r'set model\.cls_head\.in_channels=\(48, 96, 160, 256\)'):
        model(videos(), samples([0, 1, 2]), mode='loss')


STOCK = {
    'TSM-ResNet': (
        dict(type='mmaction.ResNetTSM', depth=18, num_segments=4, pretrained2d=False),
        dict(type='mmaction.TSMHead', num_classes=CLASSES, in_channels=512, num_segments=4),
    ),
    'TSN-ResNet': (
        dict(type='mmaction.ResNet', depth=18, pretrained=None, norm_eval=False),
        dict(type='mmaction.TSNHead', num_classes=CLASSES, in_channels=512),
    ),
    'TSM-MobileNetV2': (
        dict(type='mmaction.MobileNetV2TSM', num_segments=4, pretrained2d=False, widen_factor=0.5),
        dict(type='mmaction.TSMHead', num_classes=CLASSES, in_channels=1280, num_segments=4),
    ),
    'TSN-MobileNetV2': (
        dict(type='mmaction.MobileNetV2', widen_factor=0.5),
        dict(type='mmaction.TSNHead', num_classes=CLASSES, in_channels=1280),
    ),
}


@pytest.mark.parametrize('name', STOCK)
@torch.no_grad()
def test_stock_recognizers_are_networks_with_one_exit(name):
    backbone, head = STOCK[name]
    model = recognizer(dict(backbone), dict(head, average_clips='score'))
    network = multi_exit_network(model)
    assert network.exit_names == ('final',)
    assert network.num_segments == (4 if 'TSM' in name else 1)
    images, frames = fold_frames(videos())
    (logits,) = network(images)
    expected = model(videos(), samples([0, 1, 2]), mode='predict')
    for i, sample in enumerate(expected):
        torch.testing.assert_close(logits.view(3, frames, -1).mean(1)[i], sample.pred_score)
    assert {p.data_ptr() for p in network.parameters()} == {
        p.data_ptr() for p in model.parameters()
    }


@pytest.mark.parametrize(
    ('backbone', 'head', 'message'),
    [
        (
            STOCK['TSM-ResNet'][0],
            STOCK['TSM-ResNet'][1] | dict(temporal_pool=True),
            'the TSMHead has .* temporal_pool=True',
        ),
        (
            STOCK['TSM-ResNet'][0] | dict(temporal_pool=True),
            STOCK['TSM-ResNet'][1],
            'the TSMHead has .* ResNetTSM has temporal_pool=True',
        ),
        (
            BACKBONE | dict(num_segments=4),
            STOCK['TSM-ResNet'][1] | dict(in_channels=256),
            'the Recognizer2D of a DynPerceiver and a TSMHead has no exits',
        ),
        (
            STOCK['TSN-ResNet'][0],
            VIDEO_HEAD,
            'the Recognizer2D of a ResNet and a MultiExitVideoHead has no exits',
        ),
        (
            BACKBONE | dict(num_segments=4),
            VIDEO_HEAD | dict(type='MultiExitHead'),
            'the Recognizer2D of a DynPerceiver and a MultiExitHead has no exits',
        ),
        (
            STOCK['TSN-ResNet'][0],
            dict(type='mmaction.TRNHead', num_classes=CLASSES, in_channels=512),
            'Recognizer2D of a ResNet and a TRNHead has no exits',
        ),
        (
            dict(type='mmpretrain.ResNet', depth=18),
            STOCK['TSN-ResNet'][1],
            'the backbone ResNet is of mmpretrain',
        ),
    ],
)
def test_other_recognizers_are_refused(backbone, head, message):
    model = build(dict(type='mmaction.Recognizer2D', backbone=dict(backbone), cls_head=dict(head)))
    with pytest.raises(UserError, match=message):
        multi_exit_network(model)


def test_only_recognizers_of_folded_frames_have_exits():
    backbone = BACKBONE | dict(num_segments=4)
    model = build(dict(type='mmaction.Recognizer3D', backbone=backbone, cls_head=VIDEO_HEAD))
    with pytest.raises(
        UserError, match=r'the Recognizer3D of a DynPerceiver .* use a Recognizer2D'
    ):
        multi_exit_network(model)


@pytest.mark.parametrize(
    ('backbone', 'frames'),
    [
        (STOCK['TSM-ResNet'][0], 4),
        (STOCK['TSM-ResNet'][0] | dict(is_shift=False), 1),
        (
            dict(
                STOCK['TSM-ResNet'][0],
                depth=50,
                is_shift=False,
                non_local=((0,) * 3, (1, 0, 0, 0), (0,) * 6, (0,) * 3),
                non_local_cfg=dict(sub_sample=True),
            ),
            4,
        ),
        (dict(type='mmaction.TANet', depth=50, num_segments=4, tam_cfg={}), 4),
        (STOCK['TSN-ResNet'][0], 1),
        (BACKBONE | dict(num_segments=4), 4),
        (BACKBONE, 1),
    ],
)
def test_frames_that_a_backbone_sees_together(backbone, frames):
    from mmaction.registry import MODELS as ACTION_MODELS

    with DefaultScope.overwrite_default_scope('mmaction'):
        assert frames_seen_together(ACTION_MODELS.build(dict(backbone))) == frames


def test_picture_and_video_models_are_told_apart():
    video = recognizer()
    picture = MODELS.build(
        dict(
            type='mmpretrain.ImageClassifier',
            backbone=dict(BACKBONE),
            head=dict(type='MultiExitHead', num_classes=5, in_channels=(48, 96, 160, 256)),
        )
    )
    assert is_video_model(video)
    assert not is_video_model(picture)
    assert classification_head(video) is video.cls_head
    assert classification_head(picture) is picture.head


def test_a_head_for_pictures_in_a_recognizer_is_refused():
    head = dict(type='MultiExitHead', num_classes=CLASSES, in_channels=(48, 96, 160, 256))
    with pytest.raises(UserError, match=r'is for pictures: .*MultiExitVideoHead'):
        recognizer(head=head)(videos(), samples([0, 1, 2]), mode='loss')
