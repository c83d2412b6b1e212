"""EfficientNet-B0 of torchvision as a network with one exit, ImageNet-1k.

Expected: not trained by us. The recipe is Dyn-Perceiver's, not its authors'. Costs: README.md.

    torchrun --nproc_per_node 8 tools/train.py \
        configs/classification/static/static-efficientnet-b0_8xb128-300e_in1k.py \
        --launcher pytorch --amp
"""

_base_ = './static-regnety-400mf_8xb128-300e_in1k.py'

model = dict(backbone=dict(name='torchvision/efficientnet_b0'))
