"""`inference_form`: a network as it is quickest once it is trained, with the same answers.

What is worked out once instead of for every image: batch norms go into the convolution or linear
layer beside them; layer norms leave their scale and shift to the next linear layer; X2Z's strided
kernel is made when it is first needed; `merged_attention` says what becomes of the attention.
MSDNet and RANet consist of convolutions each followed by a batch norm and so lose all their norms;
their layers read feature maps that are all kept, and there is nothing else between them to merge.
"""

import copy
import itertools
from collections import Counter

from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck

from .attention import SelfAttentionLayer
from .dyn_perceiver import DynPerceiverBackbone
from .feature_branches.resnet import NarrowProjection
from .folding import (
    can_be_folded,
    fold_into_convolution,
    fold_into_linear,
    fold_into_next,
    is_plain,
    without_affine,
)
from .latent_branch import ImageToLatent, LatentToImage
from .merged_attention import (
    MergedImageToLatent,
    MergedLatentToImage,
    MergedSelfAttentionLayer,
)
from .temporal_shift import TemporalShiftConv2d

_CONVOLUTIONS = (nn.Conv2d, TemporalShiftConv2d, NarrowProjection)


def inference_form(network: nn.Module) -> nn.Module:
    """A copy of a network that gives the same logits, up to rounding, with less work.

    It is in eval mode, cannot be trained, and takes no checkpoints of the network: its weights are
    others. The network itself stays as it is.

    Args:
        network: A `MultiExitNetwork`; modules that are not known stay as they are.
    """
    network = copy.deepcopy(network).eval().requires_grad_(False)
    uses = Counter(id(child) for module in network.modules() for child in module._modules.values())
    for module in list(network.modules()):
        for first, second in _neighbours(module):
            _fold(module, first, second, uses)
    _merge(network)
    return network


def _neighbours(module: nn.Module) -> list[tuple[str, str]]:
    """Names of children whose one output is the other's only input, and is read by nobody else."""
    if isinstance(module, BasicBlock | Bottleneck):
        return [(f'conv{k}', f'bn{k}') for k in (1, 2, 3) if hasattr(module, f'bn{k}')]
    if isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward:
        return list(itertools.pairwise(module._modules))  # named_children() hides repeats
    return []


def _fold(module: nn.Module, first: str, second: str, uses: Counter) -> None:
    """Fold two neighbours into one, if one of them is a norm, and nobody else has either."""
    before, behind = getattr(module, first), getattr(module, second)
    if uses[id(before)] > 1 or uses[id(behind)] > 1:
        return
    if can_be_folded(behind):
        if is_plain(behind, nn.BatchNorm2d) and is_plain(before, *_CONVOLUTIONS):
            fold_into_convolution(before, behind)
        elif is_plain(behind, nn.BatchNorm1d) and is_plain(before, nn.Linear):
            fold_into_linear(before, behind)
        else:
            return
        setattr(module, second, nn.Identity())
    elif can_be_folded(before) and is_plain(behind, nn.Linear):
        fold_into_next(before, behind)
        is_layer_norm = isinstance(before, nn.LayerNorm)
        setattr(module, first, without_affine(before) if is_layer_norm else nn.Identity())


def _merge(module: nn.Module) -> None:
    """Put merged attention layers in the places of the published ones."""
    for name, child in module.named_children():
        match child:
            case MergedImageToLatent():
                pass  # of a network that is in this form already
            case SelfAttentionLayer():
                setattr(module, name, MergedSelfAttentionLayer(child))
            case ImageToLatent():
                setattr(module, name, MergedImageToLatent(child))
            case LatentToImage():
                # Behind the last exit, a classifier reads nothing but the mean.
                is_last = isinstance(module, DynPerceiverBackbone) and name == 'last_z2x'
                pools = is_last and module.out_indices is None
                setattr(module, name, MergedLatentToImage(child, pools))
            case _:
                _merge(child)
