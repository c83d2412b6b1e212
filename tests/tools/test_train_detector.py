"""Training and testing a detector by the command lines, on a made-up folder in COCO format."""

import json

from tests.conftest import REPOSITORY
from tests.made_detection_set import UNFORMATTED, make_detection_set
from tests.tools.command_lines import answered, refused

CONFIG = (
    REPOSITORY
    / 'configs/detection/dyn_perceiver/retinanet_dyn-perceiver-regnety-tiny_fpn_coco-files.py'
)
SMALL = [
    '--cfg-options',
    'train_cfg.max_epochs=1',
    'train_dataloader.num_workers=0',
    'val_dataloader.num_workers=0',
    'test_dataloader.num_workers=0',
    'model.test_cfg.score_thr=0',
    'log_level=WARNING',
]


def test_train_then_test(run, tmp_path, monkeypatch):
    monkeypatch.setenv('DATA_ROOT', str(make_detection_set(tmp_path)))
    monkeypatch.setenv('SIZE', '64')
    monkeypatch.setattr(*UNFORMATTED)
    answered(run('train', CONFIG, '--work-dir', 'run', *SMALL))
    assert (tmp_path / 'run/epoch_1.pth').is_file()
    answered(run('test', CONFIG, 'run', '--out', 'metrics.json', *SMALL))
    metrics = json.loads((tmp_path / 'metrics.json').read_text())
    assert 0 <= metrics['coco/bbox_mAP'] <= metrics['coco/bbox_mAP_50'] <= 1
    answer = run('train', CONFIG, '--work-dir', 'run2', *SMALL, 'model.neck.in_channels=[48,160]')
    refused(answer, 'in_channels=[48, 160] does not fit the maps', '[96, 160] channels')
