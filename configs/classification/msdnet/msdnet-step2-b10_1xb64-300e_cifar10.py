"""MSDNet with 10 exits, CIFAR-10: the published recipe and model.

Expected, published (arXiv 1703.09844, top-1 of its exits): 89.5 / 90.8 / 91.5 / 92.6 / 93.0 / 93.2
/ 93.6 / 93.6 / 93.7 / 93.7. Not trained by us. Costs: README.md.

    python tools/train.py \
        configs/classification/msdnet/msdnet-step2-b10_1xb64-300e_cifar10.py
"""

_base_ = './msdnet-step2-b7_1xb64-300e_cifar10.py'

model = dict(
    backbone=dict(num_blocks=10),
    head=dict(in_channels=(160, 208, 256, 164, 212, 260, 308, 188, 236, 284)),
)
