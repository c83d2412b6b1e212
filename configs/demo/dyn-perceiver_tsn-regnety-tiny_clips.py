"""The demo's Dyn-Perceiver for videos without the temporal shift: order is lost on it.

Expected, top-1 on the 800 test clips: early 45.9, latent 47.8, feature 50.9, merged 51.3 %, as much
as ignoring order allows; with the shift merged has 94.8 %. ``make demo`` does not train it:

    python tools/train.py configs/demo/dyn-perceiver_tsn-regnety-tiny_clips.py \
        --work-dir work_dirs/clips-unshifted
"""

_base_ = './dyn-perceiver_tsm-regnety-tiny_clips.py'

model = dict(backbone=dict(is_shift=False))
