"""Folders laid out like the public video data sets, with a few tiny made-up videos in each."""

import json
import shutil

import numpy as np
from PIL import Image

from tests.datasets.made_videos import make_video

CLASSES = ('Moving A down', 'Moving B up')
TRAIN, TEST = 12, 2
"""Videos of each class."""
FRAMES = 10


def make_video_sets(folder):
    """Write ``folder/data/NAME`` for all five data sets, with official lists and mmaction2's."""
    video = make_video(folder / 'video.mp4', frames=FRAMES, size=(64, 48))
    for make in (_sthv1, _sthv2, _kinetics400, _ucf101, _hmdb51):
        make(folder / 'data' / make.__name__.removeprefix('_'), video)


def _samples(per_class):
    """(number of the video, label), the classes by turns."""
    return [(number, number % 2) for number in range(2 * per_class)]


def _place(video, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(video, path)


def _write(path, lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('\n'.join(lines) + '\n')


def _sthv1(root, video):
    _write(root / 'annotations' / 'something-something-v1-labels.csv', CLASSES)
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8))
    for split, short, first, per_class in (
        ('train', 'train', 1, TRAIN),
        ('validation', 'val', 900, TEST),
    ):
        samples = [(first + number, label) for number, label in _samples(per_class)]
        for number, _ in samples:
            for folder, name in (
                ('20bn-something-something-v1', '{:05}.jpg'),
                ('rawframes', 'img_{:05}.jpg'),
            ):
                (root / folder / str(number)).mkdir(parents=True)
                for frame in range(1, FRAMES + 1):
                    picture.save(root / folder / str(number) / name.format(frame))
        _write(
            root / 'annotations' / f'something-something-v1-{split}.csv',
            [f'{number};{CLASSES[label]}' for number, label in samples],
        )
        _write(
            root / f'sthv1_{short}_list_rawframes.txt',
            [f'{number} {FRAMES} {label}' for number, label in samples],
        )


def _sthv2(root, video):
    annotations = root / 'annotations'
    annotations.mkdir(parents=True)
    numbers = {name: str(label) for label, name in enumerate(CLASSES)}
    (annotations / 'something-something-v2-labels.json').write_text(json.dumps(numbers))
    for split, short, first, per_class in (
        ('train', 'train', 1, TRAIN),
        ('validation', 'val', 900, TEST),
    ):
        samples = [(first + number, label) for number, label in _samples(per_class)]
        for number, _ in samples:
            _place(video, root / 'videos' / f'{number}.webm')
        entries = [
            {'id': str(number), 'template': CLASSES[label].replace('A', '[A]')}
            for number, label in samples
        ]
        path = annotations / f'something-something-v2-{split}.json'
        path.write_text(json.dumps(entries))
        _write(
            root / f'sthv2_{short}_list_videos.txt',
            [f'{number}.webm {label}' for number, label in samples],
        )


def _kinetics400(root, video):
    for split, per_class in (('train', TRAIN), ('val', TEST)):
        rows, lines = ['label,youtube_id,time_start,time_end,split'], []
        for number, label in _samples(per_class):
            name = f'{split}{number:04}_000003_000013.mp4'
            _place(video, root / f'videos_{split}' / CLASSES[label] / name)
            rows.append(f'{CLASSES[label]},{split}{number:04},3,13,{split}')
            lines.append(f'{CLASSES[label]}/{name} {label}')
        rows.append(f'{CLASSES[0]},gone_from_there,3,13,{split}')
        _write(root / 'annotations' / f'kinetics_{split}.csv', rows)
        _write(root / f'kinetics400_{split}_list_videos.txt', lines)


def _ucf101(root, video):
    names = ('Archery', 'Biking')
    _write(
        root / 'annotations' / 'classInd.txt', [f'{i} {name}' for i, name in enumerate(names, 1)]
    )
    for split, short, first, per_class in (('train', 'train', 8, TRAIN), ('test', 'val', 1, TEST)):
        paths = []
        for number, label in _samples(per_class):
            group, clip = first + number // 4, 1 + number // 2 % 2
            paths.append(f'{names[label]}/v_{names[label]}_g{group:02}_c{clip:02}.avi')
            _place(video, root / 'videos' / paths[-1])
        labels = [label for _, label in _samples(per_class)]
        _write(
            root / 'annotations' / f'{split}list01.txt',
            [
                f'{path} {label + 1}' if split == 'train' else path
                for path, label in zip(paths, labels, strict=True)
            ],
        )
        _write(
            root / f'ucf101_{short}_split_1_videos.txt',
            [f'{path} {label}' for path, label in zip(paths, labels, strict=True)],
        )


def _hmdb51(root, video):
    names = ('brush_hair', 'wave')
    official = {name: [] for name in names}
    for short, use, first, per_class in (('train', 1, 0, TRAIN), ('val', 2, 50, TEST)):
        lines = []
        for number, label in _samples(per_class):
            film, cut = first + number // 4, number // 2 % 2
            name = f'Film_{film}!_{names[label]}_u_cm_np1_{("fr", "le")[cut]}_med_{cut}.avi'
            _place(video, root / 'videos' / names[label] / name)
            official[names[label]].append(f'{name} {use} ')
            lines.append(f'{names[label]}/{name} {label}')
        _write(root / f'hmdb51_{short}_split_1_videos.txt', lines)
    for name, lines in official.items():
        _write(root / 'annotations' / f'{name}_test_split1.txt', lines)
