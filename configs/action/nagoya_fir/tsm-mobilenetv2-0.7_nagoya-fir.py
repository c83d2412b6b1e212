"""mmaction2's TSM on a MobileNet-v2 of width 0.7, of like cost: thermal actions.

Expected, top-1 on the 840 test clips: 89.2 % at 75.7 MMACs (README.md).

    DATA_ROOT=data/nagoya_fir_action python tools/train.py \
        configs/action/nagoya_fir/tsm-mobilenetv2-0.7_nagoya-fir.py
"""

_base_ = [
    '../../_base_/datasets/nagoya_fir_8f48.py',
    '../../_base_/schedules/adamw_bs32_24e.py',
    '../../_base_/action_runtime.py',
]

model = dict(
    type='mmaction.Recognizer2D',
    backbone=dict(
        type='mmaction.MobileNetV2TSM', num_segments=8, pretrained2d=False, widen_factor=0.7
    ),
    cls_head=dict(
        type='mmaction.TSMHead',
        num_classes=7,
        in_channels=1280,
        num_segments=8,
        dropout_ratio=0.2,
        average_clips='score',
    ),
)
# What mmaction2's own heads write has one exit.
val_evaluator = dict(
    _delete_=True,
    type='mmaction.AccMetric',
    metric_list=('top_k_accuracy', 'mean_class_accuracy'),
)
test_evaluator = val_evaluator
