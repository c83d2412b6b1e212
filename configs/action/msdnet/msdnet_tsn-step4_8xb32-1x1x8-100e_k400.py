"""MSDNet with 5 exits as a TSN of 8 frames, Kinetics-400: a rival with early exits.

Expected: not known to us. Not trained by us, for want of the data.

Cost of a video, one clip, centre crop, up to exit exit1 / exit2 / exit3 / exit4 / exit5: 2.03 /
4.89 / 7.68 / 9.99 / 10.84 GMACs (tools/get_flops.py).

It starts from the authors' ImageNet weights, which are converted once:

    python tools/convert_checkpoint.py official.pth.tar checkpoints/msdnet_imagenet_step4.pth \
        --model msdnet_imagenet_step4

Then:

    torchrun --nproc_per_node 8 tools/train.py \
        configs/action/msdnet/msdnet_tsn-step4_8xb32-1x1x8-100e_k400.py \
        --launcher pytorch --amp

To start from nothing: ``--cfg-options model.backbone.init_cfg=None``.
"""

_base_ = [
    '../../_base_/models/msdnet_imagenet-step4_8f224.py',
    '../../_base_/datasets/kinetics400_bs32_8f224.py',
    '../../_base_/schedules/sgd_bs256_100e.py',
    '../../_base_/action_runtime.py',
]

model = dict(
    backbone=dict(
        init_cfg=dict(
            type='Pretrained',
            checkpoint='checkpoints/msdnet_imagenet_step4.pth',
            prefix='backbone.',
        ),
    ),
    cls_head=dict(num_classes=400),
)
