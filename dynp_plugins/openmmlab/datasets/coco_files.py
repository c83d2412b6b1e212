"""Pictures and boxes in COCO format: checked when loaded, the classes taken from the json."""

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from mmdet.datasets import CocoDataset
from mmengine.logging import print_log

from ...datasets.coco_check import check_coco
from ...datasets.coco_format import class_names, read_coco
from ...datasets.coco_images import Pictures
from ...datasets.coco_problems import told
from ...datasets.picture_files import picture_problem
from ...errors import UserError
from .labelled_files import warn

_MAX_LISTED = 3  # problems of each kind
_SKIP = (
    "problems='skip' in the config's datasets (or PROBLEMS=skip where the config reads that "
    'variable)'
)


class CocoFiles(CocoDataset):
    """``mmdet.CocoDataset`` that takes the classes from the json and says what is wrong with it.

    The classes are numbered as the json lists them or, where ``metainfo`` has ``classes``, as those
    are. Every entry of ``instances`` also has the ``area`` of the json.

    Args:
        data_root: Folder that ``ann_file`` and ``data_prefix`` start from.
        ann_file: The json.
        data_prefix: Folder of the pictures, also as mmdet writes it, ``dict(img=...)``.
        problems: What happens when something is wrong, see `coco_problems.ERRORS`. ``'stop'``:
            the run ends before it begins. ``'skip'``: bad images and boxes are logged and left
            out, boxes over the edge of a picture are cut there.
        pictures: How closely the files are looked at when the dataset is made, see
            `coco_check.check_coco`. By default ``'pixels'`` to skip and ``'headers'`` to stop; then
            a picture that is damaged inside stops the run when it is met.
        **kwargs: As in ``mmdet.CocoDataset``: ``metainfo``, ``filter_cfg``, ``pipeline``,
            ``test_mode``, ...

    Raises:
        UserError: The file is missing or of another format, or something is wrong with it.

    Example:
        >>> dict(type='CocoFiles', data_root='data/mine', data_prefix='images',
        ...      ann_file='train.json', pipeline=[...])
    """

    METAINFO = {}  # noqa: RUF012 - mmengine's own convention

    def __init__(
        self,
        data_prefix: str | dict = '',
        problems: str = 'stop',
        pictures: Pictures | None = None,
        **kwargs: Any,
    ):
        if problems not in ('stop', 'skip'):
            raise UserError(f"problems={problems!r}: choose 'stop' or 'skip'")
        if pictures not in (None, 'names', 'headers', 'pixels'):
            raise UserError(f"pictures={pictures!r}: choose 'names', 'headers' or 'pixels'")
        self.problems = problems
        self.pictures = pictures or ('headers' if problems == 'stop' else 'pixels')
        if isinstance(data_prefix, str):
            data_prefix = {'img': data_prefix}
        super().__init__(data_prefix=data_prefix, **kwargs)

    def load_data_list(self) -> list[dict]:
        """One entry per image, with its boxes as ``instances``."""
        content = read_coco(self.ann_file)
        folder = self.data_prefix['img']
        if not Path(folder or '.').is_dir():
            raise UserError(
                f'there is no picture folder {folder}; set data_root (and data_prefix) of the '
                'dataset to where the pictures are, or DATA_ROOT (and IMAGES, TEST_IMAGES) where '
                'the config reads these variables'
            )
        try:
            check = check_coco(content, folder, self.pictures)
        except UserError as error:
            raise UserError(f'{self.ann_file}: {error}') from error
        if check.errors:
            self._answer(check.errors, folder)
        notes = Counter(problem.kind for problem in check.problems if not problem.is_error)
        if notes:
            listed = ', '.join(f'{kind} ({number})' for kind, number in notes.items())
            print_log(f'{self.ann_file}, no errors but to be known: {listed}', logger='current')
        if not check.images:
            raise UserError(f'{self.ann_file}: no image is left; {self._command(folder)}')
        self._number_classes(content)
        boxes = defaultdict(list)
        # What mmdet's filter_data asks for: the images of every category.
        self.cat_img_map = defaultdict(list)
        for entry in check.annotations:
            if entry['category_id'] in self.cat2label:
                boxes[entry['image_id']].append(entry)
                self.cat_img_map[entry['category_id']].append(entry['image_id'])
        return [
            self.parse_data_info(
                {
                    'raw_img_info': {**image, 'img_id': image['id']},
                    'raw_ann_info': boxes[image['id']],
                }
            )
            for image in check.images
        ]

    def parse_data_info(self, raw_data_info: dict) -> dict:
        """An image as mmdet has it, its boxes with their areas."""
        info = super().parse_data_info({**raw_data_info, 'raw_ann_info': []})
        info['instances'] = [
            self._instance(entry)
            for entry in raw_data_info['raw_ann_info']
            if min(entry['bbox'][2:]) >= 1  # as mmdet
        ]
        return info

    def prepare_data(self, idx: int) -> Any:
        """Run the pipeline on image ``idx``.

        Raises:
            UserError: Its file is missing or cannot be read.
        """
        try:
            return super().prepare_data(idx)
        except Exception as error:
            path = self.get_data_info(idx)['img_path']
            problem = picture_problem(path)
            if problem is None:
                raise
            raise UserError(
                f'cannot read the picture {path}: {problem}. Mend or remove it, or set '
                f'{_SKIP} to leave such pictures out'
            ) from error

    def _number_classes(self, content: dict) -> None:
        found = class_names(content)
        classes = tuple(self._metainfo.get('classes') or found)
        absent = [name for name in classes if name not in found]
        left_out = [name for name in found if name not in classes]
        if absent and left_out:
            raise UserError(
                f'{self.ann_file} has no category {", ".join(absent)}, which the dataset is given '
                f'as classes, but {", ".join(left_out)}: make the names agree'
            )
        if left_out:
            warn(f'{self.ann_file}: no class of the dataset, left out: {", ".join(left_out)}')
        self._metainfo['classes'] = classes
        # In the order of the classes, which may not be that of the file.
        ids = {category['name']: category['id'] for category in content['categories']}
        self.cat2label = {ids[name]: label for label, name in enumerate(classes) if name in ids}
        self.cat_ids = list(self.cat2label)

    def _instance(self, entry: dict) -> dict:
        x, y, width, height = entry['bbox']
        instance = {
            'bbox': [x, y, x + width, y + height],
            'bbox_label': self.cat2label[entry['category_id']],
            'ignore_flag': int(bool(entry.get('iscrowd') or entry.get('ignore'))),
            'area': entry['area'],
        }
        if entry.get('segmentation'):
            instance['mask'] = entry['segmentation']
        return instance

    def _answer(self, errors: list, folder: str) -> None:
        lines = '\n'.join(told(errors, _MAX_LISTED))
        number = '1 error' if len(errors) == 1 else f'{len(errors)} errors'
        if self.problems == 'stop':
            raise UserError(
                f'{self.ann_file} and its pictures have {number}:\n{lines}\n'
                f'{self._command(folder)}; {_SKIP} leaves out what is wrong'
            )
        warn(f'{self.ann_file}: left out or mended, {number}:\n{lines}')

    def _command(self, folder: str) -> str:
        return f'python tools/check_dataset.py {self.ann_file} {folder or "."} tells all'
