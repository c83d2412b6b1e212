"""Our configs among the models that mmpretrain finds by name: `list_models`, `get_model`, ..."""

import logging
from pathlib import Path

from mmpretrain.apis.model import ModelHub

REPOSITORY = Path(__file__).parents[2]
_logger = logging.getLogger(__name__)


def register_configs(repository: Path = REPOSITORY) -> None:
    """Make mmpretrain know the models in the repository's ``model-index.yml``.

    An installed package has no configs; then nothing is registered.

    Args:
        repository: Where ``model-index.yml`` and ``configs/`` lie.

    Raises:
        ValueError: A name is taken; names are registered once per process.
    """
    index = repository / 'model-index.yml'
    # Installed, the folder above this package is shared with all others.
    if not index.is_file() or not (repository / 'configs' / 'classification').is_dir():
        _logger.debug('no configs beside this package, so mmpretrain is told of none')
        return
    ModelHub.register_model_index(index, config_prefix=repository)
