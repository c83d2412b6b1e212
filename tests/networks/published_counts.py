"""What the counter of the MSDNet and RANet authors counts, worked out for our modules."""

import torch
from torch import nn


@torch.no_grad()
def counts(network, size):
    """(multiply-adds, what the published counter adds) up to each exit.

    The published counter (op_counter.py of MSDNet-PyTorch, which RANet uses too) goes by module: a
    convolution counts without its bias, a linear layer with it; a ReLU counts one operation for
    each element, a pooling layer k * k for each element it returns; norms, concatenations and
    resizes count nothing.
    """
    total, added, by_exit = 0, 0, []

    def count(module, _, output):
        nonlocal total, added
        if isinstance(module, nn.Conv2d):
            total += output.numel() * module.weight[0].numel()
        elif isinstance(module, nn.Linear):
            total += module.weight.numel()
            added += module.bias.numel()
        elif isinstance(module, nn.ReLU):
            added += output.numel()
        elif isinstance(module, nn.MaxPool2d | nn.AvgPool2d):
            added += output.numel() * module.kernel_size**2

    hooks = [module.register_forward_hook(count) for module in network.modules()]
    device = next(network.parameters()).device
    state = network.start(torch.zeros(1, 3, size, size, device=device))
    for k in range(len(network.exit_names)):
        state, _ = network.step(k, state, [])
        by_exit.append((total, added))
    for hook in hooks:
        hook.remove()
    return by_exit
