"""What `compat.apply` does to imports: every order, with and without decord or compiled ops."""

import functools
import importlib
import importlib.util
import itertools
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import mmcv
import numpy as np
import pytest
import torch
from mmengine.logging import print_log

from dynp_plugins.errors import UserError
from dynp_plugins.openmmlab import compat
from dynp_plugins.openmmlab.compat import mmaction2, onedl
from dynp_plugins.openmmlab.compat.import_hook import CompatFinder

LIBRARIES = ('mmpretrain', 'mmdet', 'mmaction')
ORDERS = tuple(itertools.permutations(LIBRARIES))

# Applies compat without the adapters of dynp_plugins.openmmlab, which import some of the libraries
# themselves, then imports the libraries in the order of the arguments and reports as JSON.
IMPORT_SCRIPT = """
import importlib, importlib.util, json, sys, types, warnings
from pathlib import Path

warnings.simplefilter('ignore')
order, root, block_decord = json.loads(sys.argv[1])

class NoDecord:
    def find_spec(self, fullname, path=None, target=None):
        if fullname.split('.')[0] == 'decord':
            raise ModuleNotFoundError("No module named 'decord'", name='decord')

if block_decord:
    sys.meta_path.insert(0, NoDecord())

def installed_files():
    found = {}
    for name in ('mmcv', 'mmengine', 'mmpretrain', 'mmdet', 'mmaction'):
        [folder] = importlib.util.find_spec(name).submodule_search_locations
        for path in Path(folder).rglob('*'):
            if path.is_file() and path.suffix != '.pyc':
                stat = path.stat()
                found[str(path)] = (stat.st_mtime_ns, stat.st_size)
    return found

before = installed_files()
parent = types.ModuleType('dynp_plugins.openmmlab')
parent.__path__ = [str(Path(root, 'dynp_plugins', 'openmmlab'))]
sys.modules[parent.__name__] = parent
from dynp_plugins.openmmlab import compat

compat.apply()
compat.apply()
finders = [type(finder).__name__ for finder in sys.meta_path].count('CompatFinder')
early = sorted({'mmcv', 'mmengine', 'mmpretrain', 'mmdet', 'mmaction'} & set(sys.modules))

for library in order:
    for part in ('', '.models', '.datasets', '.evaluation', '.engine', '.visualization'):
        importlib.import_module(library + part)

registered = {}
for library in order:
    registry = importlib.import_module(library + '.registry')
    for kind in ('MODELS', 'DATASETS', 'TRANSFORMS', 'METRICS', 'HOOKS', 'TASK_UTILS'):
        names = getattr(registry, kind).module_dict
        registered[f'{library}.{kind}'] = sorted(names)

import mmcv
from importlib.metadata import version
print(json.dumps(dict(
    finders=finders,
    early=early,
    registered=registered,
    decord='decord' in sys.modules,
    mmcv_version=mmcv.__version__,
    true_mmcv_version=version('onedl-mmcv'),
    changed=sorted(set(before.items()) ^ set(installed_files().items())),
)))
"""


@functools.cache
def process_of(order) -> subprocess.CompletedProcess:
    """A process that imported the libraries in this order; every second one has no decord."""
    root = str(Path(__file__).parents[2])
    arguments = json.dumps([order, root, ORDERS.index(order) % 2 == 0])
    command = [sys.executable, '-c', IMPORT_SCRIPT, arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True)


def import_report(order):
    process = process_of(order)
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout.splitlines()[-1])


in_every_order = pytest.mark.parametrize(
    'order',
    [
        order if order in (ORDERS[0], ORDERS[-1]) else pytest.param(order, marks=pytest.mark.slow)
        for order in ORDERS
    ],
    ids='-'.join,
)


@in_every_order
def test_every_import_order_registers_everything(order):
    registered = import_report(order)['registered']

    assert registered == import_report(ORDERS[0])['registered']
    expected = {
        'mmpretrain.MODELS': 'ImageClassifier',
        'mmpretrain.METRICS': 'Accuracy',
        'mmdet.MODELS': 'RetinaNet',
        'mmdet.METRICS': 'CocoMetric',
        'mmaction.MODELS': 'Recognizer2D',
        'mmaction.DATASETS': 'VideoDataset',
        'mmaction.TRANSFORMS': 'PyAVDecode',
        'mmaction.METRICS': 'AccMetric',
    }
    for registry, name in expected.items():
        assert name in registered[registry]


@in_every_order
def test_importing_leaves_the_installation_as_it_was(order):
    report = import_report(order)

    assert report['changed'] == []
    assert report['mmcv_version'] == report['true_mmcv_version']


@in_every_order
def test_nothing_imports_decord(order):
    # The orders without it show that mmaction can do without, the others that it does so by itself.
    assert not import_report(order)['decord']


@in_every_order
def test_a_missing_optional_package_is_not_spoken_of(order):
    process = process_of(order)
    assert 'OneDL' not in process.stdout + process.stderr


def test_only_that_message_is_lost(capsys):
    def execute(module):
        onedl.execute_without_a_word_of_onedl(module, inner)
        print_log('Could not import OneDL. Skipping OneDL datasets.')
        print_log('Could not import this')

    def inner(module):
        print_log('Could not import OneDL')
        print_log('and that')

    onedl.execute_without_a_word_of_onedl(ModuleType('some'), execute)
    print_log('Could not import OneDL, said later')
    expected = 'and that\nCould not import this\nCould not import OneDL, said later\n'
    assert capsys.readouterr().out == expected


def test_apply_imports_no_openmmlab_package_and_acts_once():
    report = import_report(ORDERS[0])

    assert report['early'] == []
    assert report['finders'] == 1


