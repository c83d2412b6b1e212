"""The demo's Dyn-Perceiver for videos without the temporal shift: order is lost on it.

Expected, top-1 on the 800 test clips: merged 51.9 % after 8 epochs, which is half, what ignoring
order allows. ``make demo`` does not train it.
"""

_base_ = './dyn-perceiver_tsm-regnety-tiny_clips.py'

model = dict(backbone=dict(is_shift=False))
