"""Cutting a calibration split out of a training set, the same way in every run."""

import hashlib
import logging
import re
from collections import Counter, defaultdict
from typing import Any

from mmengine.logging import print_log
from mmengine.registry import DATASETS
from torch.utils.data import Dataset

from ...dataset_wrappers import entries_in
from ...errors import UserError


@DATASETS.register_module()
class HeldOut(Dataset):
    r"""One of two disjoint parts of another dataset: what is held out of it, or the rest.

    Which samples are held out follows from a hash of the path of each picture or video (of its
    index, for data without files), so that it does not depend on the order, the machine or the
    number of other samples. Every class gives the same share; of pictures with boxes, which have no
    one class, that share of all is held out, with or without boxes.

    What a dataset's ``filter_cfg`` leaves out is left out after the choice, so that the two parts
    stay disjoint if one of them filters.

    Samples that resemble each other, like clips of one recording or of one person, belong on the
    same side: held out beside what was trained on, they would look better recognised than new
    ones are. ``group`` says which. Groups are then held out whole, as many as bring the share of
    every class nearest to the one asked for.

    Args:
        dataset: Config of the dataset to cut. Both parts must name the same data; their
            pipelines may differ.
        part: ``'held_out'`` or ``'rest'``.
        size: Share (below 1) or number of samples to hold out.
        seed: Another seed holds out other samples.
        group: A regular expression, searched for in every path below the data folder. Samples
            stay together whose first groups (whole matches, if it has no parentheses) are equal.

    Raises:
        UserError: An impossible part or size, a dataset without labels, a class that cannot be on
            both sides, a path in which ``group`` is not found, or a ``filter_cfg`` further inside
            than in ``dataset`` itself.

    Example:
        >>> train = dict(type='HeldOut', part='rest', size=0.1, dataset=dict(...))
        >>> calibration = dict(type='HeldOut', part='held_out', size=0.1, dataset=dict(...))
        >>> by_person = dict(type='HeldOut', size=0.2, group=r'(person\d+)_', ...)
    """

    def __init__(
        self, dataset: dict, part: str, size: float, seed: int = 0, group: str | None = None
    ):
        if part not in ('held_out', 'rest'):
            raise UserError(f"part={part!r}: choose 'held_out' or 'rest'")
        self.dataset = _built_unfiltered(dataset)
        total = len(self.dataset)
        share = size if size < 1 else size / total
        if not 0 < share < 1:
            raise UserError(
                f'size={size}: hold out a share between 0 and 1, or fewer than all {total} samples'
            )
        samples, box_labels = _samples(self.dataset)
        if group is None:
            held_out = _choose(samples, share, seed)
        else:
            held_out = _choose_groups(samples, group, share, seed)
        if not share / 2 <= len(held_out) / total <= 2 * share:
            print_log(
                f'{len(held_out)} of {total} samples are held out, where {100 * share:.3g} % were '
                f'asked for: every class has to be on both sides, and groups stay whole',
                logger='current',
                level=logging.WARNING,
            )
        _warn_of_lone_classes(box_labels, held_out, self.dataset.metainfo)
        self.indices = sorted(held_out if part == 'held_out' else set(range(total)) - held_out)
        if dataset.get('filter_cfg') is not None:
            self.indices = _filtered(self.dataset, self.indices)

    @property
    def metainfo(self) -> dict:
        """Class names and the like, of the whole dataset."""
        return self.dataset.metainfo

    def full_init(self) -> None:
        """Nothing is left to do; mmengine's loops call it."""

    def get_data_info(self, idx: int) -> dict:
        """Annotation of one sample."""
        return self.dataset.get_data_info(self.indices[idx])

    def get_cat_ids(self, idx: int) -> list[int]:
        """Class of one sample, for class-balanced sampling."""
        return self.dataset.get_cat_ids(self.indices[idx])

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, idx: int) -> Any:
        return self.dataset[self.indices[idx]]


def _built_unfiltered(config: dict) -> Any:
    """The dataset with all its samples, also those that its filter leaves out."""
    _, *inside = entries_in(config)
    for inner in inside:
        if inner.get('filter_cfg') is not None:
            raise UserError(
                f'HeldOut around {config["type"]} would hold out other samples with '
                f'filter_cfg={dict(inner["filter_cfg"])} of the {inner["type"]} inside than '
                f'without: put HeldOut directly around {inner["type"]}'
            )
    if config.get('filter_cfg') is None:
        dataset = DATASETS.build(config)
        dataset.full_init()
        return dataset
    dataset = DATASETS.build({**config, 'lazy_init': True})
    dataset.filter_data = lambda: dataset.data_list  # its turn comes after the choice
    dataset.full_init()
    del dataset.filter_data
    return dataset


def _filtered(dataset: Any, indices: list[int]) -> list[int]:
    """Those samples that the dataset's own filter keeps."""
    stored = dataset.data_list
    dataset.data_list = [dataset.get_data_info(index) for index in indices]
    kept = [info['sample_idx'] for info in dataset.filter_data()]
    dataset.data_list = stored
    return kept


