"""A small network with pictures that it answers differently, and an exit table of them."""

import numpy as np
import torch
from PIL import Image

from dynp_plugins import create_model
from dynp_plugins.checkpoints.hashing import weights_sha256
from dynp_plugins.checkpoints.loading import to_classifier_keys
from dynp_plugins.early_exit import ExitTableBuilder

NAME = 'dyn_perceiver_regnety_tiny'
EXITS = ('early', 'latent', 'feature', 'merged')
GMACS = [0.01, 0.02, 0.03, 0.04]


def make_pictures(count, height=64, width=64, seed=0):
    """(H, W, 3) pictures of a few large squares, which resizing does not average away."""
    random = np.random.default_rng(seed)
    side = 16
    shape = (count, -(-height // side), -(-width // side), 3)
    squares = random.integers(0, 256, shape, np.uint8)
    return list(squares.repeat(side, 1).repeat(side, 2)[:, :height, :width])


def make_network(classes=5):
    """A tiny Dyn-Perceiver in eval mode whose exits are sure of some random pictures."""
    torch.manual_seed(0)
    network = create_model(NAME, num_classes=classes)
    pictures = torch.from_numpy(np.stack(make_pictures(32, seed=1)))
    images = (pictures.permute(0, 3, 1, 2) / 255 - 0.45) / 0.225
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                module.momentum = 1.0
        network(images)
        network.eval()
        for k, name in enumerate(EXITS):  # no class is preferred, and some pictures are certain
            layer = last_linear(network.heads.classifiers[name])
            layer.weight.mul_(2 / network(images)[k].std(0).mean())
            layer.bias.sub_(network(images)[k].mean(0))
    return network


def last_linear(module):
    return [layer for layer in module.modules() if isinstance(layer, torch.nn.Linear)][-1]


def save_checkpoint(network, path, **meta):
    torch.save({'state_dict': network.state_dict(), 'meta': meta}, path)
    return path


def save_pictures(folder, pictures, suffix='.png'):
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f'{index:02d}{suffix}' for index in range(len(pictures))]
    for path, pixels in zip(paths, pictures, strict=True):
        Image.fromarray(pixels).save(path)
    return [str(path) for path in paths]


def exit_table(network, images, **manifest):
    """The exit table of images (N, 3, H, W) as `tools/budget_curve.py` leaves it."""
    with torch.no_grad():
        logits = network(images)
    builder = ExitTableBuilder()
    labels = logits[-1].argmax(1)
    builder.add(logits, labels, [bytes(16)] * len(images), [''] * len(images))
    entries = {
        'split': 'calibration',
        'exit_names': list(network.exit_names),
        'classes': logits[0].shape[1],
        'input_shape': list(images.shape[1:]),
        'index_sha256': '0' * 64,
        'model': NAME,
        'weights_sha256': weights_sha256(to_classifier_keys(network.state_dict())),
        'exit_gmacs': GMACS,
    }
    return builder.build(**entries | manifest)
