"""Sitting down against standing up: the same network without the shift, for which order is lost.

Expected, top-1 of the last exit on the 240 test clips: 54.6 %, that is chance (README.md).

    DATA_ROOT=data/nagoya_fir_action python tools/train.py \
        configs/action/nagoya_fir/dyn-perceiver_tsn-regnety-tiny_nagoya-fir-order2.py
"""

_base_ = './dyn-perceiver_tsm-regnety-tiny_nagoya-fir-order2.py'

model = dict(backbone=dict(is_shift=False))
