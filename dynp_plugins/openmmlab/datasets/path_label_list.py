"""Text lists of pictures or videos: a path and a class number on each line."""

from collections.abc import Sequence
from pathlib import Path

from ...errors import UserError


def read_path_label_list(
    path: str | Path, with_label: bool = True, classes: Sequence[str] | None = None
) -> list[tuple[str, int | None]]:
    """Paths, as they are written, and class numbers; blank lines are passed over.

    Args:
        path: UTF-8 text, with or without a byte order mark.
        with_label: Whether each line ends in a class number; without, it is a path only and the
            number is None.
        classes: Class names, if known; the numbers must stay below their count.

    Raises:
        UserError: The list is missing, is not UTF-8, or has a malformed line.
    """
    if not Path(path).is_file():
        raise UserError(f'there is no list {path}; set ann_file of the dataset')
    try:
        text = Path(path).read_text(encoding='utf-8-sig')
    except UnicodeDecodeError as error:
        raise UserError(
            f'the list {path} is not UTF-8 text (byte {error.start}); save it as UTF-8'
        ) from error
    samples: list[tuple[str, int | None]] = []
    for number, line in enumerate(map(str.strip, text.split('\n')), 1):
        if not line:
            continue
        if not with_label:
            samples.append((line, None))
            continue
        name, _, label = line.rpartition(' ')
        if not name or not label.isdecimal():
            raise UserError(
                f"{path}, line {number}: {line!r} is not 'path label' with a class number"
            )
        if classes and int(label) >= len(classes):
            raise UserError(
                f'{path}, line {number}: label {label}, but there are only {len(classes)} '
                'classes, numbered from 0'
            )
        samples.append((name.rstrip(), int(label)))
    return samples
