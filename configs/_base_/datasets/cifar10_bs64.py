"""CIFAR-10 at 32x32 with random crops and flips; 5,000 training pictures, the same share of each
class, are held out for calibration.

The folder ``data/cifar10`` has the layout of the authors' Python version, as torchvision unpacks
it, ``cifar-10-batches-py/data_batch_1`` and so on; where it is missing, mmpretrain downloads it.
The official test pictures are the test split: nothing is chosen on them.
"""

data_preprocessor = dict(
    type='mmpretrain.ClsDataPreprocessor',
    num_classes=10,
    mean=[125.3, 123.0, 113.9],
    std=[63.0, 62.1, 66.7],
    to_rgb=False,  # the pictures are RGB already
)
train_pipeline = [
    dict(type='mmpretrain.RandomCrop', crop_size=32, padding=4),
    dict(type='mmpretrain.RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='mmpretrain.PackInputs'),
]
# The first two change nothing in CIFAR's pictures; they let others reach the network as well.
test_pipeline = [
    dict(type='mmpretrain.ResizeEdge', scale=32, edge='short'),
    dict(type='mmpretrain.CenterCrop', crop_size=32),
    dict(type='mmpretrain.PackInputs'),
]

_train = dict(type='mmpretrain.CIFAR10', data_root='data/cifar10', split='train')
_held_out = dict(type='HeldOut', size=5_000)
_loader = dict(num_workers=2)

train_dataloader = dict(
    **_loader,
    batch_size=64,
    dataset=dict(**_held_out, part='rest', dataset=dict(**_train, pipeline=train_pipeline)),
    sampler=dict(type='DefaultSampler', shuffle=True),
    worker_init_fn=dict(type='seed_worker'),
    drop_last=True,
)
calibration_dataloader = dict(
    **_loader,
    batch_size=256,
    dataset=dict(**_held_out, part='held_out', dataset=dict(**_train, pipeline=test_pipeline)),
    sampler=dict(type='DefaultSampler', shuffle=False),
)
# Watches the training; the test split is left alone until the end.
val_dataloader = calibration_dataloader
test_dataloader = dict(
    **_loader,
    batch_size=256,
    dataset=dict(
        type='mmpretrain.CIFAR10', data_root='data/cifar10', split='test', pipeline=test_pipeline
    ),
    sampler=dict(type='DefaultSampler', shuffle=False),
)
val_evaluator = dict(type='MultiExitAccuracy', topk=(1, 5))
test_evaluator = val_evaluator
