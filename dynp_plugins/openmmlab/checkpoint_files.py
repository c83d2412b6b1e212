"""Finding checkpoints of a run, and keeping mmengine from unpickling foreign objects."""

import os
from pathlib import Path

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


def clear_work_dir(work_dir: str | Path, overwrite: bool) -> None:
    """Make sure that a new run does not mix with an older one's checkpoints.

    Args:
        work_dir: Folder of the new run; need not exist.
        overwrite: Delete what is there instead of refusing. Logs and other files stay.

    Raises:
        UserError: The folder holds checkpoints and ``overwrite`` is not set.
    """
    found = sorted(Path(work_dir).glob('*.pth'))
    if not found:
        return
    if not overwrite:
        raise UserError(
            f'{work_dir} already holds {found[-1].name} of another run: continue that run with '
            '--resume, replace it with --overwrite, or choose another --work-dir'
        )
    (Path(work_dir) / 'last_checkpoint').unlink(missing_ok=True)
    for path in found:
        path.unlink()
