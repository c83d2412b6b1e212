"""The same networks inside OpenMMLab; importing this registers them in mmengine's root registry.

A config needs ``custom_imports = dict(imports=['dynp_plugins.openmmlab'])`` and nothing else.
"""

from . import compat

compat.apply()  # before mmdet or mmaction can be imported

from . import backbones, datasets, heads, hooks, losses, metrics, optim  # noqa: E402

__all__ = ['backbones', 'compat', 'datasets', 'heads', 'hooks', 'losses', 'metrics', 'optim']
