"""RegNet-Y-400MF of torchvision as a network with one exit, ImageNet-1k.

Expected: not trained by us. The recipe is Dyn-Perceiver's, not its authors'. Costs: README.md.

    torchrun --nproc_per_node 8 tools/train.py \
        configs/classification/static/static-regnety-400mf_8xb128-300e_in1k.py \
        --launcher pytorch --amp
"""

_base_ = [
    '../../_base_/models/static.py',
    '../../_base_/datasets/imagenet_bs128_224.py',
    '../../_base_/schedules/adamw_bs1024_300e.py',
    '../../_base_/default_runtime.py',
]

model = dict(
    head=dict(loss=dict(type='MultiExitLoss', label_smoothing=0.1)),
    train_cfg=dict(augments=_base_.batch_augments),
)
