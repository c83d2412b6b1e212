"""Checking the data of a detection config: its files, and whether its splits go together."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from mmengine.config import Config
from mmengine.registry import DATASETS, DefaultScope

from ..dataset_wrappers import reading_entries
from ..datasets.coco_report import CocoReport, report_on
from ..errors import UserError
from .config_files import building_from

_LOADERS = ('train_dataloader', 'calibration_dataloader', 'val_dataloader', 'test_dataloader')


def report_on_config(config: Config, per_kind: int) -> CocoReport:
    """Check every annotation file of a config, then whether the splits go together.

    A file that several splits use is checked once. Pictures that are in two files are errors, and
    so are classes that differ, boxes of a class that training does not have, and training data
    without a box. If nothing is wrong, the datasets are made.

    Args:
        config: Its data must be in COCO format; of others it is only said that they can be made.
        per_kind: How many problems of each kind are written out.

    Raises:
        UserError: The config has no loaders, or its datasets cannot be built.
    """
    if not any(config.get(loader) for loader in _LOADERS):
        raise UserError(f'config {config.filename} has no data loaders: name one for detection')
    total = CocoReport()
    with DefaultScope.overwrite_default_scope(config.get('default_scope')), building_from(config):
        sources = _sources(config)
        for source in sources:
            source.report = report_on(source.path, source.folder, per_kind)
            splits = ', '.join(source.splits)
            total.lines.append(f'{splits}: {source.path}, pictures in {source.folder}')
            total.lines += [f'    {line}' for line in source.report.lines]
            total.errors += source.report.errors
        for source in sources:
            _add_errors(total, _strange_classes(source) or _useless_boxes(source, sources))
        for one, other in itertools.combinations(sources, 2):
            _add_errors(total, _disagreements(one, other))
        if not total.errors:
            try:
                total.lines += _lengths(config)
            except UserError as error:
                _add_errors(total, [str(error)])
    return total


@dataclass
class _Source:
    """An annotation file and a picture folder; the splits that use them, and with which classes."""

    path: str
    folder: str
    classes: tuple[str, ...]
    splits: list[str] = field(default_factory=list)
    report: CocoReport = field(default_factory=CocoReport)

    def numbered(self) -> tuple[str, ...]:
        """The classes in the order of their numbers."""
        return self.classes or self.report.classes


def _sources(config: Config) -> list[_Source]:
    """What all datasets in COCO format read."""
    found: dict[tuple, _Source] = {}
    for loader in _LOADERS:
        for dataset in reading_entries((config.get(loader) or {}).get('dataset')):
            built = DATASETS.build({**dataset, 'lazy_init': True})
            if hasattr(built, 'COCOAPI'):  # mmdet's CocoDataset and ours
                key = (
                    built.ann_file,
                    built.data_prefix['img'] or '.',
                    tuple(built.metainfo.get('classes') or ()),
                )
                split = loader.removesuffix('_dataloader')
                source = found.setdefault(key, _Source(*key))
                if split not in source.splits:
                    source.splits.append(split)
    return list(found.values())


def _strange_classes(source: _Source) -> list[str]:
    given, found = source.classes, source.report.classes
    absent = [name for name in given if name not in found]
    left_out = [name for name in found if name not in given]
    if not (given and found and absent and left_out):
        return []
    return [
        f'{source.path} has the classes {_listed(found)}, but the dataset is given '
        f'{_listed(given)}: boxes of {_listed(tuple(left_out))} would be left out. Set '
        'metainfo=dict(classes=...), or use CocoFiles, which takes them from the file'
    ]


def _useless_boxes(source: _Source, sources: Iterable[_Source]) -> Iterator[str]:
    """Nothing to learn from; or boxes of classes that nobody learns."""
    boxes = source.report.boxes
    if not source.report.classes:  # the file cannot be read
        return
    if 'train' in source.splits and not sum(boxes[name] for name in source.numbered()):
        yield f'{source.path} has no box of any class, so that there is nothing to learn from it'
    if not source.classes:
        return
    # A class that training data have and the config leaves out everywhere is left out on purpose.
    trained = {name for one in sources if 'train' in one.splits for name in one.report.classes}
    for name in source.report.classes:
        if boxes[name] and name not in source.classes and trained and name not in trained:
            yield (
                f'{boxes[name]:,} boxes of class {name} in {source.path} are left out, as the '
                'training data have no such class: write the same categories into both, with '
                'the same spelling, or take these boxes out'
            )


def _disagreements(one: _Source, other: _Source) -> Iterator[str]:
    twice = sorted(one.report.pictures & other.report.pictures)
    if twice and one.path != other.path:
        yield (
            f'{len(twice)} pictures are in {one.path} and in {other.path}, the first is '
            f'{twice[0]}: what is learnt from them cannot be tested on them'
        )
    first, second = one.numbered(), other.numbered()
    if first and second and first != second:
        yield (
            f'{one.path} numbers the classes {_listed(first)}, {other.path} {_listed(second)}: '
            'write the same categories into both, or set metainfo=dict(classes=...) of all datasets'
        )


def _listed(classes: tuple[str, ...]) -> str:
    return ', '.join(classes[:5]) + (', ...' if len(classes) > 5 else '')


def _add_errors(report: CocoReport, errors: Iterable[str]) -> None:
    for error in errors:
        report.lines.append(f'error: {error}')
        report.errors += 1


def _lengths(config: Config) -> Iterator[str]:
    """How many pictures every split has."""
    made: list[tuple[Any, int]] = []
    for loader in _LOADERS:
        dataset = (config.get(loader) or {}).get('dataset')
        if dataset is None:
            continue
        length = next((length for other, length in made if other == dataset), None)
        if length is None:
            built = DATASETS.build(dataset)
            built.full_init()
            length = len(built)
            made.append((dataset, length))
        yield f'{loader.removesuffix("_dataloader")}: {length:,} images'
