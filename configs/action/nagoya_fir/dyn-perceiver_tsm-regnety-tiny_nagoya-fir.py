"""A tiny Dyn-Perceiver with temporal shift on seven thermal actions."""

_base_ = [
    '../../_base_/models/dyn-perceiver_regnety-tiny_8f48.py',
    '../../_base_/datasets/nagoya_fir_8f48.py',
    '../../_base_/schedules/adamw_bs32_24e.py',
    '../../_base_/action_runtime.py',
]

model = dict(cls_head=dict(num_classes=7))
