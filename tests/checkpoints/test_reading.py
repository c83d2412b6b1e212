"""What checkpoint files are read, and what is refused."""

import pickle
import zipfile

import pytest
import torch

from dynp_plugins import UserError
from dynp_plugins.checkpoints import read_checkpoint
from dynp_plugins.checkpoints.reading import load_checkpoint_file

WEIGHTS = {'a.weight': torch.arange(6.0).reshape(2, 3), 'a.bias': torch.zeros(2)}


class Payload:
    """Unpickling this would run code."""

    def __reduce__(self):
        return (print, ('this must never be printed',))


class Referring:
    """Pickled as a call of ``function``."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def rewrite_pickle(path, change):
    """Change the pickle inside the zip archive that a checkpoint is."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, 'w') as archive:
        for name, data in entries.items():
            archive.writestr(name, change(data) if name.endswith('/data.pkl') else data)


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


@pytest.mark.parametrize('package', [b'numpy.core', b'numpy._core'])
def test_log_histories_of_any_numpy_can_be_used(tmp_path, package):
    """Numpy renamed the module its pickles refer to."""
    from mmengine.logging import HistoryBuffer

    path = tmp_path / 'x.pth'
    torch.save({'state_dict': WEIGHTS, 'loss': HistoryBuffer([1.0, 2.0], [1, 1])}, path)
    rewrite_pickle(
        path,
        lambda data: data.replace(b'numpy._core', b'numpy.core').replace(b'numpy.core', package),
    )
    assert load_checkpoint_file(path)['loss'].statistics('mean') == 1.5


def test_histories_open_no_door_for_getattr_and_slice(tmp_path):
    from mmengine.logging import HistoryBuffer

    for extra in (Referring(getattr, HistoryBuffer, '__init__'), Referring(slice, 1, 2)):
        torch.save({'state_dict': WEIGHTS, 'extra': extra}, tmp_path / 'x.pth')
        with pytest.raises(UserError, match='holds Python objects besides weights'):
            read_checkpoint(tmp_path / 'x.pth')


def test_whether_the_weights_are_an_average(tmp_path):
    for content, average in (
        ({'model': WEIGHTS, 'model_ema': WEIGHTS}, True),
        ({'state_dict': WEIGHTS, 'model_ema': WEIGHTS}, False),
        (WEIGHTS, False),
    ):
        torch.save(content, tmp_path / 'x.pth')
        assert read_checkpoint(tmp_path / 'x.pth').has_ema is average


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
    'damaged',
    [
        pytest.param(b'\x80\x02.', id='IndexError'),
        pytest.param(b'\x80\x02J\x01', id='struct.error'),
        pytest.param(b'\x80\x02K\x01Q.', id='AssertionError'),
        pytest.param(b'\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(NNNNNNtR.', id='AttributeError'),
    ],
)
def test_damaged_pickle(tmp_path, damaged):
    """The named exceptions are what torch raises on it."""
    path = tmp_path / 'x.pth'
    torch.save(WEIGHTS, path)
    rewrite_pickle(path, lambda _: damaged)
    with pytest.raises(UserError, match=r'x\.pth cannot be read .* truncated'):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ({0: torch.zeros(1)}, 'no state dict of names and tensors; its entries are: 0'),
        ({'model': {0: torch.zeros(1)}}, 'its entries are: model'),
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
