"""What the ``type`` of a config's entry says: text with or without a scope, or a class itself."""

from typing import Any


def type_name(kind: Any) -> str:
    """The name of a type without its scope, such as ``FPN`` of ``'mmdet.FPN'``."""
    return getattr(kind, '__name__', str(kind)).rpartition('.')[2]


def type_scopes(kind: Any) -> set[str]:
    """The registries that a type is of: the scope it is written with, if it is text.

    mmengine's configs in pure Python have classes there; those are of the packages that they and
    their bases come from.
    """
    if isinstance(kind, type):
        return {base.__module__.partition('.')[0] for base in kind.__mro__}
    scope = str(kind).rpartition('.')[0] if kind else ''
    return {scope} if scope else set()
