"""A small Dyn-Perceiver for CIFAR-10: network and recipe are ours, sized for 32x32 pictures.

Expected: not known; the paper has no CIFAR results and we have not trained it. Costs: README.md.

    python tools/train.py \
        configs/classification/dyn_perceiver/dyn-perceiver_regnety-tiny_1xb64-300e_cifar10.py
"""

_base_ = [
    '../../_base_/models/dyn-perceiver_regnety-tiny_32px.py',
    '../../_base_/datasets/cifar10_bs64.py',
    '../../_base_/schedules/adamw_bs64_300e.py',
    '../../_base_/default_runtime.py',
]

model = dict(head=dict(loss=dict(type='MultiExitLoss', label_smoothing=0.1)))
