"""Dyn-Perceiver on ResNet-50 x0.375 as a TSN of 8 frames, UCF-101, split 1.

Expected: not known; the paper has no numbers on this data set. Not trained by us, for want of the
data.

Cost of a video, one clip, centre crop, up to exit early / latent / feature / merged: 4.95 / 8.05 /
8.96 / 9.49 GMACs (tools/get_flops.py).

From weights trained on Kinetics-400 it does better as a rule: give ``--cfg-options
model.backbone.init_cfg.checkpoint=`` the last checkpoint of
``dyn-perceiver_tsn-resnet50-0.375_8xb32-1x1x8-100e_k400.py``.

It starts from the released ImageNet weights, which are converted once:

    python tools/convert_checkpoint.py official.pth \
        checkpoints/dyn_perceiver_resnet50_0.375_t128.pth \
        --model dyn_perceiver_resnet50_0.375_t128

Then:

    torchrun --nproc_per_node 8 tools/train.py \
        configs/action/dyn_perceiver/dyn-perceiver_tsn-resnet50-0.375_8xb16-1x1x8-80e_ucf101.py \
        --launcher pytorch --amp

To start from nothing: ``--cfg-options model.backbone.init_cfg=None``.
"""

_base_ = [
    '../../_base_/models/dyn-perceiver_resnet50-0.375_8f224.py',
    '../../_base_/datasets/ucf101_bs16_8f224.py',
    '../../_base_/schedules/sgd_bs128_80e.py',
    '../../_base_/action_runtime.py',
]

model = dict(
    backbone=dict(
        num_segments=1,  # the frames do not see each other
        init_cfg=dict(
            type='Pretrained',
            checkpoint='checkpoints/dyn_perceiver_resnet50_0.375_t128.pth',
            prefix='backbone.',
        ),
    ),
    cls_head=dict(num_classes=101),
)
