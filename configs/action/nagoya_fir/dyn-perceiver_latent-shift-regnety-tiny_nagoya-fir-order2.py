"""Sitting down against standing up: no shift in the CNN, only in the latent branch, which is ours.

Expected, top-1 of the last exit on the 240 test clips: 88.8 % (README.md).

    DATA_ROOT=data/nagoya_fir_action python tools/train.py \
        configs/action/nagoya_fir/dyn-perceiver_latent-shift-regnety-tiny_nagoya-fir-order2.py
"""

_base_ = './dyn-perceiver_tsn-regnety-tiny_nagoya-fir-order2.py'

model = dict(backbone=dict(latent_shift=True))
