"""Backbone, head and metric inside mmpretrain.ImageClassifier."""

import pytest
import torch
from mmengine.registry import MODELS, DefaultScope
from mmpretrain.structures import DataSample

import dynp_plugins.openmmlab  # noqa: F401
from dynp_plugins import UserError, create_model
from dynp_plugins.checkpoints import convert_checkpoint
from dynp_plugins.early_exit import label_rank
from dynp_plugins.openmmlab.classifiers import multi_exit_network
from dynp_plugins.openmmlab.metrics import MultiExitAccuracy

NAMES = ('early', 'latent', 'feature', 'merged')


def build(num_classes=10, in_channels=None, **backbone):
    backbone = dict(type='DynPerceiver', arch='regnety_tiny', num_latents=16) | backbone
    in_channels = in_channels or MODELS.build(backbone).exit_channels
    return MODELS.build(
        dict(
            type='mmpretrain.ImageClassifier',
            backbone=backbone,
            head=dict(type='MultiExitHead', num_classes=num_classes, in_channels=in_channels),
        )
    ).eval()


def images(batch=2):
    return torch.randn(batch, 3, 64, 64, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def test_tensor_mode_gives_all_logits():
    model = build()
    logits = model(images(), mode='tensor')
    assert isinstance(logits, tuple)
    assert [tuple(y.shape) for y in logits] == [(2, 10)] * 4
    assert all(map(torch.equal, logits, multi_exit_network(model)(images())))


@torch.no_grad()
def test_predict_mode_fills_the_samples_from_the_last_exit():
    model = build()
    samples = [DataSample().set_gt_label(i) for i in range(2)]
    out = model(images(), samples, mode='predict')
    logits = model(images(), mode='tensor')
    for i, sample in enumerate(out):
        assert sample is samples[i]
        torch.testing.assert_close(sample.pred_score, logits[-1][i].softmax(-1))
        assert sample.pred_label.item() == logits[-1][i].argmax().item()
        assert sample.exit_names == NAMES
        for k in range(4):
            torch.testing.assert_close(sample.exit_scores[k], logits[k][i].softmax(-1))
    assert len(model(images(), mode='predict')) == 2  # without data samples too


@pytest.mark.parametrize('soft', [False, True])
def test_loss_mode(soft):
    model = build().train()
    samples = [DataSample().set_gt_label(i) for i in range(4)]
    if soft:
        for sample in samples:
            sample.set_gt_score(torch.full((10,), 0.1))
    losses = model(images(4), samples, mode='loss')
    assert {f'loss_ce_{name}' for name in NAMES} < set(losses)
    sum(losses.values()).backward()
    assert all(p.grad is not None for p in model.parameters())


def test_usable_from_every_scope():
    for scope in ('mmengine', 'mmpretrain', 'mmdet', 'mmaction'):
        with DefaultScope.overwrite_default_scope(scope):
            assert MODELS.get('DynPerceiver').__name__ == 'DynPerceiver'
            assert MODELS.get('MultiExitHead').__name__ == 'MultiExitHead'


def test_in_channels_that_do_not_fit_are_named():
    model = build(in_channels=(64, 128, 192, 321))
    with pytest.raises(UserError, match=r'321.*set model\.head\.in_channels=\('):
        model(images(), mode='tensor')


@torch.no_grad()
def test_backbone_starts_from_a_converted_checkpoint(reference, tmp_path):
    """init_cfg with a prefix loads the backbone part and nothing else."""
    name = 'reg800m_perceiver_t128_d1112'
    torch.save({'model': reference.state_dict(name)}, tmp_path / 'official.pth')
    settings = dict(depth_factor=(1, 1, 1, 2))
    arguments = tmp_path / 'official.pth', tmp_path / 'ours.pth', 'dyn_perceiver_regnety_800mf'
    convert_checkpoint(*arguments, **settings)
    backbone = MODELS.build(
        dict(
            type='DynPerceiver',
            arch='regnety_800mf',
            **settings,
            init_cfg=dict(
                type='Pretrained', checkpoint=str(tmp_path / 'ours.pth'), prefix='backbone.'
            ),
        )
    )
    backbone.init_weights()
    expected = create_model(arguments[2], checkpoint=arguments[1], **settings).backbone
    for key, value in expected.state_dict().items():
        assert torch.equal(backbone.state_dict()[key], value), key


def test_label_rank():
    scores = torch.tensor([[0.1, 0.7, 0.2], [0.5, 0.2, 0.3]])
    assert label_rank(scores, torch.tensor([1])).tolist() == [0, 2]
    assert label_rank(scores, torch.tensor([2])).tolist() == [1, 1]


def test_label_rank_of_ties_prefers_the_lower_class():
    constant = torch.full((1, 4), 0.25)
    assert [label_rank(constant, torch.tensor([c])).item() for c in range(4)] == [0, 1, 2, 3]


def evaluate(metric, scores, labels):
    samples = []
    for score, label in zip(scores, labels, strict=True):
        sample = DataSample(metainfo={'exit_names': ('early', 'merged')}, exit_scores=score)
        samples.append(sample.set_gt_label(label))
    metric.process(None, [sample.to_dict() for sample in samples])
    return metric.evaluate(len(samples))


def test_metric_by_hand():
    scores = torch.tensor(
        [
            [[0.7, 0.2, 0.1], [0.1, 0.2, 0.7]],
            [[0.7, 0.2, 0.1], [0.2, 0.7, 0.1]],
            [[0.1, 0.2, 0.7], [0.3, 0.4, 0.3]],
            [[0.1, 0.2, 0.7], [0.2, 0.1, 0.7]],
        ]
    )
    metrics = evaluate(MultiExitAccuracy(topk=(1, 2)), scores, [0, 1, 2, 2])
    assert metrics == {
        'accuracy/early_top1': 75.0,
        'accuracy/early_top2': 100.0,
        'accuracy/merged_top1': 50.0,
        'accuracy/merged_top2': 50.0,
    }


def test_mean_class_accuracy_counts_rare_classes_as_much_as_frequent_ones():
    right, wrong = [0.9, 0.05, 0.05], [0.05, 0.9, 0.05]
    scores = torch.tensor([[right, wrong]] * 3 + [[right, right]])  # of class 0 three, of 2 one
    metrics = evaluate(MultiExitAccuracy(topk=1, mean_class=True), scores, [0, 0, 0, 2])
    assert metrics['accuracy/early_top1'] == 75
    assert metrics['accuracy/early_mean1'] == 50  # class 1 has no sample and does not count
    assert metrics['accuracy/merged_mean1'] == 0
    assert 'accuracy/early_mean1' not in evaluate(MultiExitAccuracy(topk=1), scores, [0, 0, 0, 2])


def test_metric_refuses_samples_without_a_label():
    with pytest.raises(UserError, match='the samples have no labels'):
        evaluate(MultiExitAccuracy(topk=1), torch.rand(1, 2, 3), [-1])


def test_metric_refuses_more_than_the_classes():
    with pytest.raises(UserError, match='only 3 classes; lower topk'):
        evaluate(MultiExitAccuracy(topk=(1, 5)), torch.rand(1, 2, 3), [0])


def test_metric_refuses_labels_beyond_the_classes():
    with pytest.raises(UserError, match='label 3, but the network has only 3 classes'):
        evaluate(MultiExitAccuracy(topk=(1,)), torch.rand(1, 2, 3), [3])


def test_metric_refuses_other_heads():
    with pytest.raises(UserError, match='head is a MultiExitHead'):
        MultiExitAccuracy().process(None, [{'pred_score': torch.rand(3)}])
