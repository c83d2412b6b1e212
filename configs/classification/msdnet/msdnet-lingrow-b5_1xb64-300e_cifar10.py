"""MSDNet with 5 exits, whose blocks grow from 1 to 5 layers, CIFAR-10: the published recipe and
model.

Expected: no numbers of its exits are known to us, and we have not trained it. Costs: README.md.

    python tools/train.py \
        configs/classification/msdnet/msdnet-lingrow-b5_1xb64-300e_cifar10.py
"""

_base_ = './msdnet-step2-b7_1xb64-300e_cifar10.py'

model = dict(
    backbone=dict(num_blocks=5, base=1, step=1, step_mode='lin_grow'),
    head=dict(in_channels=(88, 136, 104, 200, 208)),
)
