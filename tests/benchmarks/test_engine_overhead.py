"""The engine's overhead: the arithmetic of its ratios, and what is timed for them."""

import pytest
import torch

from benchmarks.engine_overhead import HALF, Timings, measure_overhead, table, untrained
from dynp_plugins import UserError, create_model


def test_ideal_times_against_closed_form():
    timings = Timings(
        share=0.25,
        whole={name: [1.0] for name in ('forward', 'forward, again')},
        full_steps=[[10.0, 4.0, 8.0], [20.0, 0.0, 4.0]],
        half_steps=[[3.0, 5.0], [1.0, 2.0]],
    )
    assert timings.ideal == [13.0, 21.0]
    assert timings.compacted == [18.0, 23.0]


class CountingClock:
    """Time is the number of network calls so far."""

    calls = 0

    def start(self):
        self.begin, self.laps = self.calls, []

    def lap(self):
        self.laps.append(float(self.calls - self.begin))

    def read(self):
        return self.laps


def test_everything_runs_the_steps_it_is_named_after():
    clock = CountingClock()
    images = torch.randn(8, 3, 64, 64)
    network = untrained('dyn_perceiver_regnety_tiny', images)
    step = network.step
    images_per_step = []

    def counted(k, state, logits):
        clock.calls += len(state['x'])
        images_per_step.append(len(state['x']))
        return step(k, state, logits)

    network.step = counted
    timings = measure_overhead(network, images, 5, clock)
    assert timings.share == 0.5
    assert set(images_per_step) == {8, 4}
    assert timings.full_steps == ([8.0] * 4,) * 5
    assert timings.half_steps == ([4.0] * 3,) * 5
    assert timings.whole[HALF] == (20.0,) * 5
    assert timings.ideal == timings.compacted == [20.0] * 5
    timings.whole['forward'] = timings.whole['forward, again'] = [32.0] * 5  # calls no step
    assert [line.split()[-5] for line in table(timings).splitlines()[-5:]] == ['1.000'] * 5


def test_a_network_with_one_exit_is_refused():
    images = torch.randn(2, 3, 64, 64)
    with pytest.raises(UserError, match='one exit has nothing to leave early'):
        measure_overhead(
            create_model('static:torchvision/mobilenet_v3_small').eval(), images, 5, CountingClock()
        )


def test_equal_confidences_leave_together():
    same = torch.randn(1, 3, 64, 64).repeat(2, 1, 1, 1)
    network = untrained('dyn_perceiver_regnety_tiny', same)
    assert measure_overhead(network, same, 5, CountingClock()).share == 0
