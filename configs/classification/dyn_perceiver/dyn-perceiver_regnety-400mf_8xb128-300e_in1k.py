"""Dyn-Perceiver on RegNet-Y-400MF, ImageNet-1k: the published recipe.

Expected: not known; the paper publishes no single number for this size and we have not trained it.
128 latent tokens as in the released RegNet-Y-800MF. Costs: README.md.

    torchrun --nproc_per_node 8 tools/train.py \
        configs/classification/dyn_perceiver/dyn-perceiver_regnety-400mf_8xb128-300e_in1k.py \
        --launcher pytorch --amp
"""

_base_ = './dyn-perceiver_regnety-800mf_8xb128-300e_in1k.py'

model = dict(
    backbone=dict(arch='regnety_400mf', depth_factor=(1, 1, 1, 1)),
    head=dict(in_channels=(104, 208, 440, 648)),
)
