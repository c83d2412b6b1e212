"""RANet with sub-networks at scales 1, 2, 3 and 3, CIFAR-10: the published recipe and model.

Expected, published (arXiv 2003.07326, top-1 of its exits): 91.3 / 91.9 / 93.1 / 93.15 / 93.15 /
93.3 / 93.6 / 93.7. Not trained by us. Costs: README.md.

    python tools/train.py \
        configs/classification/ranet/ranet-1233_1xb64-300e_cifar10.py
"""

_base_ = [
    '../../_base_/models/ranet_cifar-1233.py',
    '../../_base_/datasets/cifar10_bs64.py',
    '../../_base_/schedules/sgd_bs64_300e.py',
    '../../_base_/default_runtime.py',
]
