"""Comparing the classes of data sets and checkpoints, so that class numbers mean the same."""

from collections.abc import Mapping, Sequence

from ..errors import UserError


def check_same_classes(named: Mapping[str, Sequence[str] | None]) -> None:
    """All that name their classes must name the same ones in the same order.

    Args:
        named: What it is, for the message, to its class names; None where they are not known.

    Raises:
        UserError: Two of them differ.
    """
    known = [(name, tuple(classes)) for name, classes in named.items() if classes]
    for name, classes in known[1:]:
        first, expected = known[0]
        if classes != expected:
            raise UserError(
                f'{first} has the classes {_listed(expected)}, but {name} has {_listed(classes)}: '
                'class numbers would not mean the same; use the same class folders, or set '
                'metainfo=dict(classes=...) in all datasets'
            )


def _listed(classes: tuple[str, ...]) -> str:
    return ', '.join(classes[:12]) + (f', ... ({len(classes)})' if len(classes) > 12 else '')
