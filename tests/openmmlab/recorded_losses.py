"""A hook for tests that start training in other processes: it writes down every loss."""

import json
import os
import signal
from pathlib import Path

from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.registry import HOOKS


@HOOKS.register_module(force=True)
class WriteLosses(Hook):
    """Writes each iteration's losses to ``losses_RANK.jsonl`` in the work folder.

    Args:
        kill_before: Before this iteration, end the process at once, as the power going out does.
    """

    def __init__(self, kill_before: int | None = None):
        self.kill_before = kill_before

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == self.kill_before:
            os.kill(os.getpid(), signal.SIGKILL)

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        losses = {name: value.item() for name, value in outputs.items()}
        with open(Path(runner.work_dir) / f'losses_{get_rank()}.jsonl', 'a') as file:
            file.write(json.dumps([runner.iter, losses]) + '\n')


def read_losses(work_dir, rank: int = 0) -> dict[int, dict[str, float]]:
    """What one process wrote, by iteration; an iteration that was run again counts as last run."""
    lines = (Path(work_dir) / f'losses_{rank}.jsonl').read_text().splitlines()
    return dict(json.loads(line) for line in lines)
