"""The annotation files of public video data sets, read as they are published.

No conversion script is needed: a dataset takes them with ``ann_format``.
"""

import csv
import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import UserError


@dataclass(frozen=True)
class OfficialList:
    """What an annotation file says.

    Attributes:
        classes: Class names; a label is a position in it.
        samples: Path below the data folder, and label, of each video in the order of the file.
    """

    classes: tuple[str, ...]
    samples: list[tuple[str, int]]


def read_official_list(
    ann_file: str, ann_format: str | Mapping[str, Any], folder: str
) -> OfficialList:
    """Read a published annotation file.

    Args:
        ann_file: Path of the file (HMDB-51: of the folder of lists).
        ann_format: A name, or a dict of ``name`` and its settings:

            - ``'sthv1'``, Something-Something V1: ``id;label`` lines. ``class_file`` has the class
              names in order, by default ``something-something-v1-labels.csv`` beside ann_file. The
              videos are folders of frames.
            - ``'sthv2'``, Something-Something V2: JSON. ``class_file`` by default
              ``something-something-v2-labels.json`` or ``labels.json`` beside ann_file.
            - ``'ucf101'``: ``trainlist01.txt``, ``testlist01.txt``, ... ``class_file`` by default
              ``classInd.txt`` beside ann_file.
            - ``'hmdb51'``: the folder with one ``CLASS_test_splitN.txt`` per class; ``subset`` is
              ``'train'`` or ``'test'``, ``fold`` is N, 1 by default.
            - ``'kinetics'``, 400 and its successors: CSV with the columns ``label``,
              ``youtube_id``, ``time_start`` and ``time_end``. Classes are numbered in
              alphabetical order; ``class_file`` has their names, one on each line, where ann_file
              does not have them all. Videos lie in a folder per class, its name with spaces or
              with underscores, or all in one.
        folder: Where the videos are.

    Raises:
        UserError: The format or a setting is unknown, or a file is missing or malformed.
    """
    settings = {'name': ann_format} if isinstance(ann_format, str) else dict(ann_format)
    name = settings.pop('name', None)
    if name not in _READERS:
        raise UserError(f'ann_format={name!r}: choose one of {", ".join(_READERS)}')
    reader = _READERS[name]
    known = [key for key in inspect.signature(reader).parameters if key not in _GIVEN]
    for key in settings:
        if key not in known:
            raise UserError(f'ann_format {name!r} has no setting {key!r}, only {", ".join(known)}')
    return reader(Path(ann_file), Path(folder), **settings)


def _read_sthv1(ann_file: Path, folder: Path, class_file: str | None = None) -> OfficialList:
    class_path = _class_path(ann_file, class_file, 'something-something-v1-labels.csv')
    classes = tuple(line for _, line in _lines(class_path))
    samples = []
    for number, line in _lines(ann_file):
        video, separator, label = line.partition(';')
        if not separator:
            raise UserError(f"{ann_file}, line {number}: {line!r} is not 'id;label'")
        samples.append((video, _label(label, classes, f'{ann_file}, line {number}', class_path)))
    return OfficialList(classes, samples)


def _read_sthv2(ann_file: Path, folder: Path, class_file: str | None = None) -> OfficialList:
    class_path = _class_path(
        ann_file, class_file, 'something-something-v2-labels.json', 'labels.json'
    )
    numbers = _json(class_path)
    try:
        numbers = {name: int(number) for name, number in numbers.items()}
    except (AttributeError, TypeError, ValueError):
        raise UserError(f'{class_path} is not a table of class names and numbers') from None
    classes = tuple(sorted(numbers, key=numbers.get))
    if sorted(numbers.values()) != list(range(len(classes))):
        raise UserError(f'{class_path}: the classes are not numbered from 0 to {len(classes) - 1}')
    entries = _json(ann_file)
    if not isinstance(entries, list):
        raise UserError(f'{ann_file} is not a list of videos')
    samples = []
    for position, entry in enumerate(entries, 1):
        where = f'{ann_file}, video {position}'
        if not isinstance(entry, dict) or not {'id', 'template'} <= entry.keys():
            raise UserError(f'{where}: has no id and template (the test videos have no labels)')
        # 'Putting [something] on [something]' is called 'Putting something on something'.
        label = re.sub(r'[\[\]]', '', entry['template'])
        samples.append((f'{entry["id"]}.webm', _label(label, classes, where, class_path)))
    return OfficialList(classes, samples)


def _read_ucf101(ann_file: Path, folder: Path, class_file: str | None = None) -> OfficialList:
    class_path = _class_path(ann_file, class_file, 'classInd.txt')
    names = []
    for number, line in _lines(class_path):
        label, _, name = line.partition(' ')
        if label != str(len(names) + 1) or not name:
            raise UserError(f"{class_path}, line {number}: {line!r} is not '{len(names) + 1} NAME'")
        names.append(name.strip())
    classes = tuple(names)
    samples = []
    for number, line in _lines(ann_file):
        where = f'{ann_file}, line {number}'
        path, _, label = line.partition(' ')
        # Test lists have no labels: the class is the video's folder.
        expected = _label(path.partition('/')[0], classes, where, class_path)
        if label and label.strip() != str(expected + 1):
            raise UserError(
                f'{where}: label {label.strip()}, but class {classes[expected]} is number '
                f'{expected + 1} in {class_path}'
            )
        samples.append((path, expected))
    return OfficialList(classes, samples)


