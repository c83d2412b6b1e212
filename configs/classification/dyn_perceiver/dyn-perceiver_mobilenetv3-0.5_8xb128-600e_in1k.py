"""Dyn-Perceiver on MobileNet-v3-Large x0.5, ImageNet-1k: the published recipe of the family.

Expected: not known; the paper publishes no single number for this size and we have not trained it.
Latent tokens and depth are those of the released MobileNet-v3 x0.75. Costs: README.md.

    torchrun --nproc_per_node 8 tools/train.py \
        configs/classification/dyn_perceiver/dyn-perceiver_mobilenetv3-0.5_8xb128-600e_in1k.py \
        --launcher pytorch --amp
"""

_base_ = './dyn-perceiver_mobilenetv3-0.75_8xb128-600e_in1k.py'

model = dict(
    backbone=dict(width=0.5),
    head=dict(in_channels=(40, 80, 480, 560), heads=dict(hidden_channels=640)),
)
