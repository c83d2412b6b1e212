"""What several tests share: reference values, and a tiny network that is quick on a CPU."""

import gc
import importlib.util
import json
import os
import sys
from pathlib import Path

# One thread per process where the tests run in several at once, also in the processes that tests
# start; torch and NumPy read this when they are imported.
if 'PYTEST_XDIST_WORKER' in os.environ:
    os.environ['OMP_NUM_THREADS'] = '1'

import pytest
import torch

import dynp_plugins
from dynp_plugins.networks import legal_sizes

# However busy the machine is, a search for legal image sizes comes to its end.
legal_sizes._SEARCH_SECONDS = 600

REPOSITORY = Path(__file__).parents[1]
REFERENCE = Path(os.environ.get('DYNP_REFERENCE', REPOSITORY.parent / 'shared' / 'reference'))


def pytest_collection_finish():
    """The garbage collector need not look through all that was imported, over and over."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope='module')
def own_globals_of_a_module():
    """A runner leaves its default scope behind, in which later tests would look for their types.

    Its logger stays, too, and would be shared by a later run of that name and second.
    """
    yield from _globals_restored()


@pytest.fixture(autouse=True)
def own_globals_of_a_test():
    """As `own_globals_of_a_module`."""
    yield from _globals_restored()


def _globals_restored():
    before = {kind: dict(instances) for kind, instances in _named_instances()}
    yield
    for kind, instances in _named_instances():
        instances.clear()
        instances.update(before.get(kind, {}))


def _named_instances():
    """What mmengine keeps by name: every class has instances of its own, a subclass, too."""
    if 'mmengine.utils.manager' not in sys.modules:
        return
    from mmengine.utils import ManagerMixin

    kinds = [ManagerMixin]
    for kind in kinds:
        yield kind, kind._instance_dict
        kinds += kind.__subclasses__()


@pytest.fixture(scope='session')
def reference():
    """The folder of values recorded from the published implementations, and their input maker."""
    if not REFERENCE.is_dir():
        pytest.skip(f'no reference values at {REFERENCE} (set DYNP_REFERENCE)')
    spec = importlib.util.spec_from_file_location('deterministic', REFERENCE / 'deterministic.py')
    deterministic = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(deterministic)
    return Reference(deterministic)


class Reference:
    def __init__(self, deterministic):
        self.deterministic = deterministic

    def facts(self, name):
        return json.loads((REFERENCE / f'{name}.json').read_text())

    def logits_path(self, name):
        return REFERENCE / f'{name}.npz'

    def state_dict(self, name):
        """The official model's state dict, filled as it was when the logits were recorded."""
        zeros = {
            key: torch.zeros(shape, dtype=torch.long if key.endswith('tracked') else torch.float32)
            for key, shape in self.facts(name)['state_dict'].items()
        }
        return self.deterministic.fill_state_dict(zeros)


@pytest.fixture
def tiny():
    """A tiny Dyn-Perceiver in eval mode, with BatchNorm statistics that have moved."""
    torch.manual_seed(0)
    network = dynp_plugins.create_model('dyn_perceiver_regnety_tiny', num_classes=10)
    with torch.no_grad():
        for _ in range(3):
            network(torch.randn(8, 3, 64, 64))
    return network.eval()
