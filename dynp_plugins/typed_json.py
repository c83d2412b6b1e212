"""Dataclasses as JSON: written without NaN, and checked field by field when read."""

import dataclasses
import json
import sys
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

from .atomic_files import atomic_path
from .errors import UserError

T = TypeVar('T')


def write_json(record: Any, path: str | Path) -> None:
    """Write a dataclass as JSON; the file appears whole or not at all.

    Raises:
        ValueError: A number is NaN or infinite.
        UserError: The file cannot be written.
    """
    text = json.dumps(dataclasses.asdict(record), indent=1, allow_nan=False)
    with atomic_path(path) as temporary:
        temporary.write_text(text + '\n', encoding='utf-8')


def read_json(kind: type[T], path: str | Path, what: str, version: int, remedy: str) -> T:
    """Read and check what `write_json` wrote.

    Args:
        kind: The dataclass; it has a field ``schema_version``.
        path: The file.
        what: What the file is, for messages, such as ``results``.
        version: The ``schema_version`` that this program reads.
        remedy: What to do about another version.

    Raises:
        UserError: Not JSON, another schema version, or an entry that is missing, unknown or of the
            wrong type; the message names it.
    """
    try:
        text = Path(path).read_text(encoding='utf-8')
        content = json.loads(text, parse_constant=_refuse_constant)
    except (OSError, ValueError) as error:
        raise UserError(f'{path} is not a {what} file: {error}') from error
    found = content.get('schema_version') if isinstance(content, dict) else None
    if found != version:
        raise UserError(
            f'{path} has {what} schema version {found}, this program reads {version}: {remedy}'
        )
    try:
        return parse(kind, content, what)
    except ValueError as error:
        raise UserError(f'{path}: {error}') from error


def parse(kind: Any, value: Any, where: str) -> Any:
    """Turn JSON into the type ``kind``; ValueError names the entry that does not fit.

    An entry with a default may be missing.
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, dict):
            raise ValueError(f'{where} is no object')
        hints = typing.get_type_hints(kind)
        for problem, names in (
            ('is missing', _required(kind) - value.keys()),
            ('is unknown', value.keys() - hints.keys()),
        ):
            if names:
                raise ValueError(f'{where}.{min(names)} {problem}')
        return kind(**{k: parse(hints[k], v, f'{where}.{k}') for k, v in value.items()})
    if origin is list and isinstance(value, list):
        return [parse(arguments[0], v, f'{where}[{i}]') for i, v in enumerate(value)]
    if origin is dict and isinstance(value, dict):
        return {k: parse(arguments[1], v, f'{where}.{k}') for k, v in value.items()}
    if origin is types.UnionType:
        return None if value is None else parse(arguments[0], value, where)
    if kind is Any:
        return value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        if abs(value) > sys.float_info.max:
            raise ValueError(f'{where} is too large a number')
        return float(value)
    is_bool = isinstance(value, bool)  # which is an int to Python
    plain = isinstance(kind, type) and origin is None  # Python 3.10 takes list[int] for a type
    if plain and isinstance(value, kind) and is_bool == (kind is bool):
        return value
    raise ValueError(f'{where} is {value!r}, expected {getattr(kind, "__name__", kind)}')


def _refuse_constant(name: str) -> None:
    """JSON has no NaN and no infinity, though Python's reader takes them."""
    raise ValueError(f'{name} is no number')


def _required(kind: Any) -> set[str]:
    """Names of a dataclass's fields that have no default."""
    none = dataclasses.MISSING
    return {
        field.name
        for field in dataclasses.fields(kind)
        if field.default is none and field.default_factory is none
    }
