"""MSDNet with 5 blocks of 7 layers, ImageNet-1k: the published recipe and model.

Expected, published (arXiv 1703.09844, the released model for budgeted batches; ImageNet top-1 of
the five exits): 62.9 / 70.3 / 73.0 / 73.6 / 74.6. Not trained by us. Costs: README.md.

    torchrun --nproc_per_node 4 tools/train.py \
        configs/classification/msdnet/msdnet-step7_4xb64-90e_in1k.py \
        --launcher pytorch
"""

_base_ = './msdnet-step4_4xb64-90e_in1k.py'

model = dict(
    backbone=dict(base=7, step=7),
    head=dict(in_channels=(576, 640, 608, 528, 976)),
)
