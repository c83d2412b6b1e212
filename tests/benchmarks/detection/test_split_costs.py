"""Costs over the images of a split, whose sizes differ; and those sizes."""

import copy

import numpy as np
import pytest
from mmengine.config import Config

from benchmarks.detection.input_sizes import network_sizes, split_dataset, usual_size
from benchmarks.detection.part_costs import detector_costs
from benchmarks.detection.split_costs import split_costs
from dynp_plugins.errors import UserError
from dynp_plugins.openmmlab.detectors import build_detector

from .tiny_data import SIZES, tiny_config, write_images

IN_NETWORK = [(64, 96), (96, 64), (64, 96), (64, 64)]


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp('things') / 'data'
    write_images(path)
    return path


@pytest.fixture(scope='module')
def built(folder):
    config = Config.fromfile(tiny_config(folder, 'RetinaNet'))
    return config, build_detector(config)


@pytest.fixture
def retinanet(built):
    """A config of one's own, and its detector."""
    config, detector = built
    return copy.deepcopy(config), detector


def test_sizes_are_those_that_images_have_in_the_network(retinanet):
    config, detector = retinanet
    preprocessor, dataset = detector.data_preprocessor, split_dataset(config, 'test')
    expected = [
        tuple(preprocessor({'inputs': [image['inputs']], 'data_samples': None})['inputs'].shape[2:])
        for image in dataset
    ]
    assert network_sizes(config, preprocessor, dataset) == expected == IN_NETWORK


def test_images_need_not_be_read_where_the_json_says_their_sizes(retinanet, folder, monkeypatch):
    config, detector = retinanet
    dataset = split_dataset(config, 'test')
    monkeypatch.setattr(dataset, 'prepare_data', lambda index: pytest.fail('was read'))
    assert network_sizes(config, detector.data_preprocessor, dataset) == IN_NETWORK


def test_headers_are_read_where_it_does_not(retinanet):
    config, detector = retinanet
    dataset = split_dataset(config, 'test')

    class Nameless:
        def __len__(self):
            return len(dataset)

        def get_data_info(self, index):
            return {'img_path': dataset.get_data_info(index)['img_path']}

    assert network_sizes(config, detector.data_preprocessor, Nameless()) == IN_NETWORK


def test_training_images_go_through_the_test_pipeline(retinanet):
    config, detector = retinanet
    dataset = split_dataset(config, 'train')
    assert len(dataset) == 2 * len(SIZES)
    assert network_sizes(config, detector.data_preprocessor, dataset) == 2 * IN_NETWORK
    assert tuple(dataset[0]['inputs'].shape) == (3, 64, 96)
    assert 'RandomCrop' in repr(config.train_dataloader)  # the config is as it was


def test_mean_and_spread_over_the_images(retinanet):
    config, detector = retinanet
    detector.train()
    found = split_costs(detector, config, 'test')
    assert detector.training
    assert found.sizes == {(64, 64): 1, (64, 96): 2, (96, 64): 1}
    assert found.images == 4
    assert found.proposals is None
    costs = [detector_costs(detector, size) for size in IN_NETWORK]
    assert [part.part for part in found.parts] == ['backbone', 'neck', 'head', 'total']
    for number, part in enumerate(found.parts):
        column = [one.total if number == 3 else one.parts[number].cost for one in costs]
        macs = np.array([cost.macs for cost in column])
        assert part.macs.mean == macs.mean()
        assert part.macs.std == pytest.approx(np.sqrt(((macs - macs.mean()) ** 2).mean()))
        assert (part.macs.min, part.macs.max) == (macs.min(), macs.max())
        assert part.macs.min < part.macs.max
        assert part.with_norm.mean == np.mean([cost.macs + cost.other_ops for cost in column])
    assert found.parts[3].parameters == costs[0].parameters


def test_proposals_are_counted_on_real_images(folder):
    config = Config.fromfile(tiny_config(folder, 'FasterRCNN'))
    detector = build_detector(config)
    found = split_costs(detector, config, 'test')
    assert found.sizes == {(64, 64): 1, (64, 96): 2, (96, 64): 1}
    assert 0 < found.proposals.min <= found.proposals.mean <= found.proposals.max <= 40
    head, rpn = found.parts[2].macs, 8 * 9 * 8 + 8 * 3 + 8 * 12
    places = np.mean([sum(max(h * w // 4**k, 1) for k in (2, 3, 4, 5, 6)) for h, w in IN_NETWORK])
    per_region = 8 * 49 * 16 + 16 * 16 + 16 * (3 + 1) + 16 * 4 * 3
    expected = places * rpn + found.proposals.mean * per_region
    assert head.mean == pytest.approx(expected, rel=0.01)  # odd sides are rounded up


def test_the_usual_size_is_that_of_all_images(folder, tmp_path, retinanet):
    config, detector = retinanet
    preprocessor = detector.data_preprocessor
    with pytest.raises(UserError, match=r'in 3 sizes, such as 64 x 64 .*--shape .*--split test'):
        usual_size(config, preprocessor)
    write_images(tmp_path / 'alike', sizes=((60, 90),) * 3)
    alike = Config.fromfile(tiny_config(tmp_path / 'alike', 'RetinaNet'))
    assert usual_size(alike, preprocessor) == (64, 96)
    steps = config.test_dataloader.dataset.pipeline
    steps[1].keep_ratio = False
    config.test_dataloader.dataset.data_root = 'nowhere'  # the data are not looked at
    assert usual_size(config, preprocessor) == (64, 96)
    steps[1].keep_ratio = True
    with pytest.raises(UserError, match=r'test split cannot be read: give --shape .*nowhere'):
        usual_size(config, preprocessor)


def test_a_split_that_the_config_lacks(retinanet):
    config, detector = retinanet
    with pytest.raises(UserError, match='has no val_dataloader'):
        split_costs(detector, config, 'val')
