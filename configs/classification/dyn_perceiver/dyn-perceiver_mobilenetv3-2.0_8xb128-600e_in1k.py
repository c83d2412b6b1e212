"""Dyn-Perceiver on MobileNet-v3-Large x2.0, ImageNet-1k: the published recipe of the family.

Expected: not known; the paper publishes no single number for this size and we have not trained it.
Latent tokens and depth are those of the released MobileNet-v3 x0.75. Costs: README.md.

    torchrun --nproc_per_node 8 tools/train.py \
        configs/classification/dyn_perceiver/dyn-perceiver_mobilenetv3-2.0_8xb128-600e_in1k.py \
        --launcher pytorch --amp
"""

_base_ = './dyn-perceiver_mobilenetv3-0.75_8xb128-600e_in1k.py'

model = dict(
    backbone=dict(width=2.0),
    head=dict(in_channels=(160, 320, 1920, 2240), heads=dict(hidden_channels=2560)),
)
