"""What checkpoint files are read, and what is refused."""

import pickle

import pytest
import torch

from dynp_plugins import UserError
from dynp_plugins.checkpoints import read_checkpoint

WEIGHTS = {'a.weight': torch.arange(6.0).reshape(2, 3), 'a.bias': torch.zeros(2)}


class Payload:
    """Unpickling this would run code."""

    def __reduce__(self):
        return (print, ('this must never be printed',))


@pytest.mark.parametrize(
    'content',
    [
        WEIGHTS,
        {'state_dict': WEIGHTS},
        {'model': WEIGHTS, 'epoch': 3},
        {'state_dict': {f'module.{key}': value for key, value in WEIGHTS.items()}},
        {'model': {'a.weight': torch.zeros(1)}, 'model_ema': WEIGHTS},
    ],
    ids=['bare', 'state_dict', 'model', 'module prefix', 'EMA before raw'],
)
def test_layouts(tmp_path, content):
    torch.save(content, tmp_path / 'x.pth')
    read = read_checkpoint(tmp_path / 'x.pth').state_dict
    assert list(read) == list(WEIGHTS)
    assert all(torch.equal(read[key], WEIGHTS[key]) for key in WEIGHTS)


def test_mmengine_training_checkpoint(tmp_path):
    """Its log histories are objects, but known ones."""
    from mmengine.logging import HistoryBuffer

    history = HistoryBuffer([1.0, 2.0], [1, 1])
    torch.save(
        {
            'meta': {'epoch': 2},
            'state_dict': WEIGHTS,
            'ema_state_dict': WEIGHTS,
            'message_hub': {'log_scalars': {'train/loss': history}},
        },
        tmp_path / 'x.pth',
    )
    checkpoint = read_checkpoint(tmp_path / 'x.pth')
    assert checkpoint.meta == {'epoch': 2}
    assert checkpoint.has_ema


def test_code_in_a_pickle_does_not_run(tmp_path, capsys):
    torch.save({'state_dict': WEIGHTS, 'extra': Payload()}, tmp_path / 'evil.pth')
    with pytest.raises(UserError, match=r'evil\.pth holds Python objects besides weights'):
        read_checkpoint(tmp_path / 'evil.pth')
    (tmp_path / 'evil.pkl').write_bytes(pickle.dumps(Payload()))
    with pytest.raises(UserError, match=r'evil\.pkl'):
        read_checkpoint(tmp_path / 'evil.pkl')
    assert capsys.readouterr().out == ''


def test_missing_file(tmp_path):
    with pytest.raises(UserError, match=r'no checkpoint at .*nowhere\.pth'):
        read_checkpoint(tmp_path / 'nowhere.pth')


@pytest.mark.parametrize('keep', [0, 10, 200, -20])
def test_truncated_file(tmp_path, keep):
    path = tmp_path / 'x.pth'
    torch.save({'state_dict': WEIGHTS}, path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UserError, match=r'x\.pth .*(truncated|not a PyTorch checkpoint)'):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ([1, 2], 'holds a list'),
        ({'optimizer': {'lr': 0.1}, 'epoch': 3}, 'its entries are: optimizer, epoch'),
        ({}, 'its entries are: none'),
    ],
)
def test_foreign_content(tmp_path, content, message):
    torch.save(content, tmp_path / 'x.pth')
    with pytest.raises(UserError, match=message):
        read_checkpoint(tmp_path / 'x.pth')


def test_not_a_checkpoint_at_all(tmp_path):
    (tmp_path / 'x.pth').write_text('<html>404</html>')
    with pytest.raises(UserError, match=r'x\.pth'):
        read_checkpoint(tmp_path / 'x.pth')