def _read_hmdb51(ann_file: Path, folder: Path, subset: str = '', fold: int = 1) -> OfficialList:
    uses = {'train': '1', 'test': '2'}  # 0 is neither
    if subset not in uses:
        raise UserError(f"ann_format 'hmdb51': subset={subset!r}: choose 'train' or 'test'")
    if not ann_file.is_dir():
        raise UserError(
            f'there is no folder {ann_file}; set ann_file of the dataset to the folder that holds '
            'CLASS_test_split1.txt for every class'
        )
    ending = f'_test_split{fold}.txt'
    lists = {path.name.removesuffix(ending): path for path in ann_file.glob(f'*{ending}')}
    if not lists:
        raise UserError(f'the folder {ann_file} has no lists CLASS{ending}')
    classes = tuple(sorted(lists))
    samples = []
    for label, name in enumerate(classes):
        for number, line in _lines(lists[name]):
            video, _, use = line.rpartition(' ')
            if not video or use not in ('0', '1', '2'):
                raise UserError(
                    f"{lists[name]}, line {number}: {line!r} is not 'video use' with 0, 1 or 2"
                )
            if use == uses[subset]:
                samples.append((f'{name}/{video.strip()}', label))
    return OfficialList(classes, samples)


def _read_kinetics(ann_file: Path, folder: Path, class_file: str | None = None) -> OfficialList:
    rows = list(csv.reader(line for _, line in _lines(ann_file)))
    header = rows[0] if rows else []
    columns = ('label', 'youtube_id', 'time_start', 'time_end')
    missing = [name for name in columns if name not in header]
    if missing:
        raise UserError(
            f'{ann_file} has no column {missing[0]} in its first line; expected '
            f'{",".join(columns)},split (the published test list has no labels)'
        )
    at = [header.index(name) for name in columns]
    entries = []
    for number, row in enumerate(rows[1:], 2):
        try:
            label, video, start, end = (row[i] for i in at)
            span = f'{int(float(start)):06d}_{int(float(end)):06d}'
        except (IndexError, ValueError):
            raise UserError(
                f'{ann_file}, line {number}: {",".join(row)!r} is not {",".join(columns)}'
            ) from None
        entries.append((number, label.strip(), f'{video}_{span}.mp4'))
    if class_file is None:
        class_path, classes = ann_file, tuple(sorted({label for _, label, _ in entries}))
    else:
        class_path = _class_path(ann_file, class_file)
        classes = tuple(line for _, line in _lines(class_path))
    folders = [_class_folder(folder, name) for name in classes]
    samples = []
    for number, label, video in entries:
        label = _label(label, classes, f'{ann_file}, line {number}', class_path)
        samples.append((f'{folders[label]}{video}', label))
    return OfficialList(classes, samples)


def _class_folder(folder: Path, name: str) -> str:
    """How the folder of a Kinetics class is written here, with a slash; '' if there is none."""
    spellings = (name, name.replace(' ', '_'), re.sub(r"[()']", '', name).replace(' ', '_'))
    return next((f'{spelling}/' for spelling in spellings if (folder / spelling).is_dir()), '')


_GIVEN = ('ann_file', 'folder')
_READERS: dict[str, Callable[..., OfficialList]] = {
    'sthv1': _read_sthv1,
    'sthv2': _read_sthv2,
    'ucf101': _read_ucf101,
    'hmdb51': _read_hmdb51,
    'kinetics': _read_kinetics,
}


def _label(name: str, classes: tuple[str, ...], where: str, class_path: Path) -> int:
    try:
        return classes.index(name.strip())
    except ValueError:
        raise UserError(f'{where}: class {name!r} is not among those of {class_path}') from None


def _class_path(ann_file: Path, class_file: str | None, *usual: str) -> Path:
    """The file of class names: as set (a relative path starts beside the list), or the usual."""
    names = [class_file] if class_file is not None else usual
    for name in names:
        if (path := ann_file.parent / name).is_file():
            return path
    raise UserError(
        f'there is no list of classes {" or ".join(names)} beside {ann_file}; put it there, or set '
        'class_file in ann_format'
    )


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Numbers, from 1, and text of the lines that are not blank."""
    for number, line in enumerate(_text(path).split('\n'), 1):
        if line.strip():
            yield number, line.strip()


def _json(path: Path) -> Any:
    try:
        return json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise UserError(f'{path} is no JSON: {error}') from error


def _text(path: Path) -> str:
    if not path.is_file():
        raise UserError(f'there is no list {path}; set ann_file of the dataset')
    try:
        return path.read_text(encoding='utf-8-sig')
    except UnicodeDecodeError as error:
        raise UserError(f'{path} is not UTF-8 text (byte {error.start})') from error
