"""Costs of a detector's parts: against closed forms, and against torch's own counter."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.detection.part_costs import PartCounter, PartMacs, detector_costs
from benchmarks.detection.submodule_calls import count_call, on_the_line
from dynp_plugins.errors import UserError

from .tiny_detectors import MODELS, build, predict

PYRAMID = [16 * 24, 8 * 12, 4 * 6, 2 * 3, 1 * 2]
"""Places of the maps at strides 4 to 64 of an image of 64 x 96."""


@pytest.fixture(scope='module', params=MODELS)
def detector(request):
    return build(request.param)


def conv(places, kernel, inputs, outputs):
    return places * kernel**2 * inputs * outputs


def test_the_parts_together_are_what_torch_counts(detector):
    with PartCounter(detector) as counter:
        predict(detector)
        ours = counter.take()
    with FlopCounterMode(display=False) as theirs:
        predict(detector)
    total = sum(part.macs for part in ours.values())
    assert list(ours) == ['backbone', 'neck', 'head']
    assert min(part.macs for part in ours.values()) > 0.01 * total
    assert total == theirs.get_total_flops() / 2


def test_neck_and_head_of_a_retinanet():
    costs = detector_costs(build('RetinaNet'), (64, 96))
    neck, head = (part.cost for part in costs.parts[1:])
    lateral = sum(conv(n, 1, c, 8) for n, c in zip(PYRAMID, (8, 16, 32, 64), strict=False))
    assert neck.macs == lateral + sum(conv(n, 3, 8, 8) for n in PYRAMID[:4])
    assert neck.other_ops == 8 * sum(PYRAMID[:3])  # the nearest neighbour, once per number
    branches = 2 * conv(1, 3, 8, 8) + conv(1, 3, 8, 9 * 3) + conv(1, 3, 8, 9 * 4)
    assert head == PartMacs(sum(PYRAMID) * branches, 0)
    assert costs.parts[2].parameters == branches + 2 * 8 + 9 * 3 + 9 * 4
    assert costs.proposals is None
    assert costs.total.with_norm == costs.total.macs + costs.total.other_ops
    modules = {module.name: module for module in costs.modules}
    assert modules[''].cost == costs.total
    assert modules[''].parameters == costs.parameters
    assert modules['neck'].cost == neck
    assert modules['bbox_head.retina_reg'].cost.macs == sum(PYRAMID) * conv(1, 3, 8, 36)
    assert modules['bbox_head.retina_reg'].depth == 2
    assert costs.parts[1].by_operator == {'conv': neck.macs, 'upsample_nearest2d': neck.other_ops}


def test_normalisation_in_a_head_of_fcos():
    head = detector_costs(build('FCOS'), (64, 96)).parts[2].cost
    assert head.other_ops == 2 * 8 * sum(PYRAMID) * 5  # fvcore's price of a group normalisation
    assert head.macs == sum(PYRAMID) * (
        2 * conv(1, 3, 8, 8) + conv(1, 3, 8, 3) + conv(1, 3, 8, 4) + conv(1, 3, 8, 1)
    )


def test_the_second_stage_costs_as_much_as_there_are_proposals():
    costs = detector_costs(build('FasterRCNN'), (64, 96))
    rpn = sum(PYRAMID) * (conv(1, 3, 8, 8) + conv(1, 1, 8, 3) + conv(1, 1, 8, 12))
    per_region = 8 * 49 * 16 + 16 * 16 + 16 * (3 + 1) + 16 * 4 * 3
    assert costs.proposals > 3
    assert costs.parts[2].cost.macs == rpn + costs.proposals * per_region
    assert costs.parts[2].cost.other_ops == costs.proposals * 4 * 8 * 49  # RoIAlign
    modules = {module.name: module.cost.macs for module in costs.modules}
    assert modules['rpn_head'] == rpn
    assert modules['roi_head'] == costs.proposals * per_region


def test_a_line_through_few_regions_gives_what_a_count_of_all_gives():
    detector = build('FasterRCNN')
    head = detector.roi_head.bbox_head
    small = [count_call('h', head, (torch.zeros(n, 8, 7, 7),), {}) for n in (1, 2, 3)]
    assert on_the_line(small, 37) == count_call('h', head, (torch.zeros(37, 8, 7, 7),), {})
    maps = [torch.zeros(1, 8, 64 // stride, 96 // stride) for stride in (4, 8, 16, 32)]
    corners = torch.rand(37, 2, generator=torch.Generator().manual_seed(0)) * 30
    regions = torch.cat([torch.zeros(37, 1), corners, corners + 30], dim=1)
    extract = detector.roi_head.bbox_roi_extractor
    small = [count_call('e', extract, (maps, regions[:n]), {}) for n in (1, 2, 3)]
    assert on_the_line(small, 37)['e'] == count_call('e', extract, (maps, regions), {})['e']


class AmongRegions(nn.Module):
    """A layer of a RoI head in which every region looks at every other one."""

    def forward(self, regions):
        return (regions @ regions.t()) @ regions


def test_regions_that_are_mixed_are_counted_all():
    detector = build('FasterRCNN')
    plain = detector_costs(detector, (64, 96))
    fully_connected = detector.roi_head.bbox_head.fc_cls
    detector.roi_head.bbox_head.fc_cls = nn.Sequential(fully_connected, AmongRegions())
    mixed = detector_costs(detector, (64, 96))
    assert mixed.proposals == plain.proposals
    assert mixed.total.macs - plain.total.macs == plain.proposals**2 * (4 + 4)


def test_costs_are_of_what_ran_since_the_last_take():
    detector = build('RetinaNet')
    with PartCounter(detector) as counter:
        predict(detector)
        once = counter.take()
        nothing = counter.take()
        predict(detector)
        predict(detector, height=128)
        thrice = counter.take()
    assert set(nothing.values()) == {PartMacs()}
    for part in once:  # twice the height is twice the cost, but for the map of one row
        assert thrice[part].macs == pytest.approx(3 * once[part].macs, rel=0.01)
    assert once == detector_costs(detector, (64, 96)).costs


def test_calls_of_a_known_kind_are_not_counted_again(monkeypatch):
    detector = build('FasterRCNN')
    counter = PartCounter(detector)
    with counter:
        predict(detector)
        first, regions = counter.take(), counter.regions
    assert regions is None
    monkeypatch.setattr(
        'benchmarks.detection.part_costs.count_call', lambda *_: pytest.fail('counted again')
    )
    with counter:
        predict(detector, seed=1)  # another number of proposals, maybe
        second, proposals = counter.regions, counter.take()
    assert first['backbone'] == proposals['backbone']
    assert second > 0


def test_counting_leaves_the_detector_as_it_is(detector):
    detector.data_preprocessor.train()
    before = {name: value.clone() for name, value in detector.state_dict().items()}
    modes = [module.training for module in detector.modules()]
    torch.manual_seed(0)
    expected, drawn = predict(detector)[0].pred_instances, torch.rand(1)
    torch.manual_seed(0)
    with PartCounter(detector) as counter:
        counted, drawn_while_counting = predict(detector)[0].pred_instances, torch.rand(1)
        assert counter.take()['head'].macs > 0
    detector_costs(detector, (64, 64))
    assert counted.bboxes.equal(expected.bboxes)
    assert counted.scores.equal(expected.scores)
    assert drawn.equal(drawn_while_counting)
    assert [module.training for module in detector.modules()] == modes
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in detector.modules())
    assert all(value.equal(before[name]) for name, value in detector.state_dict().items())


class Unpriced(nn.Module):
    def forward(self, maps):
        return [torch.linalg.svd(level)[0] for level in maps]


def test_an_operator_that_nobody_has_priced_is_an_error():
    detector = build('RetinaNet')
    detector.neck = Unpriced()
    with pytest.raises(UserError, match=r'cannot count Unpriced: .* aten::linalg_svd'):
        detector_costs(detector, (64, 96))


class Nested(nn.Module):
    """Takes what tracers do not: maps in a dict, a scale, and keywords."""

    def forward(self, maps, *, scale, other=None):
        return {'sum': [maps['a'] @ maps['b'][0] * scale], 'other': other}


def test_inputs_of_any_structure():
    maps = {'a': torch.ones(2, 3), 'b': [torch.ones(3, 5)]}
    counts = count_call('some.module', Nested(), (maps,), {'scale': 2.0, 'other': torch.ones(1)})
    assert counts == {'some.module': {'matmul': 2 * 3 * 5}}
