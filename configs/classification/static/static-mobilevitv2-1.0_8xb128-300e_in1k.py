"""MobileViTv2-1.0 of timm as a network with one exit, ImageNet-1k, at 256x256.

Expected: not trained by us. The recipe is Dyn-Perceiver's, not its authors'. Costs: README.md.
Needs timm: pip install -e ".[timm]".

    torchrun --nproc_per_node 8 tools/train.py \
        configs/classification/static/static-mobilevitv2-1.0_8xb128-300e_in1k.py \
        --launcher pytorch --amp
"""

_base_ = './static-regnety-400mf_8xb128-300e_in1k.py'

model = dict(backbone=dict(name='timm/mobilevitv2_100'))

train_pipeline = _base_.train_pipeline
train_pipeline[1].scale = 256
test_pipeline = _base_.test_pipeline
test_pipeline[1].scale = 288
test_pipeline[2].crop_size = 256

train_dataloader = dict(dataset=dict(dataset=dict(pipeline=train_pipeline)))
calibration_dataloader = dict(dataset=dict(dataset=dict(pipeline=test_pipeline)))
val_dataloader = calibration_dataloader
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
