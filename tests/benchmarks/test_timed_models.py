"""What a model is timed with: its exit tables, its policies, its network as it is to run."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.check_results import table_name
from benchmarks.timed_models import TimedModel, budget_policies, file_policies, read_tables
from dynp_plugins.early_exit import ALWAYS, ExitPolicy, choose_policies, fold_frames
from dynp_plugins.errors import UserError
from tests.exit_tables import made_up_table, random_tables

WEIGHTS, CONFIG = 'w' * 64, 'c' * 64


def trained(name='net', exits=4, **entries):
    """As much of a `TrainedModel` as tables are compared with."""
    return SimpleNamespace(
        name=name,
        network=SimpleNamespace(exit_names=tuple(f'exit{k}' for k in range(exits))),
        checkpoint_record=SimpleNamespace(sha256=entries.get('weights', WEIGHTS)),
        config_record=SimpleNamespace(sha256=entries.get('config', CONFIG)),
    )


@pytest.fixture
def report(tmp_path):
    for table in random_tables((50, 60)):
        table.save(tmp_path / 'tables' / table_name('net', table.manifest['split']))
    return tmp_path


def test_tables_of_a_report(report):
    calibration, test = read_tables(report, trained())
    assert (len(calibration), len(test)) == (50, 60)


def test_tables_of_another_model_are_refused(report):
    with pytest.raises(UserError, match=r'no exit table .*other_calibration.*budget_curve'):
        read_tables(report, trained('other'))
    for entries, what in (
        (dict(weights='x' * 64), r'its weights_sha256 is wwwwwwwwwwww\.\.\., that of net is xxxx'),
        (dict(config='x' * 64), 'its config_sha256'),
        (dict(exits=3), r"its exit_names is \['exit0', 'exit1', 'exit2', 'exit3'\]"),
    ):
        with pytest.raises(UserError, match=what) as error:
            read_tables(report, trained(**entries))
        assert str(report / 'tables/net_calibration.npz') in str(error.value)
    (report / 'tables/net_test.npz').write_bytes(b'x')
    with pytest.raises(UserError, match=r'net_test\.npz is not a readable exit table'):
        read_tables(report, trained())


def test_a_table_under_the_name_of_another_split(report):
    for suffix in ('npz', 'json'):
        source = report / f'tables/net_test.{suffix}'
        source.replace(report / f'tables/net_calibration.{suffix}')
    with pytest.raises(UserError, match='its split is test, that of net is calibration'):
        read_tables(report, trained())


def test_budgets_lie_strictly_between_the_exits():
    calibration, _ = random_tables()
    found = budget_policies(calibration, 2)
    assert [timed.target_gmacs for timed in found] == [2.0, 3.0]  # the exits cost 1, 2, 3, 4
    assert [timed.file for timed in found] == [None, None]
    assert [timed.policy for timed in found] == choose_policies(calibration, [2.0, 3.0])
    typed = budget_policies(calibration, [1.5])
    assert [timed.policy for timed in typed] == choose_policies(calibration, [1.5])
    assert budget_policies(calibration, 0) == []


def test_budgets_are_points_of_a_curve():
    """The curve's default 33 points and the three default budgets share thresholds."""
    calibration, _ = random_tables((997, 10))
    curve = choose_policies(calibration, np.linspace(1, 4, 33))
    timed = [one for one in budget_policies(calibration, 3) if one.target_gmacs != 2.0]
    assert [one.policy.thresholds for one in timed] == [curve[i].thresholds for i in (8, 16, 24)]


def test_half_of_the_last_exits_cost_is_a_budget_where_the_first_exit_costs_less():
    calibration, _ = random_tables()  # the exits cost 1, 2, 3, 4
    assert [one.target_gmacs for one in budget_policies(calibration, 3)] == [1.75, 2.0, 2.5, 3.25]
    dear = calibration.with_manifest(exit_gmacs=[2.0, 2.5, 3.0, 4.0])
    assert [one.target_gmacs for one in budget_policies(dear, 3)] == [2.5, 3.0, 3.5]


def test_a_network_with_one_exit_has_no_budgets():
    table = made_up_table([[0.5]], [[1]])
    assert budget_policies(table, 3) == budget_policies(table, [0.1]) == []


def test_budgets_outside_the_exits_name_the_model():
    calibration, _ = random_tables()
    for budget in (0.99, 4.01, float('nan')):
        with pytest.raises(UserError, match=rf'net: a budget of {budget:g} GMACs lies outside'):
            budget_policies(calibration, [2.0, budget])


