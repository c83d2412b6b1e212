"""What can be wrong with pictures and boxes in COCO format: the kinds, and what mends each."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# What stops a run, and how to mend it.
ERRORS: Mapping[str, str] = {
    'malformed image': 'give it id, file_name, and width and height in whole pixels',
    'repeated image id': 'number the images differently; which one the boxes belong to is unknown',
    'repeated picture': 'list every picture once, with all its boxes',
    'missing picture': 'put it there, or mend file_name or the folder of the pictures',
    'unreadable picture': 'mend, convert or remove it',
    'other size': 'write the real size, and check that the boxes are in pixels of this picture',
    'malformed annotation': 'give it id, image_id, category_id and bbox',
    'repeated annotation id': 'number the annotations differently',
    'unknown image': 'list the image, or remove the annotation',
    'unknown category': 'list the category, or remove the annotation',
    'malformed box': 'write bbox as four finite numbers, [x, y, width, height]',
    'empty box': 'mend it or remove the annotation',
    'box outside': 'mend it or remove the annotation',
    'box over the edge': 'mend it, or cut it at the edge',
    'relative boxes': 'multiply them by width and height of the image: COCO has pixels',
}
# What is only told, and what it means.
NOTES: Mapping[str, str] = {
    'image without boxes': 'legal; everything found there counts as wrong',
    'box below a pixel': 'mmdet leaves boxes out that are not a pixel wide and high',
    'repeated box': 'the same box of the same class twice; one of the two is never found',
    'no area': 'taken as width * height of the box',
    'annotation id 0': 'pycocotools takes a box with the id 0 as never found: number from 1',
}


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        kind: A key of `ERRORS` or `NOTES`.
        text: Which image or annotation, and what is wrong with it.
    """

    kind: str
    text: str

    @property
    def is_error(self) -> bool:
        return self.kind in ERRORS


def told(problems: Iterable[Problem], per_kind: int) -> Iterator[str]:
    """Lines that tell problems kind by kind, errors first: the kind, how many, what mends it.

    Args:
        problems: All of them.
        per_kind: How many of a kind are written out.
    """
    for kinds, mark in ((ERRORS, 'error'), (NOTES, 'note')):
        for kind, meaning in kinds.items():
            found = [problem.text for problem in problems if problem.kind == kind]
            if found:
                yield f'{mark}: {kind}, {len(found)}: {meaning}'
                yield from (f'    {text}' for text in found[:per_kind])
                if len(found) > per_kind:
                    yield f'    ... and {len(found) - per_kind} more'


def short(value: Any) -> str:
    """A value as messages show it, cut off where it is long."""
    text = repr(value)
    return text if len(text) <= 100 else text[:97] + '...'
