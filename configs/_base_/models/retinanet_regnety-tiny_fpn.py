"""`retinanet_dyn-perceiver-regnety-tiny_fpn` without the latent branch, the only difference."""

_base_ = './retinanet_dyn-perceiver-regnety-tiny_fpn.py'

model = dict(backbone=dict(with_latent=False))
