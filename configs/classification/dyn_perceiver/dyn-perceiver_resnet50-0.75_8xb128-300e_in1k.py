"""Dyn-Perceiver on ResNet-50 x0.75, ImageNet-1k: the published recipe of the family.

Expected: not known; the paper publishes no single number for this size and we have not trained it.
Latent tokens, depth and learning rate are those of the released ResNet-50 x0.375. Costs: README.md.

    torchrun --nproc_per_node 8 tools/train.py \
        configs/classification/dyn_perceiver/dyn-perceiver_resnet50-0.75_8xb128-300e_in1k.py \
        --launcher pytorch --amp
"""

_base_ = './dyn-perceiver_resnet50-0.375_8xb128-300e_in1k.py'

model = dict(
    backbone=dict(width=0.75),
    head=dict(in_channels=(384, 768, 1536, 2304)),
)
