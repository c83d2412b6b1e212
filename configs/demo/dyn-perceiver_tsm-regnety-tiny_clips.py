"""The demo's Dyn-Perceiver for videos, tiny, with temporal shift, on the embedded clips.

Expected, top-1 on the 800 test clips: early 78.1, latent 93.5, feature 94.0, merged 94.8 %. Cost of
a clip up to each exit: 33.6 / 63.4 / 72.5 / 76.8 MMACs. Two minutes on two CPU cores:

    python tools/train.py configs/demo/dyn-perceiver_tsm-regnety-tiny_clips.py \
        --work-dir work_dirs/clips

``make demo`` and ``make demo-action`` train it and draw its curve.
"""

_base_ = [
    '../_base_/models/dyn-perceiver_regnety-tiny_8f48.py',
    '../_base_/datasets/embedded_clips.py',
    '../_base_/schedules/adamw_bs32_6e.py',
    '../_base_/action_runtime.py',
]
