"""Dyn-Perceiver on RegNet-Y-800MF, ImageNet-1k: the published recipe and model.

Expected, published weights (arXiv 2306.11248, ImageNet top-1 of exits early / latent / feature /
merged in the order they were released): 68.62 / 78.32 / 79.15 / 79.86. Not trained by us. Costs:
README.md.

    torchrun --nproc_per_node 8 tools/train.py \
        configs/classification/dyn_perceiver/dyn-perceiver_regnety-800mf_8xb128-300e_in1k.py \
        --launcher pytorch --amp
"""

_base_ = [
    '../../_base_/models/dyn-perceiver_regnety-800mf.py',
    '../../_base_/datasets/imagenet_bs128_224.py',
    '../../_base_/schedules/adamw_bs1024_300e.py',
    '../../_base_/default_runtime.py',
]

model = dict(
    head=dict(loss=dict(type='MultiExitLoss', label_smoothing=0.1)),
    train_cfg=dict(augments=_base_.batch_augments),
)
