"""Batches of pictures of like shape, the same in one process and in several."""

from collections.abc import Iterator
from copy import copy

from mmengine.dataset import DefaultSampler
from mmengine.registry import DATA_SAMPLERS
from torch.utils.data import BatchSampler

from ..errors import UserError


@DATA_SAMPLERS.register_module()
class LikeShapeBatchSampler(BatchSampler):
    """Puts upright pictures into one batch and all others into another, so that little is padded.

    Batches are cut from the order of all processes together, and each process has every n-th
    picture of them: P processes with batches of B take the steps of a single one with P * B.
    mmdet's `AspectRatioBatchSampler` lets each process sort its own pictures; their numbers of
    batches can then differ, and the one with more waits for the others for ever.

    Args:
        sampler: mmengine's DefaultSampler. Its dataset's ``get_data_info`` gives ``width`` and
            ``height`` in pixels.
        batch_size: Pictures of a batch in this process.
        drop_last: Leave out the last batch where it is too small.

    Raises:
        UserError: Another sampler is given.
    """

    def __init__(self, sampler: DefaultSampler, batch_size: int, drop_last: bool = False):
        if not isinstance(sampler, DefaultSampler):
            raise UserError(
                f'LikeShapeBatchSampler cuts the order of a DefaultSampler, not of a '
                f'{type(sampler).__name__}: change train_dataloader.sampler or .batch_sampler'
            )
        super().__init__(sampler, batch_size, drop_last)
        self._upright: dict[int, bool] = {}

    def __iter__(self) -> Iterator[list[int]]:
        """Indices of this process's part of each batch."""
        everything = copy(self.sampler)
        everything.rank, everything.world_size = 0, 1
        whole_batch = self.batch_size * self.sampler.world_size
        groups = {True: [], False: []}
        for index in everything:
            group = groups[self._is_upright(index)]
            group.append(index)
            if len(group) == whole_batch:
                yield self._own(group)
                group.clear()
        rest = groups[True] + groups[False]
        for start in range(0, len(rest), whole_batch):
            batch = rest[start : start + whole_batch]
            if len(batch) == whole_batch or not self.drop_last:
                yield self._own(batch)

    def __len__(self) -> int:
        """Batches of an epoch, the same number in all processes."""
        whole_batch = self.batch_size * self.sampler.world_size
        up = 0 if self.drop_last else whole_batch - 1
        return (self.sampler.total_size + up) // whole_batch

    def _own(self, batch: list[int]) -> list[int]:
        return batch[self.sampler.rank :: self.sampler.world_size]

    def _is_upright(self, index: int) -> bool:
        if index not in self._upright:
            picture = self.sampler.dataset.get_data_info(index)
            self._upright[index] = picture['height'] > picture['width']
        return self._upright[index]
