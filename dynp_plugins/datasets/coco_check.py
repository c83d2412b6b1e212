"""Checking pictures and boxes in COCO format: all that is wrong, and what is left without it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dynp_plugins.datasets.coco_annotations import check_annotations
from dynp_plugins.datasets.coco_format import class_names
from dynp_plugins.datasets.coco_images import CocoImages, Pictures, named
from dynp_plugins.datasets.coco_problems import Problem
from dynp_plugins.errors import UserError


@dataclass(frozen=True)
class CocoCheck:
    """What is wrong, and what is left without it.

    Attributes:
        problems: In the order in which they were found.
        images: Entries of the file with which nothing is wrong.
        annotations: So; boxes over the edge are cut there, repeated ids and missing areas given
            anew.
    """

    problems: list[Problem]
    images: list[dict]
    annotations: list[dict]

    @property
    def errors(self) -> list[Problem]:
        return [problem for problem in self.problems if problem.is_error]


def check_coco(content: Mapping[str, Any], folder: str, pictures: Pictures = 'pixels') -> CocoCheck:
    """Check all images and annotations.

    Args:
        content: As `coco_format.read_coco` returns it.
        folder: Where the pictures are; their ``file_name`` starts there.
        pictures: How closely the files are looked at: ``'names'`` only sees whether they exist,
            ``'headers'`` compares sizes, and ``'pixels'`` decodes all of them.

    Raises:
        UserError: There is no image at all, or the categories are unusable.
    """
    class_names(content)  # nothing can be said about boxes of unusable categories
    if not content['images']:
        raise UserError('images is an empty list: there is nothing to look at')
    problems: list[Problem] = []
    images = CocoImages(content['images'], folder, problems)
    images.check_files(pictures)
    categories = {category['id'] for category in content['categories']}
    annotations = check_annotations(content['annotations'], categories, images, problems)
    with_boxes = {entry['image_id'] for entry in annotations}
    problems += [
        Problem('image without boxes', named(image))
        for key, image in images.good.items()
        if key not in with_boxes
    ]
    return CocoCheck(problems, list(images.good.values()), annotations)
