"""The demo's other detector: the same CNN without the latent branch, the only difference.

Expected, mAP on 200 test scenes at 96, 128 and 160 pixels: 19.4, 28.1, 31.5 %, at 0.050, 0.088 and
0.132 GMACs. It begins with the CNN of the same classifier, see
retinanet_dyn-perceiver-regnety-tiny_scenes.py:

    python tools/train.py configs/demo/retinanet_regnety-tiny_scenes.py --work-dir work_dirs/plain
"""

_base_ = './retinanet_dyn-perceiver-regnety-tiny_scenes.py'

model = dict(backbone=dict(with_latent=False))
