"""Batches of like shape: what is in them, and that processes agree about them."""

from itertools import chain

import pytest
from mmengine.dataset import DefaultSampler, InfiniteSampler
from mmengine.registry import DATA_SAMPLERS

from dynp_plugins import UserError
from dynp_plugins.openmmlab.batch_samplers import LikeShapeBatchSampler


class Pictures:
    """``count`` pictures, of which the first are upright."""

    def __init__(self, count, upright):
        self.count, self.upright = count, upright

    def __len__(self):
        return self.count

    def get_data_info(self, index):
        return dict(width=20, height=30 if index < self.upright else 20)


def batches(pictures, batch_size, rank=0, processes=1, drop_last=False, epoch=0, shuffle=True):
    sampler = DefaultSampler(pictures, shuffle=shuffle, seed=3)
    sampler.rank, sampler.world_size = rank, processes
    sampler.num_samples = -(-len(pictures) // processes)
    sampler.total_size = sampler.num_samples * processes
    sampler.set_epoch(epoch)
    found = LikeShapeBatchSampler(sampler, batch_size, drop_last)
    listed = list(found)
    assert len(listed) == len(found)
    return listed


def test_only_the_last_batches_mix_shapes():
    pictures = Pictures(23, upright=9)
    found = batches(pictures, 4)
    assert [len(batch) for batch in found] == [4, 4, 4, 4, 4, 3]
    assert sorted(chain(*found)) == list(range(23))
    mixed = [len({index < 9 for index in batch}) == 2 for batch in found]
    assert not any(mixed[:5])
    assert batches(pictures, 4, epoch=1) != found


def test_dropping_the_last_batch():
    assert [len(batch) for batch in batches(Pictures(23, 9), 4, drop_last=True)] == [4] * 5
    # Two upright and two others are left over, a whole batch.
    assert [len(batch) for batch in batches(Pictures(24, 10), 4, drop_last=True)] == [4] * 6


@pytest.mark.parametrize('drop_last', [False, True])
@pytest.mark.parametrize('processes', [2, 3])
@pytest.mark.parametrize(('count', 'upright'), [(24, 10), (25, 10), (48, 0), (47, 20), (5, 2)])
def test_processes_share_the_batches_of_a_single_one(count, upright, processes, drop_last):
    pictures = Pictures(count, upright)
    parts = [batches(pictures, 4, rank, processes, drop_last) for rank in range(processes)]
    assert len({len(part) for part in parts}) == 1
    together = [list(chain(*batch)) for batch in zip(*parts, strict=True)]
    assert all(len({len(part) for part in batch}) == 1 for batch in zip(*parts, strict=True))
    if count % processes == 0:  # otherwise some pictures are in an epoch twice
        single = batches(pictures, 4 * processes, drop_last=drop_last)
        assert [sorted(batch) for batch in together] == [sorted(batch) for batch in single]
    elif not drop_last:
        assert set(chain(*together)) == set(range(count))


def test_mmdets_own_sampler_lets_processes_disagree():
    """What ours is for; once this fails, mmdet's can be used."""
    import mmdet.datasets.samplers  # noqa: F401 - registers it

    counts = set()
    for upright in (6, 8):  # of the 16 pictures of one process
        sampler = DefaultSampler(Pictures(16, upright), shuffle=False)
        theirs = dict(type='mmdet.AspectRatioBatchSampler', batch_size=8, drop_last=True)
        counts.add(len(list(DATA_SAMPLERS.build(theirs, default_args=dict(sampler=sampler)))))
    assert counts == {1, 2}


def test_other_samplers_are_refused():
    with pytest.raises(UserError, match=r'not of a InfiniteSampler.*train_dataloader\.sampler'):
        LikeShapeBatchSampler(InfiniteSampler(Pictures(4, 2)), 2)
