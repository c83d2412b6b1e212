"""Sitting down against standing up: the same network without the shift, for which order is lost."""

_base_ = './dyn-perceiver_tsm-regnety-tiny_nagoya-fir-order2.py'

model = dict(backbone=dict(is_shift=False))
