"""Dyn-Perceiver on MobileNet-v3-Large x0.75 with temporal shift, 8 frames, Something-Something V2.

Expected: not known; the paper has no numbers on this data set. Not trained by us, for want of the
data.

Cost of a video, one clip, centre crop, up to exit early / latent / feature / merged: 0.78 / 1.45 /
1.64 / 2.11 GMACs (tools/get_flops.py).

It starts from the released ImageNet weights, which are converted once:

    python tools/convert_checkpoint.py official.pth \
        checkpoints/dyn_perceiver_mobilenetv3_0.75_t128.pth \
        --model dyn_perceiver_mobilenetv3_0.75_t128

Then:

    torchrun --nproc_per_node 8 tools/train.py \
        configs/action/dyn_perceiver/dyn-perceiver_tsm-mobilenetv3-0.75_8xb8-1x1x8-50e_sthv2.py \
        --launcher pytorch --amp

To start from nothing: ``--cfg-options model.backbone.init_cfg=None``.
"""

_base_ = [
    '../../_base_/models/dyn-perceiver_mobilenetv3-0.75_8f224.py',
    '../../_base_/datasets/sthv2_bs8_8f224.py',
    '../../_base_/schedules/sgd_bs64_50e.py',
    '../../_base_/action_runtime.py',
]

model = dict(
    backbone=dict(
        init_cfg=dict(
            type='Pretrained',
            checkpoint='checkpoints/dyn_perceiver_mobilenetv3_0.75_t128.pth',
            prefix='backbone.',
        ),
    ),
    cls_head=dict(num_classes=174),
)
