"""Dyn-Perceiver on RegNet-Y-1.6GF, ImageNet-1k: the published recipe.

Expected: not known; the paper publishes no single number for this size and we have not trained it.
Latent tokens and depth are those of the released RegNet-Y-800MF. Costs: README.md.

    torchrun --nproc_per_node 8 tools/train.py \
        configs/classification/dyn_perceiver/dyn-perceiver_regnety-1.6gf_8xb128-300e_in1k.py \
        --launcher pytorch --amp
"""

_base_ = './dyn-perceiver_regnety-800mf_8xb128-300e_in1k.py'

model = dict(
    backbone=dict(arch='regnety_1.6gf'),
    head=dict(in_channels=(120, 336, 888, 1224)),
)
