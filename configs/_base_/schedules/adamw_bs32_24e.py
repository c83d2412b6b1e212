"""AdamW for 24 epochs at batch 32: cosine, 90 iterations of warm-up.

The recipe of all the networks for the thermal clips; the learning rate is half that of the demo's
pictures, as the batch is. There is no moving average of the weights: in a thousand iterations, that
of a deep network without shortcuts everywhere, such as MobileNet-v2, lags far behind.
"""

_base_ = './adamw_bs64_5e.py'

optim_wrapper = dict(optimizer=dict(lr=4e-3))
train_cfg = dict(max_epochs=24, val_interval=6)
auto_scale_lr = dict(base_batch_size=32)
custom_hooks = []
