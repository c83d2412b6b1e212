"""Sitting down against standing up, a control: with the shift, but without the order of the frames.

Training draws another order every time; every test clip has one that is not its own. Expected,
top-1 of the last exit on the 240 test clips: 55.0 %, that is chance (README.md).

    DATA_ROOT=data/nagoya_fir_action python tools/train.py \
        configs/action/nagoya_fir/dyn-perceiver_tsm-shuffled-regnety-tiny_nagoya-fir-order2.py
"""

_base_ = './dyn-perceiver_tsm-regnety-tiny_nagoya-fir-order2.py'

_train = _base_.train_dataloader.dataset.dataset.pipeline
_test = _base_.test_dataloader.dataset.pipeline
_shuffled_train = [*_train[:2], dict(type='ShuffleFrames', fresh=True), *_train[2:]]
_shuffled_test = [*_test[:2], dict(type='ShuffleFrames'), *_test[2:]]

train_dataloader = dict(dataset=dict(dataset=dict(pipeline=_shuffled_train)))
calibration_dataloader = dict(dataset=dict(dataset=dict(pipeline=_shuffled_test)))
val_dataloader = calibration_dataloader
test_dataloader = dict(dataset=dict(pipeline=_shuffled_test))
