"""The demo's other detector: the same CNN without the latent branch, the only difference.

It begins with the CNN of the same classifier, see retinanet_dyn-perceiver-regnety-tiny_scenes.py:

    python tools/train.py configs/demo/retinanet_regnety-tiny_scenes.py --work-dir work_dirs/plain
"""

_base_ = './retinanet_dyn-perceiver-regnety-tiny_scenes.py'

model = dict(backbone=dict(with_latent=False))
