"""Sitting down against standing up, each nearly the other played backwards: with temporal shift."""

_base_ = './dyn-perceiver_tsm-regnety-tiny_nagoya-fir.py'

model = dict(cls_head=dict(num_classes=2))

_lists = dict(classes='order2_classes.txt')
train_dataloader = dict(
    batch_size=16, dataset=dict(dataset=dict(**_lists, ann_file='order2_train.txt'))
)
calibration_dataloader = dict(dataset=dict(dataset=dict(**_lists, ann_file='order2_train.txt')))
val_dataloader = calibration_dataloader
test_dataloader = dict(dataset=dict(**_lists, ann_file='order2_test.txt'))
val_evaluator = dict(topk=(1,))
test_evaluator = val_evaluator
