"""The networks of the model index: what its metafiles say of each config, and what it costs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dynp_plugins.errors import UserError
from dynp_plugins.openmmlab.classifiers import build_classifier, multi_exit_network
from dynp_plugins.openmmlab.config_files import load_config

from .input_shapes import config_input_shape
from .network_costs import NetworkCosts, network_costs

TOP1 = 'Top 1 Accuracy'
IMAGE_TASK = 'Image Classification'
VIDEO_TASK = 'Action Recognition'


@dataclass(frozen=True)
class ZooModel:
    """What a metafile says of one config.

    Attributes:
        name: What mmpretrain finds it by.
        config: Path of the config.
        task: `IMAGE_TASK` or `VIDEO_TASK`, by which OpenMMLab's packages know what to do with it.
        dataset: The data set it is trained for.
        macs: Multiply-adds up to the last exit (mmpretrain's "FLOPs").
        parameters: Parameters of the whole network.
        published_top1: Published accuracy in percent, as it is written, by exit, ``''`` being the
            last one; empty where none is known.
        source: Where the accuracies were published; ``''`` where there are none.
    """

    name: str
    config: Path
    task: str
    dataset: str
    macs: int
    parameters: int
    published_top1: Mapping[str, str]
    source: str


def list_metafiles(repository: Path) -> list[Path]:
    """The metafiles that ``model-index.yml`` imports, in its order."""
    index = yaml.safe_load((repository / 'model-index.yml').read_text(encoding='utf-8'))
    return [repository / name for name in index['Import']]


def read_metafile(metafile: Path, repository: Path) -> list[ZooModel]:
    """The models of a metafile, in its order.

    Raises:
        UserError: A model lacks what the tables need.
    """
    # Numbers stay text: 77.70 was published with two decimals.
    models = yaml.load(metafile.read_text(encoding='utf-8'), yaml.BaseLoader)['Models']
    try:
        return [_read_model(model, repository) for model in models]
    except (KeyError, ValueError, AttributeError) as error:
        raise UserError(
            f'{metafile}: every model needs Name, Config, Metadata with FLOPs and Parameters, and '
            f'one entry in Results with Task, Dataset and Metrics ({error!r})'
        ) from error


def _read_model(model: Mapping[str, Any], repository: Path) -> ZooModel:
    (result,) = model['Results']
    top1 = {}
    for metric, value in result['Metrics'].items():
        name, _, rest = metric.partition(' (')
        if name == TOP1:
            top1[rest.removesuffix(')')] = value
    return ZooModel(
        name=model['Name'],
        config=repository / model['Config'],
        task=result['Task'],
        dataset=result['Dataset'],
        macs=int(model['Metadata']['FLOPs']),
        parameters=int(model['Metadata']['Parameters']),
        published_top1=top1,
        source=result.get('Source', ''),
    )


def count_costs(config: str | Path) -> NetworkCosts:
    """What a config's network costs on a sample of the shape that its test pipeline makes.

    Raises:
        UserError: The config cannot be read or its network cannot be built or counted.
    """
    loaded = load_config(config)
    return network_costs(multi_exit_network(build_classifier(loaded)), config_input_shape(loaded))
