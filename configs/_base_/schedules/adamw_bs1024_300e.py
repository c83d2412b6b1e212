"""AdamW for 300 epochs at batch 1024: 20 epochs of warm-up, then cosine to 1e-6; EMA 0.9999."""

optim_wrapper = dict(
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.05),
    constructor='NoDecayForVectors',
    paramwise_cfg=dict(
        custom_keys={
            'backbone.latent': dict(decay_mult=0.0),
            '.position_bias': dict(decay_mult=0.0),
            # The same in the transformers of other libraries.
            'pos_embed': dict(decay_mult=0.0),
            'cls_token': dict(decay_mult=0.0),
            'relative_position_bias_table': dict(decay_mult=0.0),
            'attention_biases': dict(decay_mult=0.0),
        },
    ),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-3, by_epoch=True, end=20, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', eta_min=1e-6, by_epoch=True, begin=20),
]
train_cfg = dict(by_epoch=True, max_epochs=300, val_interval=1)
val_cfg = {}
test_cfg = {}
auto_scale_lr = dict(base_batch_size=1024)

custom_hooks = [
    dict(
        type='mmpretrain.EMAHook',
        momentum=1e-4,  # mmengine's momentum is one minus the decay
        priority='ABOVE_NORMAL',
        evaluate_on_ema=True,
        evaluate_on_origin=True,
    )
]
