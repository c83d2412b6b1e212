"""Contestants in processes of their own, timed in turn: what one does to its memory spares others.

An allocator that has grown, threads, compiled kernels and settings of the environment stay with the
process that has them.
"""

import multiprocessing
import os
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from dynp_plugins.errors import UserError

Contestant = Callable[[Any], Any]
"""What a process does when it is its turn: a question in, an answer out."""


class ContestantProcess:
    """A contestant that was made in a fresh process, and runs there; a call is one turn.

    Args:
        make: Called in that process; a function of a module, as it is found there by its name.
        arguments: Of ``make``.
        environment: Variables of the process, beside those of this one.

    Raises:
        UserError: ``make`` raised one, or another error, whose traceback is in the message.
    """

    def __init__(
        self,
        make: Callable[..., Contestant],
        arguments: Sequence[Any] = (),
        environment: Mapping[str, str] | None = None,
    ):
        context = multiprocessing.get_context('spawn')
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, make, tuple(arguments)), daemon=True
        )
        with _variables(environment or {}):
            self._process.start()
        theirs.close()
        self._receive()

    def __call__(self, question: Any) -> Any:
        """The contestant's answer; the process does nothing between two calls."""
        self._connection.send(question)
        return self._receive()

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.join(10)
        if self._process.is_alive():
            self._process.kill()

    def __enter__(self) -> 'ContestantProcess':
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _receive(self) -> Any:
        try:
            kind, value = self._connection.recv()
        except EOFError:
            self._process.join()
            raise UserError(
                f'a process that is timed has died with status {self._process.exitcode}; it may '
                'have had too little memory'
            ) from None
        if kind == 'answer':
            return value
        raise UserError(value)


def _serve(
    connection: Connection, make: Callable[..., Contestant], arguments: tuple[Any, ...]
) -> None:
    try:
        contestant = make(*arguments)
        connection.send(('answer', None))
        while True:
            connection.send(('answer', contestant(connection.recv())))
    except EOFError:
        return
    except UserError as error:
        connection.send(('error', str(error)))
    except Exception:
        connection.send(('error', traceback.format_exc()))


@contextmanager
def _variables(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
