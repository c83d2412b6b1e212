"""BatchNorm over several processes, against an ordinary one that sees all batches as one."""

from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from dynp_plugins import UserError
from dynp_plugins.openmmlab.config_files import load_config
from dynp_plugins.openmmlab.config_models import build_model
from dynp_plugins.openmmlab.sync_batch_norm import CpuSyncBatchNorm, synchronise_batch_norms
from tests.config_networks import regularisation

# All that are small enough for CPUs, and one of every further family of networks.
TRAINED_IN_SEVERAL_PROCESSES = sorted(
    path
    for pattern in (
        'demo/*.py',
        'detection/bccd/*.py',
        'detection/embedded_scenes/*.py',
        'action/nagoya_fir/tsm-*.py',
        'classification/dyn_perceiver/dyn-perceiver_mobilenetv3-0.5_*.py',
        'classification/dyn_perceiver/dyn-perceiver_resnet50-0.375_*.py',
        'classification/static/static-mobilenetv3-*.py',
        'classification/static/static-efficientnet-*.py',
        'classification/static/static-regnety-400mf_*.py',
    )
    for path in (Path(__file__).parents[2] / 'configs').glob(pattern)
)

SHAPES = {'flat': (7, 6), 'pictures': (7, 6, 5, 4), 'videos': (7, 6, 3, 2, 2)}
CUTS = (0, 3, 7)  # the first process has 3 samples, the second 4
KINDS = {'flat': nn.BatchNorm1d, 'pictures': nn.BatchNorm2d, 'videos': nn.BatchNorm3d}
STEPS = 3


def layer(name, momentum=0.1, affine=True, track=True):
    """A BatchNorm whose parameters and statistics are not those of a new one."""
    torch.manual_seed(1)
    norm = KINDS[name](6, momentum=momentum, affine=affine, track_running_stats=track)
    for value in norm.state_dict().values():
        if value.is_floating_point():
            value.uniform_(0.5, 1.5)
    return norm


CASES = {
    'flat': lambda: layer('flat'),
    'pictures': lambda: layer('pictures'),
    'videos': lambda: layer('videos'),
    'plain average of all batches': lambda: layer('pictures', momentum=None),
    'no weights': lambda: layer('pictures', affine=False),
    'no statistics kept': lambda: layer('pictures', track=False),
}


def shape_of(norm):
    (name,) = (name for name, kind in KINDS.items() if isinstance(norm, kind))
    return SHAPES[name]


def steps(norm, shape, first=0, last=7):
    """Run some steps on samples ``first`` to ``last``; everything that came of them."""
    found = []
    for step in range(STEPS):
        generator = torch.Generator().manual_seed(step)
        # Far from 0, where a mean of squares would lose digits.
        samples = 30 + torch.randn(shape, generator=generator)
        weights = torch.randn(shape, generator=generator)
        part = samples[first:last].clone().requires_grad_()
        output = norm(part)
        (output.sigmoid() * weights[first:last]).sum().backward()
        found.append((output.detach(), part.grad))
    gradients = {name: value.grad for name, value in norm.named_parameters()}
    return found, gradients, norm.state_dict()


def run_process(rank, folder):
    torch.set_num_threads(1)  # a forked process must not use the threads of its parent
    dist.init_process_group('gloo', init_method=f'file://{folder}/meet', rank=rank, world_size=2)
    answers = {}
    for name, make in CASES.items():
        norm = synchronise_batch_norms(make(), every=True)
        answers[name] = steps(norm, shape_of(make()), CUTS[rank], CUTS[rank + 1])
        evaluated = norm.eval()(torch.ones(2, *shape_of(make())[1:]))
        answers[name] = (*answers[name], evaluated)
    torch.save(answers, f'{folder}/{rank}.pth')
    dist.destroy_process_group()


@pytest.fixture(scope='module')
def answers(tmp_path_factory):
    """What each of two processes found, by case."""
    folder = tmp_path_factory.mktemp('processes')
    torch.multiprocessing.start_processes(run_process, (str(folder),), 2, start_method='fork')
    return [torch.load(folder / f'{rank}.pth') for rank in range(2)]


@pytest.mark.parametrize('name', CASES)
def test_two_processes_are_as_one_that_has_all_samples(answers, name):
    norm = CASES[name]()
    expected, gradients, state = steps(norm, shape_of(norm))
    parts = [answer[name] for answer in answers]
    for step, (output, gradient) in enumerate(expected):
        torch.testing.assert_close(torch.cat([part[0][step][0] for part in parts]), output)
        torch.testing.assert_close(torch.cat([part[0][step][1] for part in parts]), gradient)
    for key, gradient in gradients.items():
        torch.testing.assert_close(sum(part[1][key] for part in parts), gradient)
    for part in parts:
        assert part[2].keys() == state.keys()
        for key, value in state.items():
            torch.testing.assert_close(part[2][key], value)
        torch.testing.assert_close(part[3], norm.eval()(torch.ones(2, *shape_of(norm)[1:])))


def test_a_single_process_has_ordinary_batch_norms():
    norm = layer('pictures')
    same = synchronise_batch_norms(layer('pictures'), every=True)
    ours, theirs = steps(same, SHAPES['pictures']), steps(norm, SHAPES['pictures'])
    for (output, gradient), (other_output, other_gradient) in zip(ours[0], theirs[0], strict=True):
        assert torch.equal(output, other_output)
        assert torch.equal(gradient, other_gradient)


def test_what_is_replaced():
    network = nn.ModuleDict(
        dict(plain=nn.BatchNorm2d(3), inner=nn.Sequential(nn.SyncBatchNorm(4, eps=0.1)))
    )
    network.plain.eval()
    state = {key: value.data_ptr() for key, value in network.state_dict().items()}
    assert synchronise_batch_norms(network, every=False) is network
    assert type(network.plain) is nn.BatchNorm2d
    assert type(network.inner[0]) is CpuSyncBatchNorm
    assert network.inner[0].eps == 0.1
    synchronise_batch_norms(network, every=True)
    assert type(network.plain) is CpuSyncBatchNorm
    assert not network.plain.training and network.inner[0].training
    # The very tensors, which an optimizer or another module may hold already.
    assert {key: value.data_ptr() for key, value in network.state_dict().items()} == state


def test_layers_that_are_more_than_a_batch_norm():
    class WithActivation(nn.BatchNorm2d):
        def forward(self, input):
            return super().forward(input).relu()

    with pytest.raises(UserError, match='WithActivation is more than a BatchNorm'):
        synchronise_batch_norms(nn.Sequential(WithActivation(3)), every=True)


@pytest.mark.parametrize('path', TRAINED_IN_SEVERAL_PROCESSES, ids=lambda path: path.stem)
def test_networks_of_configs_can_be_synchronised_and_drop_what_they_dropped(path):
    """Their norms are plain: torch's own conversion, for GPUs, would lose what else they do."""
    config = load_config(path)
    # Widths of torchvision's networks are computed with tensors, which then need numbers.
    with torch.device('cpu' if config.model.backbone.type == 'StaticNetwork' else 'meta'):
        model = build_model(config)
    norms = [name for name, module in model.named_modules() if isinstance(module, _BatchNorm)]
    keys, dropped = list(model.state_dict()), regularisation(model)
    synchronise_batch_norms(model, every=True)
    assert norms
    assert {type(model.get_submodule(name)) for name in norms} == {CpuSyncBatchNorm}
    assert list(model.state_dict()) == keys
    assert regularisation(model) == dropped
