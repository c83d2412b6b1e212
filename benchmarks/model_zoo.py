"""The networks of the model index: what its metafiles say of each config, and what it costs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dynp_plugins.errors import UserError
from dynp_plugins.openmmlab.classifiers import build_classifier, multi_exit_network
from dynp_plugins.openmmlab.config_files import load_config
from dynp_plugins.openmmlab.detectors import build_detector, is_detection_config

from .detection.part_costs import DetectorCosts, detector_costs
from .input_shapes import config_input_shape
from .network_costs import NetworkCosts, network_costs

TOP1 = 'Top 1 Accuracy'
BOX_AP = 'box AP'
IMAGE_TASK = 'Image Classification'
VIDEO_TASK = 'Action Recognition'
DETECTION_TASK = 'Object Detection'

Costs = NetworkCosts | DetectorCosts


@dataclass(frozen=True)
class ZooModel:
    """What a metafile says of one config.

    Attributes:
        name: What mmpretrain finds it by.
        config: Path of the config.
        task: `IMAGE_TASK`, `VIDEO_TASK` or `DETECTION_TASK`, by which OpenMMLab's packages know
            what to do with it.
        dataset: The data set it is trained for.
        macs: Multiply-adds up to the last exit, or of the whole detector (OpenMMLab's "FLOPs").
        parameters: Parameters of the whole network.
        published_top1: Published accuracy in percent, as it is written, by exit, ``''`` being the
            last one; empty where none is known.
        published_ap: Published average precision of a detector in percent, as it is written, by
            size of the boxes, ``''`` being all; empty where none is known.
        source: Where they were published; ``''`` where there are none.
        image_size: Height and width of the image for which a detector is counted; None for others,
            whose test pipeline says it.
    """

    name: str
    config: Path
    task: str
    dataset: str
    macs: int
    parameters: int
    published_top1: Mapping[str, str]
    published_ap: Mapping[str, str]
    source: str
    image_size: tuple[int, int] | None


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
            'one entry in Results with Task, Dataset and Metrics; a detector also Image Size: '
            f'HEIGHTxWIDTH in Metadata ({error!r})'
        ) from error


def _read_model(model: Mapping[str, Any], repository: Path) -> ZooModel:
    (result,) = model['Results']
    metadata = model['Metadata']
    image_size = None
    if result['Task'] == DETECTION_TASK:
        height, width = map(int, metadata['Image Size'].split('x'))
        image_size = height, width
    return ZooModel(
        name=model['Name'],
        config=repository / model['Config'],
        task=result['Task'],
        dataset=result['Dataset'],
        macs=int(metadata['FLOPs']),
        parameters=int(metadata['Parameters']),
        published_top1=_published(result['Metrics'], TOP1),
        published_ap=_published(result['Metrics'], BOX_AP),
        source=result.get('Source', ''),
        image_size=image_size,
    )


def _published(metrics: Mapping[str, str], wanted: str) -> dict[str, str]:
    """By what stands in parentheses behind the name of a metric; ``''`` where nothing does."""
    found = {}
    for metric, value in metrics.items():
        name, _, rest = metric.partition(' (')
        if name == wanted:
            found[rest.removesuffix(')')] = value
    return found


def count_costs(config: str | Path, image_size: tuple[int, int] | None = None) -> Costs:
    """What a config's network costs on a sample of the shape that its test pipeline makes.

    Args:
        config: The file.
        image_size: Height and width of the image for a detector, whose test images differ in size.

    Raises:
        UserError: The config cannot be read or its network cannot be built or counted, or it is one
            of a detector and there is no size.
    """
    loaded = load_config(config)
    if not is_detection_config(loaded):
        network = multi_exit_network(build_classifier(loaded))
        return network_costs(network, config_input_shape(loaded))
    if image_size is None:
        raise UserError(
            f'{config} describes a detector: say for which Task: {DETECTION_TASK} and Image Size: '
            'HEIGHTxWIDTH it is counted, in the metafile beside it'
        )
    return detector_costs(build_detector(loaded), image_size)


def task_of(costs: Costs) -> str:
    """What a network of these costs is for."""
    if isinstance(costs, DetectorCosts):
        return DETECTION_TASK
    return VIDEO_TASK if len(costs.input_shape) == 4 else IMAGE_TASK


def total_macs(costs: Costs) -> int:
    """Multiply-adds up to the last exit, or of the whole detector."""
    return costs.total.macs if isinstance(costs, DetectorCosts) else costs.exits[-1].macs
