_base_ = './retinanet_dyn-perceiver-regnety-tiny_scenes.py'

model = dict(backbone=dict(with_latent=False))
