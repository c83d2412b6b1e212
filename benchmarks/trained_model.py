"""A trained model with what it was made from: the config, the checkpoint and their hashes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import DefaultScope
from torch import nn
from torch.utils.data import DataLoader

from dynp_plugins.checkpoints import Checkpoint, read_checkpoint
from dynp_plugins.dataset_wrappers import reading_entries
from dynp_plugins.errors import UserError
from dynp_plugins.networks import MultiExitNetwork
from dynp_plugins.openmmlab.checkpoint_files import find_checkpoint, refuse_unpickling
from dynp_plugins.openmmlab.class_names import check_same_classes
from dynp_plugins.openmmlab.classifiers import load_classifier, multi_exit_network
from dynp_plugins.openmmlab.config_files import building_from, load_config, require
from dynp_plugins.openmmlab.detectors import is_detection_config, load_detector
from dynp_plugins.openmmlab.training_split import check_held_out

from .provenance import config_sha256
from .run_records import FileRecord, TrainingRecord
from .split_batches import build_split


@dataclass(frozen=True)
class Trained:
    """A model in eval mode with its weights, and what it was made from.

    Attributes:
        name: The config's file name without its suffix; models are told apart by it.
        config: With all overrides.
        checkpoint: What was read.
        module: The OpenMMLab model.
        config_record: Path and hash of the config.
        checkpoint_record: Path of the checkpoint and hash of its weights.
    """

    name: str
    config: Config
    checkpoint: Checkpoint
    module: nn.Module
    config_record: FileRecord
    checkpoint_record: FileRecord

    @property
    def weights(self) -> str:
        """``ema`` (moving average of the weights) or ``raw``."""
        return 'ema' if self.checkpoint.has_ema else 'raw'

    @property
    def dataset(self) -> str:
        """What the model is tested on."""
        return _dataset_name(self.config.test_dataloader.dataset)

    @property
    def training(self) -> TrainingRecord | None:
        """How it was trained, as far as checkpoint and config say; None without a recipe."""
        loader, wrapper = (self.config.get(key) for key in ('train_dataloader', 'optim_wrapper'))
        if loader is None or wrapper is None:
            return None
        epochs = self.checkpoint.meta.get('epoch')
        return TrainingRecord(
            dataset=_dataset_name(loader.dataset),
            epochs=epochs if isinstance(epochs, int) else None,
            optimizer=wrapper.optimizer.type,
            learning_rate=float(wrapper.optimizer.lr),
            batch_size=loader.batch_size,
        )

    def require_splits(self, what: str) -> None:
        """Check that the config has a test split and one to choose on.

        Args:
            what: What is chosen, for the message, such as ``thresholds``.

        Raises:
            UserError: It lacks one.
        """
        require(self.config, 'test_dataloader')
        if self.config.get('calibration_dataloader') is None:
            raise UserError(
                f'config {self.config.filename} declares no calibration split, and {what} are '
                'never chosen on the test split: add calibration_dataloader = dict(...), for '
                "example cut out of the training set with dataset=dict(type='HeldOut', "
                "part='held_out', size=0.1, ...)"
            )

    def build_splits(
        self, splits: Sequence[str], config: Config | None = None
    ) -> dict[str, DataLoader]:
        """Data loaders of the config's splits, in the order of the data.

        Args:
            splits: Such as ``calibration`` and ``test``.
            config: The model's own with other pipelines.

        Raises:
            UserError: The config has no such split or it cannot be built; its classes are others
                than those of the checkpoint or of another split; the calibration split is cut out
                of the training set otherwise than when the network was trained.
        """
        config = config or self.config
        require(config, *(f'{split}_dataloader' for split in splits))
        if 'calibration' in splits:
            check_held_out(config, self.checkpoint)
        scope = DefaultScope.overwrite_default_scope(config.get('default_scope'))
        with scope, building_from(config):
            loaders = {split: build_split(config, split) for split in splits}
        check_same_classes(
            {'the checkpoint': self.checkpoint.classes}
            | {
                f'the {split} split': loader.dataset.metainfo.get('classes')
                for split, loader in loaders.items()
            }
        )
        return loaders


@dataclass(frozen=True)
class TrainedModel(Trained):
    """A classifier of pictures or videos."""

    @property
    def classifier(self) -> nn.Module:
        """What `multi_exit_network` takes, such as an ``mmpretrain.ImageClassifier``."""
        return self.module

    @property
    def network(self) -> MultiExitNetwork:
        """The plain network inside the classifier; weights are shared."""
        return multi_exit_network(self.module)


@dataclass(frozen=True)
class TrainedDetector(Trained):
    """A detector of mmdet."""

    @property
    def detector(self) -> nn.Module:
        """Such as an ``mmdet.RetinaNet``."""
        return self.module


def load_trained_model(
    config_path: str | Path,
    checkpoint_path: str | Path,
    device: str = 'cpu',
    options: dict | None = None,
) -> TrainedModel | TrainedDetector:
    """Read, build and load a model; what the config describes decides which kind.

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
    detects = is_detection_config(config)
    module, weights_sha256 = (load_detector if detects else load_classifier)(config, checkpoint)
    return (TrainedDetector if detects else TrainedModel)(
        name=Path(config_path).stem,
        config=config,
        checkpoint=checkpoint,
        module=module.to(device),
        config_record=FileRecord(str(config_path), config_sha256(config)),
        checkpoint_record=FileRecord(str(checkpoint.path), weights_sha256),
    )


def load_trained_models(
    models: Sequence[str], device: str = 'cpu', options: dict | None = None
) -> list[TrainedModel | TrainedDetector]:
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


def classifiers_and_detectors(
    models: Sequence[TrainedModel | TrainedDetector],
) -> tuple[list[TrainedModel], list[TrainedDetector]]:
    """The models by kind, each in the order they were given."""
    kinds = (TrainedModel, TrainedDetector)
    classifiers, detectors = ([m for m in models if isinstance(m, kind)] for kind in kinds)
    return classifiers, detectors


def _dataset_name(dataset: dict) -> str:
    """The innermost dataset's type, and its folder where it has one; of all that are joined."""
    entries = reading_entries(dataset)
    names = (f'{entry["type"]} {entry.get("data_root") or ""}'.strip() for entry in entries)
    return ' + '.join(dict.fromkeys(names))
