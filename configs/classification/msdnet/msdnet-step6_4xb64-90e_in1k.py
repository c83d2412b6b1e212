"""MSDNet with 5 blocks of 6 layers, ImageNet-1k: the published recipe and model.

Expected: no numbers of its exits are known to us, and we have not trained it. Costs: README.md.

    torchrun --nproc_per_node 4 tools/train.py \
        configs/classification/msdnet/msdnet-step6_4xb64-90e_in1k.py \
        --launcher pytorch
"""

_base_ = './msdnet-step4_4xb64-90e_in1k.py'

model = dict(
    backbone=dict(base=6, step=6),
    head=dict(in_channels=(512, 544, 496, 880, 792)),
)
