"""What happens between a Runner that is built and its first iteration."""

from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.evaluator import Evaluator
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from torch import nn

from ..checkpoints import check_weights, parse_checkpoint
from ..checkpoints.loading import to_classifier_keys
from .checkpoint_files import delete_checkpoints
from .class_names import check_same_classes
from .detector_fit import check_strides_fit
from .detectors import is_detector


class RunStart(Hook):
    """Loads weights strictly, and deletes an older run only when the new one is about to train.

    Attributes:
        running: Whether everything has been built and the first epoch begins.
    """

    priority = 'VERY_HIGH'

    def __init__(self, delete_older_run: bool = False):
        self.delete_older_run = delete_older_run
        self.running = False
        self._trained_classes = None

    def before_run(self, runner) -> None:
        """The model is built, and has fresh weights.

        Raises:
            UserError: The heads of a detector were told other strides than their maps have.
        """
        model = unwrapped(runner.model)
        if is_detector(model):
            check_strides_fit(model, runner.cfg)

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Check the weights that mmengine has read and is about to load, whatever their naming.

        Raises:
            UserError: A key is missing, unknown or of another shape.
        """
        source = runner._load_from  # mmengine hands over the content without its path
        parsed = parse_checkpoint(checkpoint, source)
        weights = to_classifier_keys(parsed.state_dict)
        check_weights(unwrapped(runner.model).state_dict(), weights, source)
        checkpoint['state_dict'] = weights
        self._trained_classes = parsed.classes

    def before_train(self, runner) -> None:
        """The last moment before the first epoch."""
        if self.delete_older_run and is_main_process():
            delete_checkpoints(runner.work_dir)
        self.running = True

    def before_val(self, runner) -> None:
        """Before each validation."""
        _collect_in(runner.val_loop.evaluator, runner.work_dir)

    def before_test(self, runner) -> None:
        """The last moment before the test epoch.

        Raises:
            UserError: The test split numbers the classes otherwise than the training set did.
        """
        test_classes = runner.test_loop.dataloader.dataset.metainfo.get('classes')
        check_same_classes(
            {'the checkpoint': self._trained_classes, 'the test split': test_classes}
        )
        _collect_in(runner.test_loop.evaluator, runner.work_dir)
        self.running = True


def _collect_in(evaluator: Evaluator, work_dir: str) -> None:
    """Let processes exchange results in the work folder; mmengine litters the current one."""
    for metric in evaluator.metrics:
        if metric.collect_device == 'cpu' and metric.collect_dir is None:
            metric.collect_dir = str(Path(work_dir) / 'collected_results')


def unwrapped(model: nn.Module) -> nn.Module:
    """The model itself, without the wrapper of distributed training."""
    return model.module if is_model_wrapper(model) else model
