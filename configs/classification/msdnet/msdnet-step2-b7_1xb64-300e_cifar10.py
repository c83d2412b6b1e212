"""MSDNet with 7 exits, CIFAR-10: the published recipe and model.

Expected: no numbers of its exits are known to us, and we have not trained it. Costs: README.md.

    python tools/train.py \
        configs/classification/msdnet/msdnet-step2-b7_1xb64-300e_cifar10.py
"""

_base_ = [
    '../../_base_/models/msdnet_cifar-step2-b7.py',
    '../../_base_/datasets/cifar10_bs64.py',
    '../../_base_/schedules/sgd_bs64_300e.py',
    '../../_base_/default_runtime.py',
]
