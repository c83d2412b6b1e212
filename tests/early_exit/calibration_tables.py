"""Made-up calibration tables: easy and hard samples, exits of rising ability, noisy confidences."""

import numpy as np


def made_up_table(
    samples: int, exits: int, seed: int, levels: int | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Confidence (N, K) float32, correct (N, K) bool and costs (K,).

    Args:
        samples: N.
        exits: K.
        seed: Of everything random.
        levels: Round confidences to so many steps; None leaves them as they are.
    """
    rng = np.random.default_rng(seed)
    ability = np.linspace(0.3, 2, exits)
    ease = rng.normal(scale=1.6, size=(samples, 1))
    score = ability + ease + rng.normal(scale=0.5, size=(samples, exits))
    correct = rng.random((samples, exits)) < 1 / (1 + np.exp(-2 * score))
    confidence = 1 / (1 + np.exp(-1.2 * (score + rng.normal(scale=0.6, size=score.shape))))
    if levels:
        confidence = np.round(confidence * levels) / levels
    return confidence.astype(np.float32), correct, np.linspace(1, 1 + exits, exits) ** 1.3
