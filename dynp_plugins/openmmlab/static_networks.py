"""Static networks inside OpenMMLab, and mmpretrain's own classifiers as static networks."""

import copy
import inspect
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import mmpretrain
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.model import BaseModule
from mmengine.registry import MODELS, DefaultScope
from mmpretrain.apis.model import ModelHub
from mmpretrain.models.classifiers import ImageClassifier
from mmpretrain.models.heads import MultiLabelClsHead
from torch import Tensor

from ..errors import UserError
from ..networks import ExitBackbone, StaticBackbone, StaticHeads
from ..networks.static import build_static_classifier
from ..networks.static_libraries import Classifier, StaticLibrary, side
from .backbones import OpenMMLabOptions

MODELS.register_module(module=StaticHeads)


@MODELS.register_module()
class StaticNetwork(OpenMMLabOptions, StaticBackbone, BaseModule):
    """A torchvision, timm or mmpretrain classifier as backbone of ``mmpretrain.ImageClassifier``.

    Args:
        name: ``LIBRARY/NAME``, as in ``create_model('static:LIBRARY/NAME')``.
        init_cfg: As everywhere in OpenMMLab. The library initialises the weights of its network;
            ``dict(type='Pretrained', ...)`` replaces them.
        rescale_gradients: Without effect, because there is one exit; a config may switch it on for
            any network.
        **settings: ``num_classes``, and what the library's own builder takes.

    Example:
        >>> model = dict(
        ...     type='mmpretrain.ImageClassifier',
        ...     backbone=dict(
        ...         type='StaticNetwork', name='torchvision/mobilenet_v3_large', num_classes=10),
        ...     head=dict(
        ...         type='MultiExitHead', num_classes=10, in_channels=(10,),
        ...         heads=dict(type='StaticHeads')))
    """

    def __init__(
        self,
        name: str,
        init_cfg: dict | list | None = None,
        rescale_gradients: bool = False,
        **settings: Any,
    ):
        classifier = build_static_classifier(name, **settings)
        super().__init__(
            **classifier._asdict(), init_cfg=init_cfg, rescale_gradients=rescale_gradients
        )
        # mmengine calls every child's `init_weights`, which timm's networks have, too.
        self.network.is_init = True


class MMPretrainLibrary(StaticLibrary):
    """The image classifiers in mmpretrain's model index."""

    _SETTINGS = ('num_classes', 'backbone', 'neck', 'head')

    def names(self) -> list[str]:
        return mmpretrain.list_models(task='Image Classification')

    def knows(self, model: str) -> bool:
        return model in mmpretrain.list_models()

    def build(self, model: str, full_name: str, settings: Mapping[str, Any]) -> Classifier:
        for setting in settings:
            if setting not in self._SETTINGS:
                raise UserError(
                    f'{full_name} has no setting {setting!r}; valid are num_classes, and '
                    'backbone, neck and head, dicts that are merged into its config'
                )
        if _without_weights(settings) != settings:
            raise UserError(
                f'{full_name}: weights are never downloaded; load a file with checkpoint='
            )
        try:
            whole_config = ModelHub.get(model).config
            config = whole_config.model.to_dict()
        except Exception as error:  # a few of its configs are broken
            raise UserError(f'mmpretrain cannot read its config of {full_name}: {error}') from error
        if config['type'].rpartition('.')[2] != 'ImageClassifier' or not config.get('head'):
            raise UserError(
                f'{full_name} is no image classifier with a head but a {config["type"]}'
            )
        try:
            config = _merge(_without_weights(config), settings)
            classifier = _build(config)
        except Exception as error:
            given = ', '.join(f'{setting}={value!r}' for setting, value in settings.items())
            raise UserError(
                f'{full_name} cannot be built{" with " * bool(given)}{given}: {error}'
            ) from error
        _check(classifier, full_name)
        (num_classes,) = {part['num_classes'] for part in _parts_with_classes(config)}
        size = 'img_size' in inspect.signature(type(classifier.backbone).__init__).parameters
        other_size = 'backbone=dict(img_size=...)' if size else ''
        backbone = config['backbone']
        given = settings.get('backbone', {}).get('img_size')
        return Classifier(
            classifier,
            num_classes,
            full_name,
            other_size,
            side(given or _pipeline_size(whole_config)),
            backbone.get('in_channels', backbone.get('in_chans', 3)),
        )


class _LogitsClassifier(ImageClassifier):
    """mmpretrain's classifier as a plain module: images (B, 3, H, W) to logits (B, classes)."""

    def forward(self, images: Tensor) -> Tensor:
        if self.training and getattr(self.head, 'distillation', False):
            raise UserError(
                f"mmpretrain cannot train a {type(self.head).__name__}'s distillation: build it "
                'with head=dict(distillation=False)'
            )
        scores = self.head(self.extract_feat(images))
        # Conformer has two classifiers, whose scores it adds up when it predicts.
        return scores if isinstance(scores, Tensor) else sum(scores)


def _without_weights(config: Any) -> Any:
    """A model config without anything that would fetch pretrained weights."""
    if isinstance(config, list | tuple):
        kept = [_without_weights(entry) for entry in config if not _is_pretrained(entry)]
        return type(config)(kept)
    if not isinstance(config, dict):
        return config
    return {
        key: _without_weights(value)
        for key, value in config.items()
        if key != 'pretrained' and not _is_pretrained(value)
    }


def _is_pretrained(entry: Any) -> bool:
    return isinstance(entry, dict) and entry.get('type') == 'Pretrained'


def _merge(config: dict, settings: Mapping[str, Any]) -> dict:
    """The parts of a model config that make the network, changed by ``settings``."""
    parts = {key: config[key] for key in ('backbone', 'neck', 'head', 'init_cfg') if key in config}
    merged = Config(dict(model=parts))
    merged.merge_from_dict({'model': {k: v for k, v in settings.items() if k != 'num_classes'}})
    if 'num_classes' in settings:
        for part in _parts_with_classes(merged.model):
            part['num_classes'] = settings['num_classes']
    return merged.model.to_dict()


def _build(config: dict) -> ImageClassifier:
    """Build a classifier with fresh weights."""
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        classifier = _LogitsClassifier(**copy.deepcopy(config))
    if not any(parameter.is_meta for parameter in classifier.parameters()):
        with _quiet():
            classifier.init_weights()
    return classifier


def _parts_with_classes(config: dict) -> list[dict]:
    """Where a config has its number of classes: the head, or a backbone that is a classifier."""
    return [config[part] for part in ('head', 'backbone') if 'num_classes' in config[part]]


def _check(classifier: ImageClassifier, full_name: str) -> None:
    """Refuse what is no classifier with one answer of one class."""
    if isinstance(classifier.backbone, ExitBackbone):
        raise UserError(f'{full_name} is one of our configs, not a network of mmpretrain')
    if isinstance(classifier.head, MultiLabelClsHead):
        raise UserError(f'{full_name} gives several labels to an image, static networks give one')


def _pipeline_size(config: Config) -> int | Sequence[int]:
    """The size at which a config's pictures reach its network."""
    for pipeline in ('test_pipeline', 'train_pipeline'):
        for key in ('crop_size', 'scale'):  # pictures are scaled first and cropped then
            sizes = [step[key] for step in config.get(pipeline, ()) if step.get(key)]
            if sizes:
                return sizes[-1]
    return 224


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep mmengine from listing every weight that it has initialised."""
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
