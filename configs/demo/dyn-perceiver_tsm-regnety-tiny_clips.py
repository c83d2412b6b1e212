"""The demo's Dyn-Perceiver for videos, tiny, with temporal shift, on the embedded clips."""

_base_ = [
    '../_base_/models/dyn-perceiver_regnety-tiny_8f48.py',
    '../_base_/datasets/embedded_clips.py',
    '../_base_/schedules/adamw_bs32_7e.py',
    '../_base_/action_runtime.py',
]
