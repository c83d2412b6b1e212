"""The demo's detector: a small RetinaNet on the demo's tiny Dyn-Perceiver, on embedded scenes.

Expected, mAP on 200 test scenes at 96, 128 and 160 pixels: 20.1, 29.2, 31.8 %, at 0.061, 0.106 and
0.159 GMACs. It begins with the backbone of the demo's classifier, which has to be trained first:

    python tools/train.py configs/demo/dyn-perceiver_regnety-tiny_digits.py \
        --work-dir work_dirs/demo/dyn-perceiver_regnety-tiny_digits
    python tools/train.py configs/demo/retinanet_dyn-perceiver-regnety-tiny_scenes.py \
        --work-dir work_dirs/scenes

Three epochs take a minute and a half on one CPU core. ``make demo`` and ``make demo-detection`` do
both and draw its curve.
"""

_base_ = [
    '../_base_/models/retinanet_dyn-perceiver-regnety-tiny_fpn.py',
    '../_base_/datasets/embedded_scenes.py',
    '../_base_/schedules/adamw_bs8_16e.py',
    '../_base_/detection_runtime.py',
]

# What took its classifier a minute need not be learnt again.
classifier = 'work_dirs/demo/dyn-perceiver_regnety-tiny_digits/epoch_5.pth'
model = dict(
    backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=classifier, prefix='backbone.'))
)
optim_wrapper = dict(optimizer=dict(lr=2e-3))
train_cfg = dict(max_epochs=3, val_interval=3)
# A demo is to be quick: half of the calibration scenes, and 200 of the 300 test scenes.
calibration_dataloader = dict(dataset=dict(indices=100))
val_dataloader = dict(dataset=dict(indices=100))
test_dataloader = dict(dataset=dict(indices=200))
test_scales = [(96, 96), (128, 128), (160, 160)]
