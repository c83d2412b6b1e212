"""Settings that configs take from environment variables, with errors that name the variable."""

import os
from collections.abc import Sequence

from .errors import UserError


def whole_number(name: str, default: int, least: int) -> int:
    """The whole number in a variable.

    Raises:
        UserError: It is none, or smaller than ``least``.
    """
    text = os.environ.get(name, str(default))
    try:
        number = int(text)
    except ValueError:
        number = None
    if number is None or number < least:
        raise UserError(
            f'environment variable {name}={text}: give a whole number of at least {least}'
        )
    return number


def fraction(name: str, default: float) -> float:
    """The number from 0 to 1 in a variable.

    Raises:
        UserError: It is none.
    """
    text = os.environ.get(name, str(default))
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise UserError(f'environment variable {name}={text}: give a number from 0 to 1')
    return number


def choice(name: str, choices: Sequence[str]) -> str:
    """The word in a variable; the first one is the default.

    Raises:
        UserError: It is none of them.
    """
    text = os.environ.get(name, choices[0])
    if text not in choices:
        raise UserError(f'environment variable {name}={text}: choose {" or ".join(choices)}')
    return text
