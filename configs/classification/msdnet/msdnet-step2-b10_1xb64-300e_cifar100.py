"""MSDNet with 10 exits, CIFAR-100: the published recipe and model.

Expected, published (arXiv 1703.09844, top-1 of its exits): 61.4 / 64.6 / 67.5 / 69.5 / 70.8 / 72.1
/ 72.7 / 73.9 / 74.0 / 74.1. Not trained by us. Costs: README.md.

    python tools/train.py \
        configs/classification/msdnet/msdnet-step2-b10_1xb64-300e_cifar100.py
"""

_base_ = './msdnet-step2-b7_1xb64-300e_cifar100.py'

model = dict(
    backbone=dict(num_blocks=10),
    head=dict(in_channels=(160, 208, 256, 164, 212, 260, 308, 188, 236, 284)),
)
