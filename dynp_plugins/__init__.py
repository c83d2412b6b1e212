"""Early-exit vision networks, measured honestly.

>>> import dynp_plugins
>>> network = dynp_plugins.create_model('dyn_perceiver_regnety_400mf', num_classes=10)

gives a network in plain torch, and

>>> inferencer = dynp_plugins.DynamicInferencer('config.py', 'work_dirs/run', 'policy.json')
>>> inferencer('bird.jpg')[0]['exit_name']

answers pictures with a trained one. `DetectionInferencer` says what is where in them, with a
trained detector. ``import dynp_plugins.openmmlab`` registers the same networks in the OpenMMLab
registries.
"""

from .errors import UserError
from .inference import DetectionInferencer, DynamicInferencer
from .model_zoo import create_model
from .networks import list_models

__all__ = ['DetectionInferencer', 'DynamicInferencer', 'UserError', 'create_model', 'list_models']
__version__ = '0.1.0'
