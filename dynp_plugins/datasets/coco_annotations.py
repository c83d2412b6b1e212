"""Checking the annotations of a COCO file: what they refer to, and their boxes.

Boxes may reach a pixel over the edge of the picture, which is how some tools round.
"""

import math
from collections.abc import Collection, Mapping
from typing import Any

from dynp_plugins.datasets.coco_format import is_id
from dynp_plugins.datasets.coco_images import CocoImages, named
from dynp_plugins.datasets.coco_problems import Problem, short

_TOLERANCE = 1  # pixels over the edge


def check_annotations(
    entries: list, categories: Collection, images: CocoImages, problems: list[Problem]
) -> list[dict]:
    """Check all annotations and report what is wrong.

    Args:
        entries: As the file has them.
        categories: Ids of its categories.
        images: Those of the file, checked.
        problems: What is wrong is appended here.

    Returns:
        What is left: boxes over the edge cut there, repeated ids and missing areas given anew.
    """
    found = _Annotations(categories, images, problems)
    for position, entry in enumerate(entries):
        found.add(entry, position)
    return found.left()


class _Annotations:
    """The annotations seen so far.

    Attributes:
        good: What is left of them.
    """

    def __init__(self, categories: Collection, images: CocoImages, problems: list[Problem]):
        self.categories, self.images, self.problems = categories, images, problems
        self.good: list[dict] = []
        self.ids: set = set()
        self.boxes: set = set()

    def report(self, kind: str, entry: Mapping, position: int, text: str = '') -> None:
        image = self.images.good.get(entry['image_id'])
        where = f'annotation {entry["id"]} (annotations[{position}])'
        where += '' if image is None else f' of {named(image)}'
        self.problems.append(Problem(kind, f'{where}: {text}' if text else where))

    def add(self, entry: Any, position: int) -> None:
        lacking = _lacking(entry)
        if lacking:
            text = f'annotations[{position}] {lacking}: {short(entry)}'
            self.problems.append(Problem('malformed annotation', text))
            return
        image = self.images.good.get(entry['image_id'])
        if image is None:
            if entry['image_id'] not in self.images.bad:  # those were told of
                text = f'no image has the id {entry["image_id"]!r}'
                self.report('unknown image', entry, position, text)
            return
        if entry['category_id'] not in self.categories:
            text = f'no category has the id {entry["category_id"]!r}'
            self.report('unknown category', entry, position, text)
            return
        wrong = _wrong_with(entry['bbox'], image)
        if wrong:
            kind, text = wrong
            self.report(kind, entry, position, text)
            if kind != 'box over the edge':
                return
            entry = {**entry, 'bbox': _inside(entry['bbox'], image)}
        self.note(entry, position)
        if not _is_area(entry.get('area')):
            entry = {**entry, 'area': entry['bbox'][2] * entry['bbox'][3]}
        self.good.append(entry)

    def note(self, entry: Mapping, position: int) -> None:
        """What is told of a good annotation, and of one whose id is not its own."""
        if entry['id'] in self.ids:
            self.report('repeated annotation id', entry, position, 'not the first with this id')
        self.ids.add(entry['id'])
        box = entry['image_id'], entry['category_id'], *entry['bbox']
        if box in self.boxes:
            self.report('repeated box', entry, position, f'bbox={entry["bbox"]}')
        self.boxes.add(box)
        if min(entry['bbox'][2:]) < 1:
            self.report('box below a pixel', entry, position, f'bbox={entry["bbox"]}')
        if entry['id'] == 0:
            self.report('annotation id 0', entry, position)
        if not _is_area(entry.get('area')):
            text = f'area={entry["area"]!r}' if 'area' in entry else ''
            self.report('no area', entry, position, text)

    def left(self) -> list[dict]:
        if self.good and all(max(entry['bbox']) <= 1 for entry in self.good):
            text = f'all {len(self.good)} boxes lie within 1 x 1 pixel: {self.good[0]["bbox"]}, ...'
            self.problems[:] = [p for p in self.problems if p.kind != 'box below a pixel']
            self.problems.append(Problem('relative boxes', text))
            return []
        if len(self.ids) < len(self.good):
            return [{**entry, 'id': number} for number, entry in enumerate(self.good, 1)]
        return self.good


def _lacking(entry: Any) -> str | None:
    """What keeps an entry from being an annotation, to be read after its place in the list."""
    if not isinstance(entry, dict):
        return 'is no object'
    for key in ('id', 'image_id', 'category_id'):
        if not is_id(entry.get(key)):
            return f'has {key}={entry[key]!r}' if key in entry else f'has no {key}'
    return None if 'bbox' in entry else 'has no bbox'


def _wrong_with(box: Any, image: Mapping[str, Any]) -> tuple[str, str] | None:
    """Kind and text of what is wrong with a box."""
    if not (isinstance(box, list) and len(box) == 4 and all(map(_is_number, box))):
        return 'malformed box', f'bbox={short(box)}'
    x, y, width, height = box
    if width <= 0 or height <= 0:
        return 'empty box', f'bbox={box}'
    size = f'the {image["width"]} x {image["height"]} pixels'
    _, _, seen_width, seen_height = _inside(box, image)
    if seen_width <= 0 or seen_height <= 0:
        return 'box outside', f'bbox={box}, {size}'
    over = max(-x, -y, x + width - image['width'], y + height - image['height'])
    if over <= _TOLERANCE:
        return None
    text = f'bbox={box} reaches {over:g} pixels over the edge of {size}'
    if 0 <= x < width <= image['width'] and 0 <= y < height <= image['height']:
        text += '; is it written as corners, [x1, y1, x2, y2]?'
    return 'box over the edge', text


def _inside(box: list, image: Mapping[str, Any]) -> list:
    """A box cut at the edge of the picture."""
    x, y, width, height = box
    left, top = max(x, 0), max(y, 0)
    right, bottom = min(x + width, image['width']), min(y + height, image['height'])
    return [left, top, right - left, bottom - top]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_area(value: Any) -> bool:
    return _is_number(value) and value > 0
