"""Backbone MACs at 1280 x 800 against the paper's (arXiv 2306.11248, COCO, RetinaNet)."""

import functools

import pytest
import torch

from benchmarks.macs import count_macs, multiply_adds
from dynp_plugins.networks import DynPerceiverBackbone

HEIGHT, WIDTH = 800, 1280
MAPS = dict(out_indices=(0, 1, 2, 3))
# What the paper counts, as fvcore does, with normalisation; the settings of the latent branch are
# those of the released RegNet-Y-800MF.
PUBLISHED = {
    33.4: dict(arch='regnety_1.6gf', with_latent=False),
    66.0: dict(arch='regnety_3.2gf', with_latent=False),
    38.1: dict(arch='regnety_1.6gf', num_latents=128, depth_factor=(1, 1, 1, 2)),
}


@torch.no_grad()
def counts(backbone, height, width):
    """MACs, and with what fvcore counts of normalisation."""
    by_operator = count_macs(backbone, torch.zeros(1, 3, height, width))
    return multiply_adds(by_operator), by_operator.total()


@functools.cache
def extrapolated(gmacs):
    """The counts at 1280 x 800 from those of two small images.

    All sides are multiples of the largest stride, so that everything grows with the pixels, or is
    as large for any image: the latent branch, and the squeeze-and-excitation of the CNN.
    """
    backbone = DynPerceiverBackbone(**PUBLISHED[gmacs], **MAPS).eval()
    small, large = counts(backbone, 32, 32), counts(backbone, 64, 32)
    pixels = HEIGHT * WIDTH // 1024 - 1
    return tuple(a + (b - a) * pixels for a, b in zip(small, large, strict=True))


@pytest.mark.parametrize('gmacs', PUBLISHED)
def test_backbones_cost_what_was_published(gmacs):
    macs, with_norms = extrapolated(gmacs)
    assert with_norms / 1e9 == pytest.approx(gmacs, rel=0.012)
    assert macs < with_norms
    assert macs / 1e9 == pytest.approx(gmacs, rel=0.03)


def test_latent_branch_costs_what_was_published():
    """The difference to the plain CNN; with 256 latent tokens it would be 5.0 G."""
    difference = extrapolated(38.1)[1] - extrapolated(33.4)[1]
    assert difference / 1e9 == pytest.approx(38.1 - 33.4, abs=0.05)


@pytest.mark.slow
@pytest.mark.parametrize('gmacs', PUBLISHED)
def test_extrapolation_is_exact(gmacs):
    backbone = DynPerceiverBackbone(**PUBLISHED[gmacs], **MAPS).eval()
    assert counts(backbone, HEIGHT, WIDTH) == extrapolated(gmacs)
