"""What mmaction2 1.2.0 needs to import and work beside current mmcv and numpy.

Each function is a `Fill` or a `Repair` of `import_hook`. mmaction2 imports decord only inside the
transforms that decode with it, so an absent decord needs no repair.
"""

import functools
from types import ModuleType

from dynp_plugins.errors import UserError

from .import_hook import Execute

# Dropped in numpy 2.0 and still used, inside functions, by the modules named in REPAIRS.
NUMPY1_NAMES = {'Inf': 'inf', 'NAN': 'nan'}


def execute_despite_new_mmcv(module: ModuleType, execute: Execute) -> None:
    """Run ``mmaction/__init__.py``, whose only use of mmcv is to refuse versions >= 2.2.0.

    If it refuses because mmcv is too new, it runs once more and sees the oldest version that it
    accepts; ``mmcv.__version__`` is as before when this returns. Any other refusal stands.
    """
    import mmcv
    from mmengine.utils import digit_version

    installed = mmcv.__version__
    try:
        execute(module)
    except AssertionError:
        maximum = getattr(module, 'mmcv_maximum_version', None)
        if maximum is None or digit_version(installed) < digit_version(maximum):
            raise
        mmcv.__version__ = module.mmcv_minimum_version
        try:
            execute(module)
        finally:
            mmcv.__version__ = installed


def execute_with_numpy1_names(module: ModuleType, execute: Execute) -> None:
    """Run a module, then let its ``np`` have the names that numpy 2 dropped.

    numpy itself stays as it is: the module gets a copy of numpy's namespace.
    """
    execute(module)
    module.np = _numpy_with_old_names()


@functools.cache
def _numpy_with_old_names() -> ModuleType:
    import numpy

    namespace = ModuleType(numpy.__name__, 'numpy, with names that numpy 2 dropped.')
    namespace.__dict__.update(vars(numpy))
    for old, new in NUMPY1_NAMES.items():
        setattr(namespace, old, getattr(numpy, new))
    return namespace


def fill_drn_package(module: ModuleType) -> None:
    """Leave ``mmaction.models.localizers.drn`` empty; the import needs the package only."""


class DRN:
    """Stand-in for a localizer that the mmaction2 wheel lacks; it cannot be instantiated."""

    def __init__(self, *args, **kwargs) -> None:
        raise UserError(
            "The model 'DRN' is not in this mmaction2: it was packaged without "
            'mmaction/models/localizers/drn. To use it, clone the repository '
            'https://github.com/open-mmlab/mmaction2 and install the clone in editable mode, '
            '`pip install --no-deps --editable mmaction2`; a plain installation leaves it out too.'
        )


def fill_drn(module: ModuleType) -> None:
    """Put `DRN` into ``mmaction.models.localizers.drn.drn``.

    It is registered like the real one, so that a config with ``type='DRN'`` gets its message too.
    """
    from mmaction.registry import MODELS

    module.DRN = MODELS.register_module(module=DRN)


STAND_INS = {
    'mmaction.models.localizers.drn': fill_drn_package,
    'mmaction.models.localizers.drn.drn': fill_drn,
}

REPAIRS = {
    'mmaction': execute_despite_new_mmcv,
    'mmaction.datasets.transforms.pose_transforms': execute_with_numpy1_names,
    'mmaction.evaluation.functional.ava_evaluation.metrics': execute_with_numpy1_names,
    'mmaction.utils.misc': execute_with_numpy1_names,
}
