"""A trained classifier with what it was made from: the config, the checkpoint and their hashes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import DefaultScope
from torch import nn
from torch.utils.data import DataLoader

from dynp_plugins.checkpoints import Checkpoint, read_checkpoint
from dynp_plugins.errors import UserError
from dynp_plugins.networks import MultiExitNetwork
from dynp_plugins.openmmlab.checkpoint_files import find_checkpoint, refuse_unpickling
from dynp_plugins.openmmlab.class_names import check_same_classes
from dynp_plugins.openmmlab.classifiers import load_classifier, multi_exit_network
from dynp_plugins.openmmlab.config_files import building_from, load_config, require
from dynp_plugins.openmmlab.training_split import check_held_out

from .provenance import config_sha256
from .run_records import FileRecord
from .split_batches import build_split


@dataclass(frozen=True)
class TrainedModel:
    """A classifier in eval mode with its weights.

    Attributes:
        name: The config's file name without its suffix; models are told apart by it.
        config: With all overrides.
        checkpoint: What was read.
        classifier: What `multi_exit_network` takes, such as an ``mmpretrain.ImageClassifier``.
        config_record: Path and hash of the config.
        checkpoint_record: Path of the checkpoint and hash of its weights.
    """

    name: str
    config: Config
    checkpoint: Checkpoint
    classifier: nn.Module
    config_record: FileRecord
    checkpoint_record: FileRecord

    @property
    def network(self) -> MultiExitNetwork:
        """The plain network inside the classifier; weights are shared."""
        return multi_exit_network(self.classifier)

    def build_splits(self, splits: Sequence[str]) -> dict[str, DataLoader]:
        """Data loaders of the config's splits, in the order of the data.

        Raises:
            UserError: The config has no such split or it cannot be built; its classes are others
                than those of the checkpoint or of another split; the calibration split is cut out
                of the training set otherwise than when the network was trained.
        """
        require(self.config, *(f'{split}_dataloader' for split in splits))
        if 'calibration' in splits:
            check_held_out(self.config, self.checkpoint)
        scope = DefaultScope.overwrite_default_scope(self.config.get('default_scope'))
        with scope, building_from(self.config):
            loaders = {split: build_split(self.config, split) for split in splits}
        check_same_classes(
            {'the checkpoint': self.checkpoint.classes}
            | {
                f'the {split} split': loader.dataset.metainfo.get('classes')
                for split, loader in loaders.items()
            }
        )
        return loaders


def load_trained_model(
    config_path: str | Path,
    checkpoint_path: str | Path,
    device: str = 'cpu',
    options: dict | None = None,
) -> TrainedModel:
    """Read, build and load a model.

    Args:
        config_path: An OpenMMLab config.
        checkpoint_path: A checkpoint file, or a run's work folder.
        device: Where the network is to run.
        options: Overrides of config entries.

    Raises:
        UserError: The config or the checkpoint cannot be read or built, or they do not fit.
    """
    refuse_unpickling()
    config = load_config(config_path, options)
    require(config, 'model')
    checkpoint = read_checkpoint(find_checkpoint(checkpoint_path))
    classifier, weights_sha256 = load_classifier(config, checkpoint)
    return TrainedModel(
        name=Path(config_path).stem,
        config=config,
        checkpoint=checkpoint,
        classifier=classifier.to(device),
        config_record=FileRecord(str(config_path), config_sha256(config)),
        checkpoint_record=FileRecord(str(checkpoint.path), weights_sha256),
    )


def load_trained_models(
    models: Sequence[str], device: str = 'cpu', options: dict | None = None
) -> list[TrainedModel]:
    """The models of a command line, CONFIG CHECKPOINT CONFIG CHECKPOINT ...

    Raises:
        UserError: One is left over, or two models would have the same name; see
            `load_trained_model`.
    """
    if len(models) % 2:
        raise UserError(f'give a checkpoint for every config; {models[-1]} has none')
    names = [Path(config).stem for config in models[::2]]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise UserError(f'two configs are called {twice}; models are told apart by that name')
    return [
        load_trained_model(config, checkpoint, device, options)
        for config, checkpoint in zip(models[::2], models[1::2], strict=True)
    ]
