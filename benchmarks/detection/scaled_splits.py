"""A detector's calibration and test data at one scale after another, read once."""

import copy
from collections.abc import Iterator
from typing import Any

from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import DefaultScope
from torch.utils.data import DataLoader

from dynp_plugins.dataset_wrappers import datasets_in
from dynp_plugins.inference.input_scale import Scale
from dynp_plugins.openmmlab.config_files import building_from

from ..trained_model import TrainedDetector
from .scales import SPLITS, pipelines, with_scale


class ScaledSplits:
    """Data loaders of a detector at any scale.

    Reading a json and looking at all its entries can take longer than a pass at a small scale.
    Between scales only the pipelines change.

    Args:
        model: Its config has the splits.
    """

    def __init__(self, model: TrainedDetector):
        self._model = model
        self._loaders: dict[str, DataLoader] = {}

    def at(self, scale: Scale) -> dict[str, DataLoader]:
        """The loaders by split; they are the same ones at every scale, so use one at a time.

        Raises:
            UserError: A split cannot be built, see `Trained.build_splits`, or takes no such scale.
        """
        config = with_scale(self._model.config, scale)
        places = [place for split in self._loaders for place in self._places(config, split)]
        if not places or None in places:
            self._loaders = self._model.build_splits(SPLITS, _workers_end(config))
            return self._loaders
        scope = DefaultScope.overwrite_default_scope(config.get('default_scope'))
        with scope, building_from(config):
            for dataset, pipeline in places:
                dataset.pipeline = Compose(pipeline)
        return self._loaders

    def _places(self, config: Config, split: str) -> Iterator[tuple[Any, list] | None]:
        """Every built data set with its new pipeline; None if they are not as the config has them.

        Then a data set of somebody else's makes its pipeline, or what is in it, by itself.
        """
        built, new = list(_with_pipelines(self._loaders[split].dataset)), pipelines(config, split)
        new = list(new)
        if [len(one.pipeline.transforms) for one in built] == [len(steps) for steps in new]:
            yield from zip(built, new, strict=True)
        else:
            yield None


def _workers_end(config: Config) -> Config:
    """Workers that outlive a pass would go on with the pipeline they have."""
    config = copy.deepcopy(config)
    for split in SPLITS:
        config[f'{split}_dataloader']['persistent_workers'] = False
    return config


def _with_pipelines(dataset: Any) -> Iterator[Any]:
    """Every built data set that has a pipeline, in the order of `scales.pipelines`."""
    for one in datasets_in(dataset):
        if isinstance(getattr(one, 'pipeline', None), Compose):
            yield one