def _warn_of_lone_classes(box_labels: list[set[int]], held_out: set[int], metainfo: Any) -> None:
    """Tell of classes of boxes that are on one side alone."""
    sides: tuple[set[int], set[int]] = set(), set()
    for index, labels in enumerate(box_labels):
        sides[index in held_out].update(labels)
    lone = sorted(sides[0] ^ sides[1])
    if lone:
        names = metainfo['classes'] if isinstance(metainfo, dict) else range(lone[-1] + 1)
        print_log(
            f'boxes of {", ".join(str(names[label]) for label in lone)} are all held out or none '
            'is: hold out more, or other samples with seed',
            logger='current',
            level=logging.WARNING,
        )


def _samples(dataset: Any) -> tuple[list[tuple[str, int | None]], list[set[int]]]:
    """Identity (a path below the data folder, or the index), class, and boxes' classes of samples.

    Pictures with boxes have the class None.
    """
    prefixes = list(getattr(dataset, 'data_prefix', {}).values())
    samples, box_labels = [], []
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        label = info.get('gt_label', info.get('label'))
        if label is None and 'instances' not in info:
            raise UserError(
                'HeldOut takes the same share of every class, but the dataset has no labels: leave '
                'with_label=False out'
            )
        samples.append((_relative_path(info, prefixes) or str(index), label))
        box_labels.append({instance['bbox_label'] for instance in info.get('instances', ())})
    return samples, box_labels


def _relative_path(info: dict, prefixes: list[str]) -> str:
    """The file's path below the data folder: moving the folder changes nothing."""
    path = next((info[key] for key in ('img_path', 'filename', 'frame_dir') if key in info), '')
    prefix = max((p for p in prefixes if p and path.startswith(p)), key=len, default='')
    return path.removeprefix(prefix).lstrip('/\\')


def _named(label: int | None) -> str:
    return 'the dataset' if label is None else f'class {label}'


def _hash(identity: str, seed: int) -> bytes:
    return hashlib.sha256(f'{seed}:{identity}'.encode()).digest()


def _choose(samples: list[tuple[str, int | None]], share: float, seed: int) -> set[int]:
    """Indices of the samples whose hashes are the smallest of their class."""
    members = defaultdict(list)
    for index, (identity, label) in enumerate(samples):
        members[label].append((_hash(identity, seed), index))
    chosen: set[int] = set()
    for label, hashed in members.items():
        if len(hashed) < 2:
            raise UserError(
                f'{_named(label)} has a single sample, which cannot be both trained on and held out'
            )
        count = min(max(1, round(share * len(hashed))), len(hashed) - 1)
        chosen.update(index for _, index in sorted(hashed)[:count])
    return chosen


def _choose_groups(
    samples: list[tuple[str, int | None]], pattern: str, share: float, seed: int
) -> set[int]:
    """Indices of whole groups, looked at in the order of their hashes."""
    groups = _groups(samples, pattern)
    total = Counter(label for _, label in samples)
    counts = {key: Counter(samples[i][1] for i in members) for key, members in groups.items()}
    chosen: set[str] = set()
    held_out: Counter[int | None] = Counter()

    def take(key: str) -> None:
        chosen.add(key)
        held_out.update(counts[key])

    def leaves_some(key: str) -> bool:
        return all(held_out[label] + n < total[label] for label, n in counts[key].items())

    def brings_nearer(key: str) -> bool:
        change = 0.0
        for label, n in counts[key].items():
            wanted = share * total[label]
            change += abs(held_out[label] + n - wanted) - abs(held_out[label] - wanted)
        return change < 0

    order = sorted(groups, key=lambda key: (_hash(key, seed), key))
    for key in order:
        if leaves_some(key) and brings_nearer(key):
            take(key)
    for label in sorted(total):  # however small the share, something of every class
        if not held_out[label]:
            fitting = [key for key in order if counts[key][label] and leaves_some(key)]
            if not fitting:
                raise UserError(
                    f'{_named(label)} cannot be both trained on and held out: it is in '
                    f'{sum(label in each for each in counts.values())} of the {len(groups)} groups '
                    f'of group={pattern!r}, which stay whole'
                )
            take(fitting[0])
    return {index for key in chosen for index in groups[key]}


def _groups(samples: list[tuple[str, int | None]], pattern: str) -> dict[str, list[int]]:
    try:
        regex = re.compile(pattern)
    except re.error as error:
        raise UserError(f'group={pattern!r} is no regular expression: {error}') from error
    groups = defaultdict(list)
    for index, (identity, _) in enumerate(samples):
        match = regex.search(identity)
        key = match and (match[1] if regex.groups else match[0])
        if key is None:
            raise UserError(f'group={pattern!r} is not found in the path {identity}')
        groups[key].append(index)
    return groups
