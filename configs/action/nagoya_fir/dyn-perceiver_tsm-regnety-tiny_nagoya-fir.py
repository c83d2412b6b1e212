"""A tiny Dyn-Perceiver with temporal shift on seven thermal actions.

Expected, top-1 on the 840 test clips of other people: early 92.6, latent 94.9, feature 94.9, merged
95.2 %, against 90.4 and 89.2 % of two TSMs of like cost, trained equally long (README.md, where the
intervals are). Cost of a clip up to each exit: 33.6 / 63.4 / 72.5 / 76.8 MMACs. 24 epochs take some
10 minutes on an idle CPU core:

    DATA_ROOT=data/nagoya_fir_action python tools/train.py \
        configs/action/nagoya_fir/dyn-perceiver_tsm-regnety-tiny_nagoya-fir.py
"""

_base_ = [
    '../../_base_/models/dyn-perceiver_regnety-tiny_8f48.py',
    '../../_base_/datasets/nagoya_fir_8f48.py',
    '../../_base_/schedules/adamw_bs32_24e.py',
    '../../_base_/action_runtime.py',
]

model = dict(cls_head=dict(num_classes=7))
