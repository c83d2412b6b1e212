"""Dyn-Perceiver on ResNet-18, ImageNet-1k: the published recipe of the family.

Expected: not known; the paper publishes no single number for this size and we have not trained it.
Latent tokens, depth and learning rate are those of the released ResNet-50 x0.375. Costs: README.md.

    torchrun --nproc_per_node 8 tools/train.py \
        configs/classification/dyn_perceiver/dyn-perceiver_resnet18_8xb128-300e_in1k.py \
        --launcher pytorch --amp
"""

_base_ = './dyn-perceiver_resnet50-0.375_8xb128-300e_in1k.py'

model = dict(
    backbone=dict(arch='resnet18', width=1.0),
    head=dict(in_channels=(128, 256, 512, 768)),
)
