"""The names `create_model` knows, and how each network is built."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import UserError
from .contract import MultiExitNetwork
from .dyn_perceiver import DynPerceiverBackbone
from .dyn_perceiver_models import DYN_PERCEIVER_MODELS, dyn_perceiver
from .msdnet import MSDNetBackbone
from .msdnet_models import MSDNET_MODELS, msdnet
from .ranet import RANetBackbone
from .ranet_models import RANET_MODELS, ranet
from .static import STATIC_PREFIX, closest_names, static_namesakes, static_network


@dataclass(frozen=True)
class NamedModel:
    """How the networks of a name are built.

    Attributes:
        build: The family's builder.
        settings: What the name fixes, as keyword arguments of ``build``; overrides win over them,
            except over the ``arch`` in the name.
        overrides: Keyword arguments that may be given.
    """

    build: Callable[..., MultiExitNetwork]
    settings: Mapping[str, Any]
    overrides: tuple[str, ...]


def _family(
    build: Callable[..., MultiExitNetwork], backbone: type, models: Mapping[str, Mapping[str, Any]]
) -> dict[str, NamedModel]:
    """The names of one family, whose overrides are the arguments of its builder and backbone."""
    arguments = [
        parameter.name
        for function in (build, backbone)
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    overrides = tuple(dict.fromkeys(name for name in arguments if name != 'arch'))
    return {name: NamedModel(build, settings, overrides) for name, settings in models.items()}


_MODELS: dict[str, NamedModel] = {
    **_family(dyn_perceiver, DynPerceiverBackbone, DYN_PERCEIVER_MODELS),
    **_family(msdnet, MSDNetBackbone, MSDNET_MODELS),
    **_family(ranet, RANetBackbone, RANET_MODELS),
}


def list_models() -> list[str]:
    """The names of our own networks.

    `create_model` also takes ``static:torchvision/NAME``, ``static:timm/NAME`` and
    ``static:mmpretrain/NAME`` for any classifier of these libraries, which are not listed.
    """
    return sorted(_MODELS)


def build_network(name: str, **overrides: Any) -> MultiExitNetwork:
    """Build the network called ``name`` with fresh weights.

    Raises:
        UserError: Unknown name (the closest ones are given) or override (the valid ones are).
    """
    if not isinstance(name, str):
        raise UserError(
            f'name={name!r} is no name: give one of dynp_plugins.list_models() or '
            'static:LIBRARY/NAME'
        )
    if name.startswith(STATIC_PREFIX):
        return static_network(name, **overrides)
    if name not in _MODELS:
        message = f'unknown model {name!r}; the closest names are '
        message += ', '.join(closest_names(name, _MODELS))
        if namesakes := static_namesakes(name):
            message += f'; static networks of that name are {", ".join(namesakes)}'
        raise UserError(message)
    model = _MODELS[name]
    for override in overrides:
        if override not in model.overrides:
            raise UserError(
                f'{name} has no setting {override!r}; valid are {", ".join(model.overrides)}'
            )
    return model.build(**{**model.settings, **overrides})