def test_applied_here_once():
    compat.apply()

    assert sum(isinstance(finder, CompatFinder) for finder in sys.meta_path) == 1


@pytest.fixture
def without_mmcv_ext(monkeypatch):
    """Forget any ``mmcv._ext`` that is loaded, for the length of a test."""
    monkeypatch.setitem(sys.modules, 'mmcv._ext', None)  # so that it is undone in any case
    monkeypatch.delitem(sys.modules, 'mmcv._ext')
    monkeypatch.setattr(mmcv, '_ext', None, raising=False)


def test_compiled_ops_win(without_mmcv_ext, monkeypatch, tmp_path):
    (tmp_path / '_ext.py').write_text("nms = 'compiled'\n")
    monkeypatch.setattr(mmcv, '__path__', [*mmcv.__path__, str(tmp_path)])
    importlib.invalidate_caches()

    module = importlib.import_module('mmcv._ext')

    assert Path(module.__file__) == tmp_path / '_ext.py'
    assert module.nms == 'compiled'
    assert not hasattr(module, 'no_such_op')


@pytest.mark.skipif(
    importlib.util.find_spec('mmcv._ext').origin.endswith(('.so', '.pyd')),
    reason='this mmcv has compiled ops',
)
class TestMissingOps:
    def test_op_names_itself_and_the_way_out_when_called(self):
        from mmcv.ops import RoIPool

        pool = RoIPool(2)  # neither importing nor building it fails
        with pytest.raises(UserError) as error:
            pool(torch.zeros(1, 1, 4, 4), torch.zeros(1, 5))

        message = str(error.value)
        assert "'roi_pool_forward'" in message
        assert '--no-build-isolation' in message
        assert '--no-binary onedl-mmcv' in message

    def test_private_names_are_not_ops(self):
        module = importlib.import_module('mmcv._ext')

        assert not hasattr(module, '__file__')
        assert not hasattr(module, '_repr_html_')

    def test_mmcv_reports_its_environment(self):
        from mmcv.utils import collect_env

        assert 'not compiled' in collect_env()['MMCV Compiler']


def test_drn_says_what_is_missing():
    from mmaction.models import DRN
    from mmaction.registry import MODELS

    if DRN is not mmaction2.DRN:
        pytest.skip('this mmaction2 has its DRN')
    for build in (lambda: DRN(), lambda: MODELS.build({'type': 'DRN'})):
        with pytest.raises(UserError, match=r"'DRN'.*localizers/drn.*editable"):
            build()


def mmaction_init(minimum: str, maximum: str):
    """Return a module and a stand-in for the code of ``mmaction/__init__.py`` to run in it."""

    def execute(module):
        module.mmcv_minimum_version = minimum
        module.mmcv_maximum_version = maximum
        seen.append(mmcv.__version__)
        assert minimum <= mmcv.__version__ < maximum
        module.done = True

    seen = []
    return ModuleType('mmaction'), execute, seen


def test_too_new_mmcv_is_accepted_and_its_version_restored(monkeypatch):
    monkeypatch.setattr(mmcv, '__version__', '2.3.6')
    module, execute, seen = mmaction_init('2.0.0', '2.2.0')

    mmaction2.execute_despite_new_mmcv(module, execute)

    assert module.done
    assert seen == ['2.3.6', '2.0.0']
    assert mmcv.__version__ == '2.3.6'


def test_accepted_mmcv_is_seen_as_it_is(monkeypatch):
    monkeypatch.setattr(mmcv, '__version__', '2.1.0')
    module, execute, seen = mmaction_init('2.0.0', '2.2.0')

    mmaction2.execute_despite_new_mmcv(module, execute)

    assert seen == ['2.1.0']


def test_too_old_mmcv_stays_refused(monkeypatch):
    monkeypatch.setattr(mmcv, '__version__', '1.7.0')
    module, execute, seen = mmaction_init('2.0.0', '2.2.0')

    with pytest.raises(AssertionError):
        mmaction2.execute_despite_new_mmcv(module, execute)

    assert seen == ['1.7.0']


def test_version_is_restored_when_mmaction_fails_for_another_reason(monkeypatch):
    monkeypatch.setattr(mmcv, '__version__', '2.3.6')
    module, check_mmcv, _ = mmaction_init('2.0.0', '2.2.0')

    def execute(module):
        check_mmcv(module)
        raise AssertionError('mmengine is too old')

    with pytest.raises(AssertionError, match='mmengine is too old'):
        mmaction2.execute_despite_new_mmcv(module, execute)

    assert mmcv.__version__ == '2.3.6'


def test_pose_transform_works_with_numpy_2():
    from mmaction.datasets.transforms import PoseCompact

    keypoint = np.array([[[[10.0, 20.0], [30.0, 60.0]]]])  # (person, frame, joint, xy)
    results = {'img_shape': (100, 100), 'keypoint': keypoint}

    results = PoseCompact(padding=0.0, threshold=1)(results)

    assert results['img_shape'] == (40, 20)
    assert not hasattr(np, 'Inf') or np.__version__ < '2'  # numpy itself was left alone


def test_repairs_name_modules_that_need_them():
    # Each repair names its module by hand; a module that moved or was mended needs none any more.
    for name, repair in mmaction2.REPAIRS.items():
        if repair is mmaction2.execute_with_numpy1_names:
            source = Path(importlib.util.find_spec(name).origin).read_text(encoding='utf-8')
            assert re.search(rf'\bnp\.({"|".join(mmaction2.NUMPY1_NAMES)})\b', source), name
