"""MSDNet with 7 exits, CIFAR-100: the published recipe and model.

Expected: no numbers of its exits are known to us, and we have not trained it. Costs: README.md.

    python tools/train.py \
        configs/classification/msdnet/msdnet-step2-b7_1xb64-300e_cifar100.py
"""

_base_ = [
    '../../_base_/models/msdnet_cifar-step2-b7.py',
    '../../_base_/datasets/cifar100_bs64.py',
    '../../_base_/schedules/sgd_bs64_300e.py',
    '../../_base_/default_runtime.py',
]

model = dict(head=dict(num_classes=100))
