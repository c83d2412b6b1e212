"""`create_model`: networks by name, in plain torch, optionally with weights."""

from pathlib import Path
from typing import Any

from .checkpoints import load_weights, read_checkpoint
from .networks import MultiExitNetwork, build_network
from .networks.static import StaticLibrary, add_static_library


def _mmpretrain() -> StaticLibrary:
    from .openmmlab.static_networks import MMPretrainLibrary

    return MMPretrainLibrary()


# Here, because networks/ knows no OpenMMLab package, and imported only when a name asks for it.
add_static_library('mmpretrain', _mmpretrain)


def create_model(
    name: str, checkpoint: str | Path | None = None, **overrides: Any
) -> MultiExitNetwork:
    """Build the network called ``name``.

    Args:
        name: One of `list_models`, or ``static:LIBRARY/NAME`` for any classifier of torchvision,
            timm or mmpretrain as a network with one exit, called ``final``.
        checkpoint: Weights to load: what ``tools/convert_checkpoint.py`` wrote, or a checkpoint
            trained with this project's configs.
        **overrides: Settings other than the named ones, e.g. ``num_classes=10``,
            ``num_latents=128``, ``depth_factor=(1, 1, 1, 2)``. A static network takes
            ``num_classes`` and what its library's own builder takes.

    Returns:
        The network in training mode, as torch builds it. ``network(images)`` gives the tuple of
        logits of all exits; ``start`` and ``step`` run exit by exit.

    Raises:
        UserError: Unknown name or setting; a checkpoint that cannot be read or does not fit.

    Example:
        >>> import dynp_plugins
        >>> network = dynp_plugins.create_model(
        ...     'dyn_perceiver_regnety_800mf', num_latents=128, depth_factor=(1, 1, 1, 2))
        >>> network.exit_names
        ('early', 'latent', 'feature', 'merged')
    """
    network = build_network(name, **overrides)
    if checkpoint is not None:
        weights = read_checkpoint(checkpoint)
        load_weights(network, weights.state_dict, source=str(checkpoint))
    return network
