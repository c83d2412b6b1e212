"""The same networks inside OpenMMLab; importing this registers them in mmengine's root registry.

A config needs ``custom_imports = dict(imports=['dynp_plugins.openmmlab'])`` and nothing else.
"""

from . import compat

compat.apply()  # before mmdet or mmaction can be imported

from . import (  # noqa: E402
    anchor_counts,
    backbones,
    batch_samplers,
    compiled_training,
    cpu_training,
    datasets,
    heads,
    hooks,
    losses,
    metrics,
    mixed_precision,
    model_index,
    optim,
    policy_metric,
    static_networks,
    video_heads,
)

__all__ = [
    'anchor_counts',
    'backbones',
    'batch_samplers',
    'compat',
    'compiled_training',
    'cpu_training',
    'datasets',
    'heads',
    'hooks',
    'losses',
    'metrics',
    'mixed_precision',
    'model_index',
    'optim',
    'policy_metric',
    'static_networks',
    'video_heads',
]

model_index.register_configs()
