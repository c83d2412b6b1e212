"""The line on the data loader at the end of a training: its arithmetic, and its advice."""

import logging
import os
import re
from types import SimpleNamespace

import pytest
from mmengine.dataset import BaseDataset
from mmengine.logging import MessageHub

from dynp_plugins.openmmlab import runs
from dynp_plugins.openmmlab.loader_time import LoaderTimeHook, loader_report
from dynp_plugins.openmmlab.sample_times import sample_times
from tests.openmmlab.short_runs import small_config

KEEPS_UP = dict(
    waiting=0.002, whole=0.1, reading=0.003, others=0.001, batch_size=32, workers=2, cores=8
)


def test_a_loader_that_keeps_up():
    assert loader_report(**KEEPS_UP) == (
        'loader: 2 % of the training time went by waiting for data, 2.0 of 100.0 ms per iteration '
        'of 32 samples with train_dataloader.num_workers=2; one process needs 3.0 ms to decode a '
        'sample and 1.0 ms to augment it'
    )


@pytest.mark.parametrize(
    ('changes', 'advice'),
    [
        # 32 samples of 4 ms within 40 ms of computing: 3.2 processes
        (dict(waiting=0.06), r'set train_dataloader\.num_workers=4 to keep up$'),
        (dict(waiting=0.06, cores=4), r'take 4 workers .* there are 4 cores: store the samples'),
        (dict(waiting=0.06, workers=4), r'so many workers should do: where epochs are short'),
        (dict(waiting=0.06, workers=0), r'set train_dataloader\.num_workers=4 to keep up$'),
    ],
)
def test_a_loader_that_does_not_keep_up(changes, advice):
    line = loader_report(**KEEPS_UP | changes)
    assert line.startswith('loader: 60 % of the training time')
    assert re.search(rf'That is much: .*{advice}', line), line


class World:
    """Invented time."""

    now = 0.0

    def takes(self, seconds):
        self.now += seconds


def data_set(world, count):
    """Decoding sample i takes 10 ms * (i + 1), augmenting it 2 ms."""

    class LoadImage:
        def __call__(self, data):
            world.takes(0.010 * (data['sample_idx'] + 1))
            return data

    class Flip:
        def __call__(self, data):
            world.takes(0.002)
            return data

    data = BaseDataset(pipeline=[LoadImage(), Flip()], lazy_init=True)
    data.data_list = [{} for _ in range(count)]
    data._fully_initialized, data.serialize_data = True, False
    return data


def test_times_of_samples():
    world = World()
    data = data_set(world, 4)
    reading, others = sample_times(data, [0, 1, 3], 100.0, lambda: world.now)
    assert (reading, others) == (pytest.approx(0.07 / 3), pytest.approx(0.002))
    # The time is up after samples 0, again 0, and 1.
    reading, _ = sample_times(data, [0, 1, 3], 0.04, lambda: world.now)
    assert reading == pytest.approx(0.03 / 2)
    assert sample_times(data, [], 1.0) is None


def test_the_first_iteration_does_not_count(caplog):
    world = World()
    hook = LoaderTimeHook(lambda: world.now)
    logger = logging.getLogger('loader time')
    hub = MessageHub('loader time')
    loader = SimpleNamespace(dataset=data_set(world, 1), batch_size=8, num_workers=2)
    runner = SimpleNamespace(message_hub=hub, logger=logger, train_dataloader=loader)
    for waiting, whole in ((9.0, 60.0), (0.01, 0.2), (0.03, 0.2)):
        hub.update_scalar('train/data_time', waiting)
        hub.update_scalar('train/time', whole)
        hook.after_train_iter(runner, 0)
    with caplog.at_level(logging.INFO, 'loader time'):
        hook.after_train(runner)
    assert caplog.messages == [loader_report(0.02, 0.2, 0.010, 0.002, 8, 2, cores=os.cpu_count())]
    assert 'loader: 10 %' in caplog.text


def test_a_training_ends_with_it(tmp_path):
    config = small_config(tmp_path, epochs=1)
    config.log_level = 'INFO'
    runs.train(config, validate=False)
    (log,) = tmp_path.glob('*/*.log')
    (line,) = [line for line in log.read_text().splitlines() if 'loader: ' in line]
    assert 'per iteration of 8 samples with train_dataloader.num_workers=0' in line
