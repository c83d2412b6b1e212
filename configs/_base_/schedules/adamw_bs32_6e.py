"""AdamW for 6 epochs at batch 32: cosine, 90 iterations of warm-up."""

_base_ = './adamw_bs32_24e.py'

train_cfg = dict(max_epochs=6, val_interval=6)
