"""File names of the frames of a video that was taken apart into pictures."""

import re


def frame_name_pattern(template: str) -> re.Pattern[str] | None:
    """Matches the names that a template gives; group 1 is the number of the frame.

    Args:
        template: Such as ``img_{:05}.jpg``.

    Returns:
        None if the template has no place for a number, several, or one that takes no number.
    """
    around = re.split(r'\{[^{}]*\}', template)
    if len(around) != 2 or not _takes_a_number(template):
        return None
    return re.compile(r'(\d+)'.join(map(re.escape, around)))


def _takes_a_number(template: str) -> bool:
    try:
        return template.format(1) != template
    except (ValueError, LookupError):
        return False
