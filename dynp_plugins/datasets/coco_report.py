"""A COCO file and its pictures in words: everything that is wrong, then what they hold."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dynp_plugins.datasets.coco_check import CocoCheck, check_coco
from dynp_plugins.datasets.coco_format import read_coco
from dynp_plugins.datasets.coco_problems import told
from dynp_plugins.errors import UserError

# As in pycocotools: up to which area in pixels a box is small, and medium.
_SIZES = {'small': 32**2, 'medium': 96**2, 'large': float('inf')}


@dataclass
class CocoReport:
    """What is to be said about one file.

    Attributes:
        lines: To be shown one below the other.
        errors: How many things are wrong.
        classes: Names of its categories.
        boxes: Name of a category to how many good boxes it has; those without any are not named.
        pictures: Paths of its good pictures.
    """

    lines: list[str] = field(default_factory=list)
    errors: int = 0
    classes: tuple[str, ...] = ()
    boxes: Counter[str] = field(default_factory=Counter)
    pictures: frozenset[str] = frozenset()


def report_on(path: str | Path, folder: str | Path, per_kind: int) -> CocoReport:
    """Check a file and all its pictures, decoding them.

    Args:
        path: The json.
        folder: Where the pictures are.
        per_kind: How many problems of each kind are written out.
    """
    try:
        if not Path(folder).is_dir():
            raise UserError(
                f'there is no picture folder {folder}; of a config, set data_root (and '
                'data_prefix), or DATA_ROOT (and IMAGES, TEST_IMAGES) where it reads these '
                'variables'
            )
        content = read_coco(path)
        check = check_coco(content, str(folder))
    except UserError as error:
        return CocoReport([f'error: {error}'], 1)
    names = {category['id']: category['name'] for category in content['categories']}
    return CocoReport(
        [*told(check.problems, per_kind), *_summary(check, content['categories'])],
        len(check.errors),
        tuple(names.values()),
        Counter(names[entry['category_id']] for entry in check.annotations),
        frozenset(str(Path(folder, image['file_name']).resolve()) for image in check.images),
    )


def _summary(check: CocoCheck, categories: list[dict]) -> Iterator[str]:
    with_boxes = {entry['image_id'] for entry in check.annotations}
    left_out = ', what is wrong left out' if check.errors else ''
    yield (
        f'{len(check.images):,} images{_sides(check.images)}, '
        f'{len(check.images) - len(with_boxes):,} without boxes{left_out}'
    )
    sizes = Counter(_size(entry['area']) for entry in check.annotations)
    yield f'{len(check.annotations):,} boxes: ' + ', '.join(f'{sizes[s]:,} {s}' for s in _SIZES)
    boxes = Counter(entry['category_id'] for entry in check.annotations)
    images = Counter(
        category
        for category, _ in {
            (entry['category_id'], entry['image_id']) for entry in check.annotations
        }
    )
    rows = [('class', 'boxes', 'images')] + [
        (category['name'], f'{boxes[category["id"]]:,}', f'{images[category["id"]]:,}')
        for category in categories
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, *numbers in rows:
        yield f'    {name:{widths[0]}}' + ''.join(
            f'  {number:>{width}}' for number, width in zip(numbers, widths[1:], strict=True)
        )


def _sides(images: list[dict[str, Any]]) -> str:
    if not images:
        return ''
    sizes = sorted(
        {(image['width'], image['height']) for image in images}, key=lambda size: size[0] * size[1]
    )
    named = ['{} x {}'.format(*size) for size in (sizes[0], sizes[-1])]
    return f' of {named[0]} pixels' if len(sizes) == 1 else f' of {" to ".join(named)} pixels'


def _size(area: float) -> str:
    return next(name for name, limit in _SIZES.items() if area <= limit)
