"""One pass of a detector over one split at one scale, into a detection table."""

import functools
import hashlib
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from dynp_plugins.errors import UserError
from dynp_plugins.inference.config_detector import refusing_nan
from dynp_plugins.inference.image_reading import read_rgb
from dynp_plugins.openmmlab.hooks import check_class_count

from ..detection_records import PARTS
from ..progress import track
from ..provenance import picture_digest
from ..split_batches import evaluating
from .image_costs import ImageCosts
from .scales import scale_name
from .table import DetectionTable, DetectionTableBuilder, ImageDetections


@torch.no_grad()
def run_detection_pass(
    detector: nn.Module,
    loader: DataLoader,
    split: str,
    scale: Sequence[int],
    costs: ImageCosts | None = None,
) -> DetectionTable:
    """Detect on every image of a split.

    Images go through the detector one at a time, as in mmdet's own tools: each is padded as far as
    it needs alone, so that its cost and its boxes do not depend on what else is in a batch.

    Args:
        detector: Of mmdet, on any device; its mode is restored.
        loader: Data loader of the split, whose pipeline resizes to ``scale``.
        split: Name for messages, progress and the manifest.
        scale: (longer side, shorter side) in pixels, for the manifest.
        costs: Of that detector; what it has counted in an earlier pass is not counted again.

    Returns:
        The table; its manifest holds ``split``, ``scale``, ``classes`` and ``index_sha256``, a hash
        over the pixels of all original images, in order.

    Raises:
        UserError: The split is empty, has classes that do not fit the detector, or names no file of
            an image; the detector puts out NaN.
    """
    dataset = loader.dataset
    if not len(dataset):
        raise UserError(f'the {split} split is empty')
    check_class_count(detector, dataset, f'{split} split')
    builder = DetectionTableBuilder(_class_names(dataset, split))
    index_hash, seen = hashlib.sha256(), 0
    costs = costs or ImageCosts(detector)
    with evaluating(detector), refusing_nan(detector):
        for batch in track(loader, f'{split} split at {scale_name(scale)}'):
            for inputs, sample in zip(batch['inputs'], batch['data_samples'], strict=True):
                image = _detect(costs, inputs, sample, dataset.get_data_info(seen))
                builder.add(image)
                index_hash.update(image.picture)
                seen += 1
    return builder.build(split=split, scale=list(scale), index_sha256=index_hash.hexdigest())


def _detect(costs: ImageCosts, inputs: Tensor, sample: Any, info: dict) -> ImageDetections:
    """One image; ``info`` is what the data set says of it."""
    path = info.get('img_path')
    if not path or not os.path.exists(path):
        raise UserError(
            f'an image of the split has no file ({path}): detection tables know images by their '
            'files, which the data set names as img_path'
        )
    path = os.path.realpath(path)
    found, of_parts = costs.detect(inputs, sample)
    height, width = found.ori_shape[:2]
    true_boxes, true_labels, crowd, areas = _true_objects(info['instances'])
    instances = found.pred_instances
    return ImageDetections(
        boxes=instances.bboxes.float().cpu().numpy(),
        scores=instances.scores.float().cpu().numpy(),
        labels=instances.labels.cpu().numpy(),
        true_boxes=true_boxes,
        true_labels=true_labels,
        crowd=crowd,
        areas=areas,
        size=(width, height),
        source=path,
        picture=_digest(path, os.stat(path).st_mtime_ns),
        macs=[of_parts[part].macs for part in PARTS],
        other_ops=[of_parts[part].other_ops for part in PARTS],
    )


def _true_objects(instances: Sequence[dict]) -> tuple[np.ndarray, ...]:
    """Boxes, labels, whether they do not count, and areas.

    Areas are the annotation's, as far as the data set hands them on, else those of the boxes.
    """
    boxes = np.array([one['bbox'] for one in instances], np.float64).reshape(-1, 4)
    of_boxes = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    given = (one.get('area') for one in instances)
    return (
        boxes,
        np.array([one['bbox_label'] for one in instances], int),
        np.array([one.get('ignore_flag', 0) for one in instances], bool),
        np.array([b if a is None else a for a, b in zip(given, of_boxes, strict=True)], np.float64),
    )


def _class_names(dataset: Dataset, split: str) -> list[str]:
    classes = dataset.metainfo.get('classes')
    if not classes:
        raise UserError(
            f'the {split} split does not name its classes: set metainfo=dict(classes=...) in its '
            'dataset'
        )
    return [str(name) for name in classes]


@functools.cache
def _digest(path: str, modified: int) -> bytes:
    """Of the original image, the same at every scale; each is read once."""
    return picture_digest(np.asarray(read_rgb(path)))
