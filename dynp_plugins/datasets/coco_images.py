"""Checking the images of a COCO file: their entries, and the files they name."""

import math
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

from dynp_plugins.datasets.coco_format import is_id
from dynp_plugins.datasets.coco_problems import Problem, short
from dynp_plugins.datasets.picture_files import picture_problem, picture_sizes

Pictures = Literal['names', 'headers', 'pixels']
_READING_THREADS = 4


class CocoImages:
    """The images of a COCO file.

    Args:
        entries: As the file has them.
        folder: Where the pictures are.
        problems: What is wrong is appended here.

    Attributes:
        good: Entries with which nothing is wrong, by their id.
        bad: Ids of the others.
    """

    def __init__(self, entries: list, folder: str, problems: list[Problem]):
        self.folder, self.problems = folder, problems
        self.good: dict[Any, dict] = {}
        self.bad: set = set()
        names: dict[str, Any] = {}
        for position, entry in enumerate(entries):
            self._add(entry, position, names)

    def _add(self, entry: Any, position: int, names: dict[str, Any]) -> None:
        lacking = _lacking(entry)
        if lacking:
            text = f'images[{position}] {lacking}: {short(entry)}'
            self.problems.append(Problem('malformed image', text))
            if isinstance(entry, dict) and is_id(entry.get('id')):
                self.bad.add(entry['id'])
            return
        name = os.path.normpath(entry['file_name'])
        if entry['id'] in self.good or entry['id'] in self.bad:
            text = f'{named(entry)} (images[{position}]) is not the first with this id'
            self.problems.append(Problem('repeated image id', text))
        elif name in names:
            text = f'{named(entry)} is also image {names[name]}'
            self.problems.append(Problem('repeated picture', text))
            self.bad.add(entry['id'])
        else:
            self.good[entry['id']] = entry
            names[name] = entry['id']

    def check_files(self, pictures: Pictures) -> None:
        """Look at the files; images without a good one become bad."""
        entries = list(self.good.values())
        with ThreadPoolExecutor(_READING_THREADS) as pool:
            found = pool.map(lambda entry: _file_problem(entry, self.folder, pictures), entries)
            for entry, problem in zip(entries, found, strict=True):
                if problem is not None:
                    self.problems.append(problem)
                    self.bad.add(entry['id'])
                    del self.good[entry['id']]


def named(image: Mapping[str, Any]) -> str:
    """How messages name an image."""
    return f'image {image["id"]} ({image["file_name"]})'


def _lacking(entry: Any) -> str | None:
    """What keeps an entry from being an image, to be read after its place in the list."""
    if not isinstance(entry, dict):
        return 'is no object'
    if not is_id(entry.get('id')):
        return 'has no id'
    if not isinstance(entry.get('file_name'), str) or not entry['file_name']:
        return 'has no file_name'
    for side in ('width', 'height'):
        value = entry.get(side)
        if not _is_whole(value) or value < 1:
            return f'has {side}={value!r}' if side in entry else f'has no {side}'
    return None


def _is_whole(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and value == int(value)


def _file_problem(entry: dict, folder: str, pictures: Pictures) -> Problem | None:
    path = os.path.join(folder, entry['file_name'])
    if not os.path.isfile(path):
        text = f'{named(entry)} is not in {folder or "."}{_elsewhere(folder, entry["file_name"])}'
        return Problem('missing picture', text)
    if pictures == 'names':
        return None
    problem = picture_problem(path, decode=pictures == 'pixels')
    if problem is not None:
        return Problem('unreadable picture', f'{named(entry)}: {problem}')
    size = entry['width'], entry['height']
    stored, upright = picture_sizes(path)
    if size == upright:
        return None
    real = '{} x {}'.format(*upright)
    if upright != stored:
        real += ', turned upright as its EXIF entry says'
    text = f'{named(entry)} is {real}, not {size[0]} x {size[1]} as the json says'
    return Problem('other size', text)


def _elsewhere(folder: str, name: str) -> str:
    """Where a missing picture may be: what other tools write into ``file_name``."""
    plain = name.replace('\\', '/')
    stem = os.path.splitext(plain)[0]
    guesses = [plain, os.path.basename(plain), os.path.join('images', plain)]
    guesses += [stem + suffix for suffix in ('.jpg', '.JPG', '.jpeg', '.png', '.PNG')]
    for guess in guesses:
        if guess != name and os.path.isfile(os.path.join(folder, guess)):
            return f', but {guess} is'
    return ''
