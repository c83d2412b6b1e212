"""The first samples of a test split, read once for all models that share them."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from benchmarks.provenance import picture_digest
from benchmarks.timed_samples import TestImages
from dynp_plugins.errors import UserError
from tests.exit_tables import made_up_table


class Batches:
    """As much of a data loader as is asked for: its batches, and its data set."""

    def __init__(self, batches, dataset):
        self.batches, self.dataset = batches, dataset

    def __iter__(self):
        return self.batches


class Split:
    """A model with a test split of made-up pictures, and how often they were read."""

    def __init__(self, name, pictures, batch_size=4, pipeline='same'):
        self.name, self.pictures, self.batch_size = name, pictures, batch_size
        self.read = 0
        self.config = SimpleNamespace(test_dataloader=pipeline, model={}, get=lambda key: None)
        self.classifier = SimpleNamespace(
            data_preprocessor=lambda batch, training: {
                'inputs': torch.stack(batch['inputs']).float() / 2
            }
        )

    def build_splits(self, splits):
        assert splits == ['test']
        return {'test': Batches(self._batches(), f'data set of {self.name}')}

    def _batches(self):
        for begin in range(0, len(self.pictures), self.batch_size):
            self.read += 1
            yield {'inputs': list(self.pictures[begin : begin + self.batch_size])}

    def table(self):
        table = made_up_table([[0.5, 0.5]] * len(self.pictures), [[1, 1]] * len(self.pictures))
        digests = b''.join(picture_digest(picture.numpy()) for picture in self.pictures)
        table.picture[:] = np.frombuffer(digests, np.uint8).reshape(-1, 16)
        return table


def pictures(count, seed=0, frames=()):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(256, (count, *frames, 3, 5, 5), dtype=torch.uint8, generator=generator)


def test_the_first_images_as_the_network_takes_them():
    split = Split('net', pictures(20))
    images, source = TestImages(6).of(split, split.table())
    assert torch.equal(images, split.pictures[:6] / 2)
    assert split.read == 2  # no more than are needed
    assert source.dataset == 'data set of net'
    assert source.preprocessor is split.classifier.data_preprocessor
    assert len(TestImages(100, least_videos=3).of(split, split.table())[0]) == 20


@pytest.mark.parametrize(
    'limit, least, read', [(40, 1, 10), (40, 16, 16), (12, 16, 12), (1000, 1, 20), (1, 1, 1)]
)
def test_of_videos_as_many_as_have_so_many_frames(limit, least, read):
    """Four frames each; but enough for a batch, and never more than the limit."""
    split = Split('net', pictures(20, frames=(4,)))
    videos, _ = TestImages(limit, least).of(split, split.table())
    assert videos.shape == (read, 4, 3, 5, 5)
    assert torch.equal(videos, split.pictures[:read] / 2)
    assert split.read == -(-read // 4)


def test_models_with_the_same_pipeline_share_the_images():
    reader = TestImages(8)
    one, other, third = (
        Split(name, pictures(8), pipeline=pipeline)
        for name, pipeline in (('one', 'same'), ('other', 'same'), ('third', 'another'))
    )
    images = [reader.of(split, split.table()) for split in (one, other, third)]
    assert images[0][0] is images[1][0] and images[0][1] is images[1][1]
    assert images[0][1] is not images[2][1]
    assert (one.read, other.read, third.read) == (2, 0, 2)


def test_images_that_are_not_those_of_the_table():
    split = Split('net', pictures(8))
    table = split.table()
    with pytest.raises(UserError, match='image 0 of the test split of net is not the one in its'):
        TestImages(8).of(split, Split('net', pictures(8, seed=1)).table())
    table.picture[5] = 0
    with pytest.raises(UserError, match='image 5 of the test split of net'):
        TestImages(8).of(split, table)
    assert len(TestImages(5).of(split, table)[0]) == 5
    with pytest.raises(UserError, match='image 6 of the test split'):
        TestImages(8).of(split, Split('net', pictures(8)[:6]).table())
    videos, others = (Split('net', pictures(8, seed, (2,))) for seed in (0, 1))
    with pytest.raises(UserError, match='video 0 of the test split of net'):
        TestImages(8).of(videos, others.table())


def test_images_of_different_sizes_and_none_at_all():
    split = Split('net', pictures(4))
    wide = torch.zeros(3, 5, 9, dtype=torch.uint8)
    for batch in ([*split.pictures, wide], [*split.pictures[:3], wide]):
        mixed = Split('net', split.pictures)
        mixed.pictures = batch
        with pytest.raises(UserError, match='reach the network in different sizes'):
            TestImages(99).of(mixed, split.table())
    with pytest.raises(UserError, match='test split of net is empty'):
        TestImages(8).of(Split('net', pictures(0)), split.table())
