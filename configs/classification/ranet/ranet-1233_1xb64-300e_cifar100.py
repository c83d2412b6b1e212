"""RANet with sub-networks at scales 1, 2, 3 and 3, CIFAR-100: the published recipe and model.

Expected: no numbers of its exits are known to us, and we have not trained it. Costs: README.md.

    python tools/train.py \
        configs/classification/ranet/ranet-1233_1xb64-300e_cifar100.py
"""

_base_ = [
    '../../_base_/models/ranet_cifar-1233.py',
    '../../_base_/datasets/cifar100_bs64.py',
    '../../_base_/schedules/sgd_bs64_300e.py',
    '../../_base_/default_runtime.py',
]

model = dict(head=dict(num_classes=100))
