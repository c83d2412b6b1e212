"""The demo's Dyn-Perceiver for videos without the temporal shift: order is lost on it."""

_base_ = './dyn-perceiver_tsm-regnety-tiny_clips.py'

model = dict(backbone=dict(is_shift=False))
