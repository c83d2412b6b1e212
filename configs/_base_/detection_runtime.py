"""What every detection config shares: `default_runtime`, in the scope of mmdet."""

_base_ = './default_runtime.py'

default_scope = 'mmdet'
default_hooks = dict(anchor_count=dict(type='SharedAnchorCountHook'))
visualizer = dict(type='mmdet.DetLocalVisualizer')
