"""mmaction2's ResNet-50 with temporal shift, 8 frames, Kinetics-400: one exit.

Expected: mmaction2 1.2.0 publishes 73.18 % top-1 and 90.56 % top-5 for the same network in its
model zoo, of ten crops of 8 frames, with other steps of the learning rate. Not trained by us, for
want of the data.

Cost of a video, one clip, centre crop: 32.70 GMACs (tools/get_flops.py).

From torchvision's ImageNet weights, a file of yours (without the options: from nothing):

    torchrun --nproc_per_node 8 tools/train.py \
        configs/action/tsm/tsm-resnet50_8xb8-1x1x8-50e_k400.py \
        --launcher pytorch --amp \
        --cfg-options model.backbone.pretrained=checkpoints/resnet50.pth \
        model.backbone.pretrained2d=True
"""

_base_ = [
    '../../_base_/models/tsm_resnet50_8f224.py',
    '../../_base_/datasets/kinetics400_bs32_8f224.py',
    '../../_base_/schedules/sgd_bs64_50e.py',
    '../../_base_/action_runtime.py',
]

model = dict(cls_head=dict(num_classes=400))
# TSM's recipe for this data set: less weight decay than on Something-Something.
optim_wrapper = dict(optimizer=dict(weight_decay=1e-4))
train_dataloader = dict(batch_size=8)
# What mmaction2's heads write has one exit.
val_evaluator = dict(
    _delete_=True,
    type='mmaction.AccMetric',
    metric_list=('top_k_accuracy', 'mean_class_accuracy'),
)
test_evaluator = val_evaluator
