"""The best size of graphs is found, on steps whose times by size are invented."""

import dataclasses

import pytest
import torch

from benchmarks.latency_records import MachineRecord
from benchmarks.ready_models import RunForm, ready_model
from benchmarks.timed_models import TimedModel
from benchmarks.timing import RoundLimits, WallClock
from benchmarks.tuning import CANDIDATES, candidate_sizes, tune
from dynp_plugins import create_model
from dynp_plugins.errors import UserError
from tests.benchmarks.invented_model import InventedNetwork, invented_model

CPU = torch.device('cpu')
SECONDS = {1: 3.0, 4: 1.0, 16: 2.0}
"""What all steps take for one image, by the size of the graphs."""

MILLISECONDS = {1: 1.0, 4: 1.6, 40: 12.0}
"""What a call of one step takes, by the size of its graph."""


class Graphs(InventedNetwork):
    """Steps whose time depends on the sizes that they have graphs for."""

    sizes = tuple(SECONDS)

    def only(self, sizes):
        """Graphs of some sizes alone."""
        seconds = [SECONDS[sizes[-1]] * share for share in (0.25, 0.5, 1.0)]
        other = Graphs(self.log, self.now, seconds)
        other.sizes = tuple(sizes)
        return other.eval()


def tuned(batch_size=40, rounds=6):
    """A tuned model with what was found, and a log of what ran."""
    now, log = [0.0], []
    model = invented_model(Graphs(log, now), count=40, budgets=())
    limits = RoundLimits(rounds, 1)
    clock = WallClock(lambda: now[0])
    return tune(model, list(SECONDS), batch_size, limits, CPU, clock), log


def test_the_fastest_size_is_taken_beside_smaller_ones():
    (model, found), log = tuned()
    assert model.network.sizes == (1, 4)
    assert found.graph_sizes == [1, 4]
    assert (found.batch_size, found.rounds) == (40, 6)
    assert [size.batch_size for size in found.sizes] == [1, 4, 16]
    for size in found.sizes:
        milliseconds = 1000 * SECONDS[size.batch_size]
        assert size.ms_per_image == pytest.approx(milliseconds)
        assert size.least_ms == pytest.approx(milliseconds)
        assert size.greatest_ms == pytest.approx(milliseconds)
        assert size.ratio == pytest.approx(SECONDS[size.batch_size] / SECONDS[4])
    assert {images for _, _, images in log} == {40}
    assert len([step for _, step, _ in log if step == 'start']) == 3 * (1 + 6)


class Calls(InventedNetwork):
    """Steps in calls of graphs, each of which takes its own time however full it is."""

    sizes = tuple(MILLISECONDS)

    def __init__(self, log, now, asked):
        super().__init__(log, now, seconds=(0.0, 0.0, 0.0))
        self.asked = asked

    def only(self, sizes):
        self.asked.append(list(sizes))
        other = Calls(self.log, self.now, self.asked)
        other.sizes = tuple(sizes)
        return other.eval()

    def step(self, k, state, previous_logits):
        left = len(state['images'])
        for size in sorted(self.sizes, reverse=True):
            self.now[0] += left // size * MILLISECONDS[size] / 1000
            left %= size
        return super().step(k, state, previous_logits)


def calls_tuned(budgets):
    now, log, asked = [0.0], [], []
    model = invented_model(Calls(log, now, asked), count=40, budgets=budgets)
    clock = WallClock(lambda: now[0])
    _, found = tune(model, [1, 4, 40], 40, RoundLimits(5, 1), CPU, clock)
    return found, asked, log


def test_the_sizes_are_timed_as_they_would_be_run():
    found, asked, _ = calls_tuned(budgets=())
    assert asked == [[1], [1, 4], [1, 4, 40], [1, 4, 40]]
    whole = {size.batch_size: 40 * size.ms_per_image for size in found.sizes}
    assert whole == pytest.approx({1: 3 * 40.0, 4: 3 * 10 * 1.6, 40: 3 * 12.0})
    assert found.graph_sizes == [1, 4, 40]


def test_what_early_exit_leaves_runs_in_smaller_graphs():
    found, _, log = calls_tuned(budgets=(1.5, 2.0))
    full = [images == 40 for _, step, images in log if step != 'start']
    assert 0 < sum(full) < len(full)
    full_per_turn = sum(full) / 3 / 6  # three sizes, six rounds
    saved_ms = full_per_turn * (10 * MILLISECONDS[4] - MILLISECONDS[40])
    in_fours, in_forties = (size.ms_per_image for size in found.sizes[1:])
    assert (in_fours - in_forties) * 40 == pytest.approx(saved_ms / 3)  # whole, and two policies


