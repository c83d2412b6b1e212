"""TSM on a ResNet-18 of 9/32 its width, of the cost of the tiny Dyn-Perceiver: thermal actions.

Expected, top-1 on the 840 test clips: 90.4 % at 70.8 MMACs (README.md).

    DATA_ROOT=data/nagoya_fir_action python tools/train.py \
        configs/action/nagoya_fir/tsm-resnet18-narrow_nagoya-fir.py
"""

_base_ = [
    '../../_base_/datasets/nagoya_fir_8f48.py',
    '../../_base_/schedules/adamw_bs32_24e.py',
    '../../_base_/action_runtime.py',
]

model = dict(
    type='mmaction.Recognizer2D',
    backbone=dict(
        type='DynPerceiver', arch='resnet18', width=9 / 32, with_latent=False, num_segments=8
    ),
    cls_head=dict(
        type='MultiExitVideoHead',
        num_classes=7,
        in_channels=(144,),
        heads=dict(type='DynPerceiverHeads', exit_names=('feature',)),
    ),
)
