"""mmaction2's MobileNet-v2 as a TSN of 8 frames, Something-Something V2: one exit.

Expected: not known to us. Not trained by us, for want of the data.

Cost of a video, one clip, centre crop: 2.40 GMACs (tools/get_flops.py).

From mmpretrain's ImageNet weights, whose file README.md tells how to make (without the options:
from nothing):

    torchrun --nproc_per_node 8 tools/train.py \
        configs/action/tsn/tsn-mobilenetv2_8xb8-1x1x8-50e_sthv2.py \
        --launcher pytorch --amp \
        --cfg-options model.backbone.pretrained=checkpoints/mobilenet_v2.pth
"""

_base_ = [
    '../../_base_/models/tsn_mobilenetv2_8f224.py',
    '../../_base_/datasets/sthv2_bs8_8f224.py',
    '../../_base_/schedules/sgd_bs64_50e.py',
    '../../_base_/action_runtime.py',
]

model = dict(cls_head=dict(num_classes=174))
# What mmaction2's heads write has one exit.
val_evaluator = dict(
    _delete_=True,
    type='mmaction.AccMetric',
    metric_list=('top_k_accuracy', 'mean_class_accuracy'),
)
test_evaluator = val_evaluator
