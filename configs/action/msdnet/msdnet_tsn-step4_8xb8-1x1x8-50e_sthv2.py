"""MSDNet with 5 exits as a TSN of 8 frames, Something-Something V2: a rival with early exits.

Expected: not known to us. Not trained by us, for want of the data.

Cost of a video, one clip, centre crop, up to exit exit1 / exit2 / exit3 / exit4 / exit5: 2.03 /
4.89 / 7.68 / 9.99 / 10.83 GMACs (tools/get_flops.py).

It starts from the authors' ImageNet weights, which are converted once:

    python tools/convert_checkpoint.py official.pth.tar checkpoints/msdnet_imagenet_step4.pth \
        --model msdnet_imagenet_step4

Then:

    torchrun --nproc_per_node 8 tools/train.py \
        configs/action/msdnet/msdnet_tsn-step4_8xb8-1x1x8-50e_sthv2.py \
        --launcher pytorch --amp

To start from nothing: ``--cfg-options model.backbone.init_cfg=None``.
"""

_base_ = [
    '../../_base_/models/msdnet_imagenet-step4_8f224.py',
    '../../_base_/datasets/sthv2_bs8_8f224.py',
    '../../_base_/schedules/sgd_bs64_50e.py',
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
    cls_head=dict(num_classes=174),
)
# Its exits have convolutions, which learn as fast as the others.
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys={'cls_head.heads.classifiers': dict(lr_mult=1.0)})
)
