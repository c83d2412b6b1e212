"""The demo: a tiny Dyn-Perceiver on the embedded digits, in minutes on two CPU cores.

python tools/train.py configs/demo/dyn-perceiver_regnety-tiny_digits.py
"""

_base_ = [
    '../_base_/models/dyn-perceiver_regnety-tiny.py',
    '../_base_/datasets/embedded_digits.py',
    '../_base_/schedules/adamw_bs64_10e.py',
    '../_base_/default_runtime.py',
]
