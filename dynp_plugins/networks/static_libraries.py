"""How torchvision and timm build a classifier by name."""

import dataclasses
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from torch import nn
from torchvision import models

from ..errors import UserError


class Classifier(NamedTuple):
    """A classifier of another library, as `StaticBackbone` takes it."""

    classifier: nn.Module
    num_classes: int
    name: str
    other_size: str
    image_size: int
    channels: int = 3


class StaticLibrary:
    """Where classifiers come from."""

    def names(self) -> list[str]:
        """Names to choose from.

        Raises:
            UserError: The library is not installed.
        """
        raise NotImplementedError

    def knows(self, model: str) -> bool:
        """Whether `build` takes this name, be it listed or not."""
        return model in self.names()

    def build(self, model: str, full_name: str, settings: Mapping[str, Any]) -> Classifier:
        """Build the classifier called ``model``, without pretrained weights.

        Args:
            model: Its name in the library.
            full_name: What to call it in messages.
            settings: ``num_classes`` and whatever the library's own builder takes.

        Raises:
            UserError: A setting that is unknown or that the classifier cannot be built with.
        """
        raise NotImplementedError


_CHECKPOINT = 'weights are never downloaded; load a file with checkpoint='
_WHOLE = 'only whole classifiers are built'
_REFUSED_BY_TORCHVISION = dict.fromkeys(
    # The last two are old names, which torchvision still takes.
    ('weights', 'weights_backbone', 'progress', 'pretrained', 'pretrained_backbone'),
    _CHECKPOINT,
)
_REFUSED_BY_TIMM = {
    'pretrained': _CHECKPOINT,
    'pretrained_cfg': _CHECKPOINT,
    'checkpoint_path': _CHECKPOINT,
    'features_only': _WHOLE,
    'out_indices': _WHOLE,
}
# Auxiliary classifiers only serve a training with three losses. The second setting is what the
# two networks do by default, without their warning that this will change.
_WITHOUT_AUXILIARY = dict(aux_logits=False, init_weights=True)
_TORCHVISION_DEFAULTS = {'googlenet': _WITHOUT_AUXILIARY, 'inception_v3': _WITHOUT_AUXILIARY}


class TorchvisionLibrary(StaticLibrary):
    """The classifiers of ``torchvision.models``."""

    def names(self) -> list[str]:
        return models.list_models(module=models)

    def build(self, model: str, full_name: str, settings: Mapping[str, Any]) -> Classifier:
        settings = {**_TORCHVISION_DEFAULTS.get(model, {}), **settings}
        builder = models.get_model_builder(model)
        classifier = _build(builder, full_name, settings, _REFUSED_BY_TORCHVISION)
        return Classifier(
            classifier,
            settings.get('num_classes', 1000),
            full_name,
            _size_setting(classifier),
            _given_size(settings) or _smallest_crop(model),
        )


class TimmLibrary(StaticLibrary):
    """The classifiers of timm, which is installed only where somebody wants it."""

    def __init__(self):
        try:
            import timm
        except ModuleNotFoundError as error:
            if error.name != 'timm':
                raise
            raise UserError(
                'timm is not installed: pip install "dynp-plugins[timm]", or pip install timm'
            ) from error
        self.timm = timm

    def names(self) -> list[str]:
        # A tag after a dot names one of several sets of weights, which may differ in num_classes.
        return self.timm.list_models() + self.timm.list_models(include_tags=True)

    def build(self, model: str, full_name: str, settings: Mapping[str, Any]) -> Classifier:
        def build(**settings):
            return self.timm.create_model(model, **settings)

        classifier = _build(build, full_name, settings, _REFUSED_BY_TIMM)
        if not classifier.num_classes:
            raise UserError(f'{full_name} comes without a classifier: set num_classes')
        channels, height, _ = classifier.pretrained_cfg.get('input_size', (3, 224, 224))
        return Classifier(
            classifier,
            classifier.num_classes,
            full_name,
            _size_setting(classifier),
            _given_size(settings) or height,
            settings.get('in_chans') or channels,
        )


def _build(
    build: Callable[..., nn.Module],
    full_name: str,
    settings: Mapping[str, Any],
    refused: Mapping[str, str],
) -> nn.Module:
    """Call a library's builder, and turn its complaints about settings into ours."""
    for setting, why in refused.items():
        if setting in settings:
            raise UserError(f'{full_name} takes no setting {setting!r}: {why}')
    try:
        return build(**settings)
    except Exception as error:
        if not settings:
            raise
        unknown = re.search(r"unexpected keyword argument[^']*'(\w+)'", str(error))
        if unknown and unknown[1] in settings:
            valid = {*_settings(build()), 'num_classes'} - set(refused)
            raise UserError(
                f'{full_name} has no setting {unknown[1]!r}; valid are {", ".join(sorted(valid))}'
            ) from error
        given = ', '.join(f'{setting}={value!r}' for setting, value in settings.items())
        raise UserError(f'{full_name} cannot be built with {given}: {error}') from error


_SIZE_SETTINGS = ('img_size', 'image_size', 'input_size')


def _settings(classifier: nn.Module) -> list[str]:
    """What may be set of a classifier: the arguments of its class that no name fixes.

    Where a class hands its arguments on, those of its parent or of its config class are included.
    """
    found: list[str] = []
    for cls in type(classifier).__mro__:
        if '__init__' not in vars(cls):
            continue
        parameters = inspect.signature(cls.__init__).parameters.values()
        found += [
            p.name for p in parameters if p.default is not p.empty or p.name in _SIZE_SETTINGS
        ]
        for parameter in parameters:
            if dataclasses.is_dataclass(parameter.annotation):
                found += [field.name for field in dataclasses.fields(parameter.annotation)]
        if all(p.kind is not p.VAR_KEYWORD for p in parameters):
            break
    return found


def _size_setting(classifier: nn.Module) -> str:
    """The setting of a classifier's class for the image size, '' if it has none."""
    settings = _settings(classifier)
    return next((f'{name}=' for name in _SIZE_SETTINGS if name in settings), '')


def _given_size(settings: Mapping[str, Any]) -> int | None:
    """The image size that a classifier is built for, where its settings say so."""
    return next((side(settings[name]) for name in _SIZE_SETTINGS if settings.get(name)), None)


def side(size: int | Sequence[int]) -> int:
    """The side of a size such as ``224`` or ``(224, 224)``."""
    return size if isinstance(size, int) else size[0]


def _smallest_crop(model: str) -> int:
    """The image size of torchvision's weights; of several ones that without the final fine-tuning
    on larger images that some have."""
    return min(side(weights.transforms().crop_size) for weights in models.get_model_weights(model))
