"""AdamW for 24 epochs at batch 32: cosine, 90 iterations of warm-up; EMA 0.99.

The recipe of all the networks for the thermal clips; the learning rate is half that of the demo's
pictures, as the batch is.
"""

_base_ = './adamw_bs64_7e.py'

optim_wrapper = dict(optimizer=dict(lr=4e-3))
train_cfg = dict(max_epochs=24, val_interval=6)
auto_scale_lr = dict(base_batch_size=32)
