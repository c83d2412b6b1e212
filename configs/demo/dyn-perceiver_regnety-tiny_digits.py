"""The demo's Dyn-Perceiver, tiny, on the embedded digits: a minute on two CPU cores.

Expected, top-1 on the 1,500 test pictures: early 63.9, latent 90.5, feature 90.8, merged 91.4 %;
in other runs early has had up to 72.3, merged up to 92.1 %.
Cost per image up to each exit: 7.2 / 13.6 / 15.6 / 16.5 MMACs; 0.56 M parameters.

    python tools/train.py configs/demo/dyn-perceiver_regnety-tiny_digits.py \
        --work-dir work_dirs/ours
    python tools/budget_curve.py configs/demo/dyn-perceiver_regnety-tiny_digits.py work_dirs/ours \
        --out work_dirs/ours/report

``make demo`` trains it and its rivals and draws all of them on one page.
"""

_base_ = [
    '../_base_/models/dyn-perceiver_regnety-tiny.py',
    '../_base_/datasets/embedded_digits.py',
    '../_base_/schedules/adamw_bs64_5e.py',
    '../_base_/default_runtime.py',
]