def test_frames_that_are_run_one_by_one_are_the_samples_of_graphs():
    network = InventedNetwork([], [0.0])
    model = invented_model(network, count=6, budgets=(), frames=(8,))
    assert model.graph_samples == 8
    network.num_segments = 8  # a network that sees whole clips
    assert model.graph_samples == 1
    assert invented_model(InventedNetwork([], [0.0]), budgets=()).graph_samples == 1


class Whole(InventedNetwork):
    def forward(self, images):
        state = self.start(images)
        return [self.step(k, state, [])[1] for k in range(len(self.exit_names))]


def test_graphs_of_a_network_that_sees_frames_one_by_one_hold_whole_batches_of_videos(monkeypatch):
    network = Whole([], [0.0])
    model = invented_model(network, count=6, budgets=(), frames=(8,))
    asked = []

    def compiled(model, backend, dtype, batch_sizes, threads):
        asked.append(batch_sizes)
        return model

    monkeypatch.setattr(TimedModel, 'compiled', compiled)
    monkeypatch.setattr('benchmarks.ready_models.tune', lambda model, *_: (model, None))
    form = RunForm(CPU, torch.float32, backend='eager', tuned=True)
    ready_model(model, form, 4, RoundLimits(5, 1))
    assert asked == [[1, 2, 4, 8, 16, 32]]


def test_a_batch_has_at_most_all_samples():
    (_, found), log = tuned(batch_size=64)
    assert found.batch_size == 40 and {images for _, _, images in log} == {40}


def test_sizes_that_fit_into_a_batch():
    assert candidate_sizes(CANDIDATES, 64) == list(CANDIDATES)
    assert candidate_sizes(CANDIDATES, 20) == [1, 2, 4, 8, 16]
    assert candidate_sizes((8, 4, 8), 8) == [1, 4, 8]
    assert candidate_sizes((8,), 4) == [1]
    with pytest.raises(UserError, match='--graphs 0 4: give whole numbers of at least 1'):
        candidate_sizes((0, 4), 8)


def test_what_is_compiled_and_recorded():
    machine = MachineRecord('cpu', 'cpu', 1, 'float32', 'contiguous', {}, {})
    plain = RunForm(CPU, torch.float32)
    assert plain.is_plain and plain.recorded(machine) == machine
    assert machine.ran_by == 'contiguous, eager'
    assert not RunForm(CPU, torch.bfloat16).is_plain
    fixed = RunForm(CPU, torch.float32, backend='eager')
    assert not fixed.is_plain and fixed.graph_sizes(64) == [1, 4, 16]
    assert fixed.recorded(machine).ran_by == 'eager in batches of 1, 4 and 16'
    open_ = dataclasses.replace(fixed, tuned=True)
    assert open_.graph_sizes(10) == [1, 2, 4, 8]
    assert open_.recorded(machine).ran_by == 'eager in batches tuned for each model'
    assert dataclasses.replace(open_, graphs=[3, 5]).graph_sizes(64) == [1, 3, 5]
    with pytest.raises(UserError, match=r'--tune .* give --backend'):
        RunForm(CPU, torch.float32, tuned=True)
    with pytest.raises(UserError, match=r'--channels-last .* without --backend'):
        RunForm(CPU, torch.float32, channels_last=True, backend='eager')


def test_a_backend_has_the_threads_that_are_recorded():
    form = RunForm(CPU, torch.float32, backend='openvino')
    assert form.backend_threads == torch.get_num_threads()
    assert dataclasses.replace(form, threads=3).backend_threads == 3
    assert dataclasses.replace(form, device=torch.device('cuda')).backend_threads is None


def test_a_real_network_is_compiled_tuned_and_compared():
    torch.manual_seed(0)
    network = create_model('dyn_perceiver_regnety_tiny', num_classes=2).eval()
    model = invented_model(InventedNetwork([], [0.0]), count=6, budgets=())
    images = torch.randn(6, 3, 64, 64)
    logits = torch.stack(network(images), 1).detach()
    table = dataclasses.replace(model.test, prediction=logits.argmax(-1).numpy())
    model = dataclasses.replace(model, network=network, images=images, test=table)
    form = RunForm(CPU, torch.float32, backend='eager', graphs=[2, 4], tuned=True)
    ready = ready_model(model, form, 4, RoundLimits(5, 1, 0.0))
    assert [size.batch_size for size in ready.tuning.sizes] == [1, 2, 4]
    assert ready.model.network.batch_sizes == tuple(ready.tuning.graph_sizes)
    assert min(size.ratio for size in ready.tuning.sizes) == 1
    assert ready.model.network.threads == torch.get_num_threads()
    assert ready.agreement.same_top1_everywhere == 1
    assert ready.agreement.logit_difference < 1e-4