def test_policy_files_go_to_the_models_they_fit(tmp_path):
    (one, _), (other, _), (short, _) = (
        random_tables(model=name, exits=exits, weights_sha256=name[0] * 64)
        for name, exits in (('one', 4), ('other', 4), ('short', 3))
    )
    choose_policies(other, [2.5], measure='margin')[0].save(tmp_path / 'other.json')
    names = tuple(other.manifest['exit_names'])
    # 'one' and 'other' begin with the same letter, and so have the same weights here.
    ExitPolicy(names, 'entropy', (0.9, 0.8, 0.7, ALWAYS)).save(tmp_path / 'hand.json')
    files = [tmp_path / 'hand.json', tmp_path / 'other.json']
    found = file_policies(files, [one, other, short])
    assert [[timed.file for timed in of_model] for of_model in found] == [
        [str(path) for path in files],
        [str(path) for path in files],
        [],
    ]
    hand, chosen = found[1]
    assert chosen.target_gmacs == 2.5
    assert hand.target_gmacs == hand.policy.expected.gmacs_mean
    assert 1 < hand.target_gmacs < 4


def test_policy_files_that_fit_nothing(tmp_path):
    calibration, _ = random_tables()
    ExitPolicy(('a', 'b'), 'margin', (0.5, ALWAYS)).save(tmp_path / 'p.json')
    with pytest.raises(UserError, match=r'p\.json fits none of the models; net: .*exits a, b'):
        file_policies([tmp_path / 'p.json'], [calibration])
    foreign, _ = random_tables(weights_sha256='x' * 64)
    choose_policies(foreign, [2.0])[0].save(tmp_path / 'p.json')
    with pytest.raises(UserError, match='other weights'):
        file_policies([tmp_path / 'p.json'], [calibration])
    foreign, _ = random_tables(index_sha256='other pictures')
    choose_policies(foreign, [2.0])[0].save(tmp_path / 'p.json')
    with pytest.raises(UserError, match='chosen on other samples'):
        file_policies([tmp_path / 'p.json'], [calibration])
    with pytest.raises(UserError, match=r'none\.json is not a policy file'):
        file_policies([tmp_path / 'none.json'], [calibration])


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 4, 1)
        self.seen = []

    def forward(self, images):
        self.seen.append(images)
        return self.layer(images)


def timed_model(network, frames=()):
    images = torch.rand(6, *frames, 3, 4, 4)
    return TimedModel('net', CONFIG, WEIGHTS, network, images, [], None, [1.0])


def test_a_network_and_its_images_in_another_type_and_format():
    network = Network()
    model = timed_model(network)
    ready = model.prepared(torch.device('cpu'), torch.bfloat16, channels_last=True)
    assert ready.images.dtype == network.layer.weight.dtype == torch.bfloat16
    assert ready.images.is_contiguous(memory_format=torch.channels_last)
    assert ready.images[2:4].is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(ready.images, model.images.bfloat16())
    assert not network.training
    assert [len(images) for images in network.seen] == [1]  # it was tried


def test_videos_in_another_type_and_format():
    """Memory formats are of pictures; a batch of videos is folded without being copied."""
    network = Network()
    model = timed_model(network, frames=(5,))
    assert (model.sample, model.frames) == ('video', 5)
    ready = model.prepared(torch.device('cpu'), torch.float64, channels_last=True)
    assert ready.images.shape == (6, 5, 3, 4, 4) and ready.images.dtype == torch.float64
    assert torch.equal(ready.images, model.images.double())
    batch, group_size = fold_frames(ready.images[2:4])
    assert group_size == 5
    assert batch.is_contiguous(memory_format=torch.channels_last)
    assert batch.data_ptr() == ready.images[2].data_ptr()
    assert [len(images) for images in network.seen] == [5]  # tried with the frames of one video
    plain = model.prepared(torch.device('cpu'), torch.float32, channels_last=False)
    assert plain.images.is_contiguous() and torch.equal(plain.images, model.images)


def test_a_type_that_the_network_cannot_run_in():
    network = Network()
    network.forward = lambda images: (_ for _ in ()).throw(
        NotImplementedError("'convolution' not implemented for 'Half'")
    )
    with pytest.raises(UserError, match=r"net cannot run in float16 on cpu: 'convolution' not.*"):
        timed_model(network).prepared(torch.device('cpu'), torch.float16, channels_last=False)
