"""Scenes of several handwritten digits, for object detection: COCO json and PNG files.

Made on first use and kept in the cache. How they look, what a box is and how much of a digit may be
hidden: see `dynp_plugins.datasets.scene_rendering`. The drawn pixels and the boxes are the same on
every machine; the files may differ between versions of the encoder.
"""

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from dynp_plugins.datasets.cache import load_or_build_files
from dynp_plugins.datasets.cache_folder import cache_root
from dynp_plugins.datasets.digit_scans import (
    NUM_CLASSES,
    SPLITS,
    check_split_name,
    load_digit_scans,
    make_glyphs,
    split_scans,
)
from dynp_plugins.datasets.scene_rendering import SceneDigit, render_scene
from dynp_plugins.errors import UserError

# Raise it with every change that alters a scene: caches of older versions are rebuilt.
GENERATOR_VERSION = 2
DEFAULT_SIZES: Mapping[str, int] = {'train': 800, 'calibration': 200, 'test': 300}
CLASSES = tuple(map(str, range(NUM_CLASSES)))

_SEED = 128


@dataclass(frozen=True)
class DigitScenes:
    """One split.

    Attributes:
        folder: where its pictures are.
        annotations: its COCO json. Beside COCO's own entries an image has its ``difficulty``, and
            an annotation the index of its ``scan`` in scikit-learn's order and the ``visible``
            share of its ink.
    """

    folder: Path
    annotations: Path


def load_digit_scenes(
    split: str,
    cache_dir: str | Path | None = None,
    *,
    sizes: Mapping[str, int] = DEFAULT_SIZES,
) -> DigitScenes:
    """Open one split, making it first where the cache does not hold it.

    Args:
        split: 'train', 'calibration' or 'test'; no two of them share a scan.
        cache_dir: cache folder; by default `$DYNP_CACHE`, else `~/.cache/dynp_plugins`.
        sizes: scenes per split. Scene i is the same in every size.

    Raises:
        UserError: unknown split, a size below 1, or a cache folder that cannot be written.
    """
    check_split_name(split)
    count = sizes[split]
    if count < 1:
        raise UserError(f'{count} scenes asked for split {split!r}; ask for at least 1')
    folder = load_or_build_files(
        cache_root(cache_dir) / 'digit_scenes' / f'{split}_{count}',
        GENERATOR_VERSION,
        lambda: make_digit_scenes(split, count),
    )
    return DigitScenes(folder, folder / annotation_file(split))


def annotation_file(split: str) -> str:
    """Name of a split's COCO json."""
    return f'instances_{split}.json'


def make_digit_scenes(split: str, count: int) -> Iterator[tuple[str, bytes]]:
    """Make the first ``count`` scenes of a split, then their json: name and content of each."""
    digits = load_digit_scans()
    members = split_scans(digits.labels)[split]
    glyphs = make_glyphs(digits.ink[members])
    images, annotations = [], []
    for index in range(count):
        picture, drawn, difficulty = draw_scene(split, index, glyphs)
        name = f'{index:05d}.png'
        height, width = picture.shape[:2]
        images.append(
            {
                'id': index + 1,
                'file_name': name,
                'width': width,
                'height': height,
                'difficulty': round(difficulty, 4),
            }
        )
        for digit in drawn:
            scan = int(members[digit.glyph])
            annotations.append(
                {
                    'id': len(annotations) + 1,
                    'image_id': index + 1,
                    'category_id': int(digits.labels[scan]) + 1,
                    'bbox': list(digit.box),
                    'area': digit.box[2] * digit.box[3],
                    'iscrowd': 0,
                    'scan': scan,
                    'visible': round(digit.visible, 4),
                }
            )
        yield name, _png(picture)
    content = {
        'info': {'description': f'embedded digit scenes, {split}', 'version': GENERATOR_VERSION},
        'images': images,
        'annotations': annotations,
        'categories': [{'id': label + 1, 'name': name} for label, name in enumerate(CLASSES)],
    }
    yield annotation_file(split), json.dumps(content).encode()


def draw_scene(
    split: str, index: int, glyphs: np.ndarray
) -> tuple[np.ndarray, list[SceneDigit], float]:
    """Draw scene ``index`` of a split.

    Args:
        split: name of the split.
        index: number of the scene.
        glyphs: float32 (G, 80, 80), those of the split.

    Returns:
        The picture and its digits, as `render_scene` gives them, and its difficulty, 0 to 1.
    """
    # A generator per scene: its bytes do not depend on how many were made before it.
    rng = np.random.RandomState([_SEED, SPLITS.index(split), index])
    difficulty = float(rng.random_sample())
    return *render_scene(rng, glyphs, difficulty), difficulty


def _png(picture: np.ndarray) -> bytes:
    file = io.BytesIO()
    # Stored, which is quicker: packed, pictures with grain are only a quarter smaller.
    Image.fromarray(picture).save(file, 'PNG', compress_level=0)
    return file.getvalue()
