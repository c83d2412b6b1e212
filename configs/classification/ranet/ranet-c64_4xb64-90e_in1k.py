"""RANet with 64 channels, ImageNet-1k: the published recipe and model.

Expected, published (arXiv 2003.07326, ImageNet top-1 of its exits): 63.1 / 67.4 / 69.5 / 70.4 /
74.0 / 74.6 / 74.6 / 74.8. Not trained by us. Costs: README.md.

    torchrun --nproc_per_node 4 tools/train.py \
        configs/classification/ranet/ranet-c64_4xb64-90e_in1k.py \
        --launcher pytorch
"""

_base_ = './ranet-c32_4xb64-90e_in1k.py'

model = dict(
    backbone=dict(channels=64),
    head=dict(in_channels=(768, 1280, 716, 972, 975, 1231, 588, 716)),
)
