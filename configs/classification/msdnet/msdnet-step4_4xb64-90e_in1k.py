"""MSDNet with 5 blocks of 4 layers, ImageNet-1k: the published recipe and model.

Expected: no numbers of its exits are known to us, and we have not trained it. Costs: README.md.

    torchrun --nproc_per_node 4 tools/train.py \
        configs/classification/msdnet/msdnet-step4_4xb64-90e_in1k.py \
        --launcher pytorch
"""

_base_ = [
    '../../_base_/models/msdnet_imagenet-step4.py',
    '../../_base_/datasets/imagenet_bs64_224_light.py',
    '../../_base_/schedules/sgd_bs256_90e.py',
    '../../_base_/default_runtime.py',
]
