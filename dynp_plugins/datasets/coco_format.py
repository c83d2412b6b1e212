"""Reading a COCO annotation file, and saying what a file is that is something else."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dynp_plugins.errors import UserError

KEYS = {
    'images': 'id, file_name, width, height',
    'annotations': 'id, image_id, category_id, bbox=[x, y, width, height]',
    'categories': 'id, name',
}
_LAYOUT = 'COCO detection files hold ' + ', '.join(f'{key} ({of})' for key, of in KEYS.items())
_NUMBERS = re.compile(r'\d+(\s+[-+.\deE]+){4,}\s*$')


def read_coco(path: str | Path) -> dict[str, Any]:
    """The content of a COCO annotation file, which has lists of images, annotations, categories.

    What stands in the lists is not looked at: see `dynp_plugins.datasets.coco_problems`.

    Raises:
        UserError: There is no such file, or it is no COCO file for detection; the message says
            what it looks like.
    """
    path = Path(path)
    if path.is_dir():
        raise UserError(f'the annotation file {path} is a folder{_of_labels(path)}. {_LAYOUT}')
    if not path.is_file():
        raise UserError(f'there is no annotation file {path}{_beside(path)}')
    raw = path.read_bytes()
    try:
        content = json.loads(raw)
    except ValueError as error:  # of JSON or of UTF-8
        raise UserError(f'{path} is no JSON file: {_text_format(raw, error)}. {_LAYOUT}') from error
    looks_like = _json_format(content)
    if looks_like is not None:
        raise UserError(f'{path} is no COCO file for detection: {looks_like}. {_LAYOUT}')
    return content


def class_names(content: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the categories, in the order in which the file lists them.

    Raises:
        UserError: There are none, one has no id or no name, or two share one.
    """
    categories = content['categories']
    if not categories:
        raise UserError('categories is an empty list: name at least one class')
    for category in categories:
        if not isinstance(category, dict) or not isinstance(category.get('name'), str):
            raise UserError(f'the category {category} has no name; give it one')
        if not is_id(category.get('id')):
            raise UserError(f'the category {category} has no id; give it a whole number')
    for key in ('id', 'name'):
        values = [category[key] for category in categories]
        double = next((value for value in values if values.count(value) > 1), None)
        if double is not None:
            raise UserError(f'two categories have the {key} {double!r}; make them differ')
    return tuple(category['name'] for category in categories)


def read_classes(path: str | Path, missing: tuple[str, ...] | None = None) -> tuple[str, ...]:
    """The class names of a COCO annotation file, for configs.

    Args:
        path: The file.
        missing: What to return where there is no such file, so that a config can be read without
            its data; None raises.

    Raises:
        UserError: See `read_coco` and `class_names`.
    """
    if missing is not None and not Path(path).exists():
        return missing
    content = read_coco(path)
    try:
        return class_names(content)
    except UserError as error:
        raise UserError(f'{path}: {error}') from error


def is_id(value: Any) -> bool:
    """Whether a value can be an id: a whole number, or a name as some converters write them."""
    return isinstance(value, int | str) and not isinstance(value, bool)


def _beside(path: Path) -> str:
    """The JSON files near where one was looked for."""
    if not path.parent.is_dir():
        return (
            f', and no folder {path.parent}; set data_root (and ann_file) of the dataset, or '
            'DATA_ROOT (and TRAIN, TEST) where the config reads these variables'
        )
    names = sorted(other.name for other in path.parent.glob('*.json'))[:5]
    found = f'it has {", ".join(names)}' if names else 'it has no .json files'
    return f' in {path.parent}; {found}'


def _of_labels(folder: Path) -> str:
    suffixes = {path.suffix.lower() for path in folder.iterdir()}
    if '.xml' in suffixes:
        return ' of XML files, as of Pascal VOC (which mmdet.VOCDataset reads) or CVAT'
    if '.txt' in suffixes:
        return ' of text files, as of YOLO: convert them into one COCO json'
    if '.json' in suffixes:
        return ' of JSON files: name one of them, or convert them into one where each is a picture'
    return ''


def _text_format(raw: bytes, error: ValueError) -> str:
    """What a file looks like that is no JSON."""
    text = raw[:4096].decode('utf-8', 'replace').lstrip('\ufeff').strip()
    first = text.partition('\n')[0].strip()
    if not text:
        return 'it is empty'
    if '\0' in text:
        return 'it is binary'
    if text.startswith('<'):
        if '<annotation' in text:
            return (
                'it looks like Pascal VOC, an XML file for each picture; mmdet.VOCDataset and '
                'mmdet.XMLDataset read those'
            )
        return 'it looks like XML, as CVAT or others write it; export COCO instead'
    if _NUMBERS.match(first):
        return 'it looks like YOLO, lines of "class x y width height"; convert it'
    if first.startswith('{') and first.endswith('}'):
        return 'it looks like JSON lines, an object on each; write one object with three lists'
    if first.count(',') > 2 and not first.startswith(('{', '[')):
        return 'it looks like a table (CSV); convert it'
    return f'it breaks off or has a mistake ({error})'


def _json_format(content: Any) -> str | None:
    """What a JSON file looks like that is no COCO detection file; None if it is one."""
    if isinstance(content, list):
        return _list_format(content)
    if not isinstance(content, dict):
        return f'it is a single {type(content).__name__}'
    for keys, name in _OTHERS.items():
        if keys <= content.keys():
            return f'it looks like {name} (it has {", ".join(sorted(keys))})'
    missing = [key for key in KEYS if key not in content]
    annotations = content.get('annotations')
    if isinstance(annotations, list) and annotations:
        other = _task_of(annotations)
        if other is not None:
            return f'it looks like {other}; annotations have no bbox'
    if missing:
        found = ', '.join(map(str, list(content)[:8])) or 'nothing'
        return f'it lacks {", ".join(missing)} (it has {found})'
    for key in KEYS:
        if not isinstance(content[key], list):
            return f'{key} is no list but a {type(content[key]).__name__}'
    return None


_OTHERS = {
    frozenset({'shapes', 'imagePath'}): 'LabelMe, a file for each picture; convert them into one',
    frozenset({'_via_img_metadata'}): 'a project of the VGG Image Annotator; use its COCO export',
    frozenset({'metainfo', 'data_list'}): "OpenMMLab's own format, which BaseDetDataset reads",
    frozenset({'features', 'type'}): 'GeoJSON',
}


def _list_format(content: list) -> str:
    first = content[0] if content and isinstance(content[0], dict) else {}
    if {'image_id', 'category_id'} <= first.keys():
        if 'score' in first:
            return 'it looks like detections, a list of boxes with scores, not like annotations'
        return 'it looks like the annotations alone, a list of boxes'
    keys = f' (the first has {", ".join(map(str, list(first)[:8]))})' if first else ''
    return f'it is a list of {len(content)} entries{keys}, not an object with three lists'


def _task_of(annotations: list) -> str | None:
    """The COCO task of annotations, none of which has a box; None if one has."""
    entries = [entry for entry in annotations if isinstance(entry, dict)]
    if any('bbox' in entry for entry in entries):
        return None
    keys = set().union(*(entry.keys() for entry in entries))
    if 'caption' in keys:
        return 'COCO captions'
    if 'segments_info' in keys:
        return 'COCO panoptic segmentation'
    if 'keypoints' in keys:
        return 'COCO keypoints'
    if 'segmentation' in keys:
        return 'masks without boxes'
    return None
