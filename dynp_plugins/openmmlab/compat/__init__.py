"""Makes the installed OpenMMLab stack whole at import time, without editing an installed file.

What is repaired, and where:

- `mmcv_ext`: mmcv without its compiled module ``mmcv._ext`` gets the ops that mmdet's shipped
  RetinaNet, FCOS and Faster R-CNN configs call; any other op, when called, names itself and the way
  out.
- `mmaction2`: mmaction2 1.2.0 refuses mmcv >= 2.2.0, its wheel lacks ``models/localizers/drn``, and
  it uses two names that numpy 2 dropped.
- `onedl`: mmpretrain and mmdet print that they cannot import OneDL, which is optional.

Nothing is imported before the module that it repairs, and what the installed packages bring
themselves always wins: with compiled mmcv, or a mmaction2 that is whole, nothing here has effect.
"""

import sys
from types import ModuleType

from . import mmaction2, onedl
from .import_hook import CompatFinder


def apply() -> None:
    """Repair every affected import from now on. Call it before mmdet or mmaction is imported.

    Calling it again changes nothing.
    """
    if any(isinstance(finder, CompatFinder) for finder in sys.meta_path):
        return
    finder = CompatFinder(
        stand_ins={'mmcv._ext': _fill_mmcv_ext, **mmaction2.STAND_INS},
        repairs={**mmaction2.REPAIRS, **onedl.REPAIRS},
    )
    sys.meta_path.insert(0, finder)


def _fill_mmcv_ext(module: ModuleType) -> None:
    from . import mmcv_ext  # imports torch and torchvision, so not before it is needed

    mmcv_ext.fill(module)
