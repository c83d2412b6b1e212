"""How the official Dyn-Perceiver checkpoints name their tensors, and what we call them.

One row per kind of tensor: a pattern over the official key, and our key for its groups. Stages
count from 1 in the official keys and from 0 in ours; `z2x` starts at stage 2.
"""

import re
from collections.abc import Callable

from ..networks import DynPerceiverBackbone

_CROSS_ATTENTION = {
    'cross_attn.q_norm': 'q_norm',
    'cross_attn.kv_norm': 'kv_norm',
    'cross_attn.attention.q_proj': 'attention.q_proj',
    'cross_attn.attention.k_proj': 'attention.k_proj',
    'cross_attn.attention.v_proj': 'attention.v_proj',
    'cross_attn.attention.o_proj': 'attention.out_proj',
    'mlp.layernorm': 'mlp.norm',
    'mlp.fc1': 'mlp.fc1',
    'mlp.fc2': 'mlp.fc2',
}
_SELF_ATTENTION = {
    'self_attn.norm': 'norm',
    **{
        key.replace('cross_attn', 'self_attn'): ours
        for key, ours in _CROSS_ATTENTION.items()
        if 'cross_attn.attention' in key
    },
    'mlp.layernorm': 'mlp.norm',
    'mlp.fc1': 'mlp.fc1',
    'mlp.fc2': 'mlp.fc2',
}


def _inside_layer(parts: dict[str, str], official: str) -> str | None:
    """Our name of a tensor inside an attention layer, None if there is no such tensor."""
    if official == 'cross_attn.attention.relative_position_bias':
        return 'attention.position_bias'
    module, _, leaf = official.rpartition('.')
    return f'{parts[module]}.{leaf}' if module in parts else None


def _cross(prefix: str, official: str) -> str | None:
    ours = _inside_layer(_CROSS_ATTENTION, official)
    return ours and f'{prefix}.cross_attention.{ours}'


def _self(prefix: str, official: str) -> str | None:
    ours = _inside_layer(_SELF_ATTENTION, official)
    return ours and f'{prefix}.{ours}'


_ROWS: list[tuple[str, Callable[..., str | None]]] = [
    (r'latent', lambda: 'backbone.latent'),
    (r'cnn_stem\.(.+)', lambda rest: f'backbone.feature_branch.stem.{rest}'),
    (
        r'cnn_body(?:\.block|_stage)([1-4])\.(.+)',
        lambda stage, rest: f'backbone.feature_branch.stages.{int(stage) - 1}.{rest}',
    ),
    (r'dwc(\d)_x2z\.(.+)', lambda stage, rest: f'backbone.x2z.{int(stage) - 1}.dwconv.{rest}'),
    (
        r'cross_att(\d)_x2z\.(.+)',
        lambda stage, rest: _cross(f'backbone.x2z.{int(stage) - 1}', rest),
    ),
    (
        r'cross_att(\d)_z2x\.(.+)',
        lambda stage, rest: _cross(f'backbone.z2x.{int(stage) - 2}', rest),
    ),
    (r'last_cross_att_z2x\.(.+)', lambda rest: _cross('backbone.last_z2x', rest)),
    (
        r'self_att(\d)\.(\d+)\.(.+)',
        lambda stage, layer, rest: _self(f'backbone.self_attention.{int(stage) - 1}.{layer}', rest),
    ),
    (r'token_mixer\.(\d)\.(.+)', lambda i, rest: f'backbone.mixers.{i}.tokens.{rest}'),
    (r'token_expander\.(\d)\.(.+)', lambda i, rest: f'backbone.mixers.{i}.channels.{rest}'),
    (r'early_classifier3\.(.+)', lambda rest: f'heads.classifiers.early.{rest}'),
    (r'classifier_att\.(.+)', lambda rest: f'heads.classifiers.latent.{rest}'),
    (r'classifier_cnn\.(.+)', lambda rest: f'heads.classifiers.feature.{rest}'),
    (r'classifier_merge\.(.+)', lambda rest: f'heads.classifiers.merged.{rest}'),
    (r'isc3\.(.+)', lambda rest: f'heads.fkt.latent.{rest}'),
    (r'isc4\.(.+)', lambda rest: f'heads.fkt.merged.{rest}'),
]


def our_key(official_key: str, backbone: DynPerceiverBackbone) -> str | None:
    """Our name for a tensor of an official checkpoint, None if it is not one of its tensors.

    The three families differ in nothing but the names of the CNN's stages.

    Example:
        >>> our_key('cross_att2_z2x.mlp.layernorm.weight', backbone)
        'backbone.z2x.0.cross_attention.mlp.norm.weight'
    """
    for pattern, ours in _ROWS:
        match = re.fullmatch(pattern, official_key)
        if match:
            return ours(*match.groups())
    return None
