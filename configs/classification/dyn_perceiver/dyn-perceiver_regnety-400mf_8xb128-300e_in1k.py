"""Dyn-Perceiver on RegNet-Y-400MF, ImageNet-1k: the published recipe.

Expected: not known; the paper publishes no single number for this size and we have not trained it.
Cost per image up to each exit: 0.261 / 0.449 / 0.586 / 0.609 GMACs; 10.0 M parameters.

    torchrun --nproc_per_node 8 tools/train.py \
        configs/classification/dyn_perceiver/dyn-perceiver_regnety-400mf_8xb128-300e_in1k.py \
        --launcher pytorch --amp
"""

_base_ = [
    '../../_base_/models/dyn-perceiver_regnety-400mf.py',
    '../../_base_/datasets/imagenet_bs128_224.py',
    '../../_base_/schedules/adamw_bs1024_300e.py',
    '../../_base_/default_runtime.py',
]

model = dict(
    head=dict(loss=dict(type='MultiExitLoss', label_smoothing=0.1)),
    train_cfg=dict(
        augments=[
            dict(type='mmpretrain.Mixup', alpha=0.8),
            dict(type='mmpretrain.CutMix', alpha=1.0),
        ]
    ),
)
