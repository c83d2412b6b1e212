"""Finding checkpoints of a run, and keeping mmengine from unpickling foreign objects."""

import os
from pathlib import Path

from ..checkpoints import load_checkpoint_file
from ..errors import UserError


def refuse_unpickling() -> None:
    """Make every `torch.load` of this process, and of its children, accept plain weights only.

    mmengine falls back to full unpickling, which can run code, when safe loading fails; torch
    offers this environment variable to forbid that.
    """
    os.environ['TORCH_FORCE_WEIGHTS_ONLY_LOAD'] = '1'


def find_checkpoint(path: str | Path) -> Path:
    """A checkpoint file itself, or the last one a run wrote if ``path`` is its work folder.

    Raises:
        UserError: There is no such file, or the folder holds no checkpoint.
    """
    path = Path(path)
    if path.is_dir():
        marker = path / 'last_checkpoint'
        if not marker.is_file():
            raise UserError(f'no training run has written a checkpoint to {path} yet')
        named = Path(marker.read_text().strip())
        here = path / named.name  # the folder may have been moved since
        path = here if here.is_file() else named
    if not path.is_file():
        raise UserError(f'no checkpoint at {path}')
    return path


def check_work_dir(work_dir: str | Path, overwrite: bool) -> None:
    """Make sure that a new run does not mix with an older one's checkpoints.

    Args:
        work_dir: Folder of the new run; need not exist.
        overwrite: Whether an older run may be replaced.

    Raises:
        UserError: ``work_dir`` is a file, or holds checkpoints and ``overwrite`` is not set.
    """
    work_dir = Path(work_dir)
    if work_dir.exists() and not work_dir.is_dir():
        raise UserError(f'--work-dir {work_dir} is a file; name a folder')
    found = sorted(work_dir.glob('*.pth'))
    if found and not overwrite:
        raise UserError(
            f'{work_dir} already holds {found[-1].name} of another run: continue that run with '
            '--resume, replace it with --overwrite, or choose another --work-dir'
        )


def delete_checkpoints(work_dir: str | Path) -> None:
    """Delete a run's checkpoints. Logs and other files stay."""
    for path in (Path(work_dir) / 'last_checkpoint', *Path(work_dir).glob('*.pth')):
        path.unlink(missing_ok=True)


def check_resumable(path: str | Path) -> None:
    """Make sure that a checkpoint holds a training state, not weights alone.

    Raises:
        UserError: It cannot be read, or training cannot continue from it.
    """
    content = load_checkpoint_file(path)
    missing = [key for key in ('state_dict', 'meta', 'optimizer') if key not in content]
    if missing:
        raise UserError(
            f'{path} holds no training state ({", ".join(missing)} missing), so that training '
            'cannot be resumed from it; to start from its weights, use --cfg-options '
            f'load_from={path}'
        )
