"""The one exception for mistakes a user can mend, and how command lines show it."""

import functools
import json
import os
import re
import sys
import time
from collections.abc import Callable

USER_ERROR_STATUS = 2


class UserError(ValueError):
    """Something the caller passed cannot work; the message names the value and the fix.

    Command lines print the message alone and exit with status 2; everything else keeps its
    traceback, because it is a defect of ours.
    """


def exits_on_user_error(main: Callable[..., None]) -> Callable[..., None]:
    """Decorate a command line's ``main`` so that a `UserError` ends it with exit status 2.

    The message goes to stderr behind ``error:``, without a traceback; also where a data loader's
    worker process has wrapped the worker's traceback around it. With DYNP_TRACEBACK set in the
    environment the traceback is shown after all. A process that torchrun has started hands the
    message over to torchrun, which shows it once for all processes.
    """

    @functools.wraps(main)
    def wrapper(*args, **kwargs) -> None:
        try:
            main(*args, **kwargs)
        except UserError as error:
            if os.environ.get('DYNP_TRACEBACK'):
                raise
            message = _without_worker_traceback(str(error))
            error_file = os.environ.get('TORCHELASTIC_ERROR_FILE')
            if error_file:
                _hand_over(message, error_file)
            else:
                print(f'error: {message}', file=sys.stderr)
            raise SystemExit(USER_ERROR_STATUS) from None

    return wrapper


def _hand_over(message: str, error_file: str) -> None:
    """Write a message as torchrun reads it; the mark is for `dynp_plugins.launching`."""
    content = {'message': message, 'timestamp': int(time.time()), 'user_error': True}
    with open(error_file, 'w', encoding='utf-8') as file:
        json.dump(content, file)


def _without_worker_traceback(message: str) -> str:
    """The message alone, of an error that torch's DataLoader re-raised from a worker."""
    return re.sub(r'\ACaught \w+ in DataLoader worker.*\n\S*UserError: ', '', message, flags=re.S)
