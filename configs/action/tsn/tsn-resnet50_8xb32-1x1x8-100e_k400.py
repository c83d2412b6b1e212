"""mmaction2's ResNet-50 as a TSN of 8 frames, Kinetics-400: one exit.

Expected: mmaction2 1.2.0 publishes 74.12 % top-1 and 91.34 % top-5 for the same network in its
model zoo, of 25 frames of ten crops. Not trained by us, for want of the data.

Cost of a video, one clip, centre crop: 32.70 GMACs (tools/get_flops.py).

From torchvision's ImageNet weights, a file of yours (without the options: from nothing):

    torchrun --nproc_per_node 8 tools/train.py \
        configs/action/tsn/tsn-resnet50_8xb32-1x1x8-100e_k400.py \
        --launcher pytorch --amp \
        --cfg-options model.backbone.pretrained=checkpoints/resnet50.pth
"""

_base_ = [
    '../../_base_/models/tsn_resnet50_8f224.py',
    '../../_base_/datasets/kinetics400_bs32_8f224.py',
    '../../_base_/schedules/sgd_bs256_100e.py',
    '../../_base_/action_runtime.py',
]

model = dict(cls_head=dict(num_classes=400))
# What mmaction2's heads write has one exit.
val_evaluator = dict(
    _delete_=True,
    type='mmaction.AccMetric',
    metric_list=('top_k_accuracy', 'mean_class_accuracy'),
)
test_evaluator = val_evaluator
