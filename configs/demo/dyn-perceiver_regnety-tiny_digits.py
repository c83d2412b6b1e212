"""The demo's Dyn-Perceiver, tiny, on the embedded digits: a minute on two CPU cores.

Expected, top-1 on the 1,500 test pictures: early 82.5, latent 92.9, feature 93.5, merged 93.5 %;
in other runs, different by rounding alone, early has had down to 63.9, merged down to 91.4 %.
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
