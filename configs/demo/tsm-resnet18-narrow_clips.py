"""The demo's rival for videos: TSM on a ResNet-18 of 9/32 its width, of like cost.

Expected, top-1 on the 800 test clips: 48.9 % at 70.8 MMACs. Six epochs teach it which pair of
motions a clip belongs to, but not yet the order. ``make demo`` trains it.
"""

_base_ = [
    '../_base_/datasets/embedded_clips.py',
    '../_base_/schedules/adamw_bs32_6e.py',
    '../_base_/action_runtime.py',
]

model = dict(
    type='mmaction.Recognizer2D',
    backbone=dict(
        type='DynPerceiver', arch='resnet18', width=9 / 32, with_latent=False, num_segments=8
    ),
    cls_head=dict(
        type='MultiExitVideoHead',
        num_classes=8,
        in_channels=(144,),
        heads=dict(type='DynPerceiverHeads', exit_names=('feature',)),
    ),
)
