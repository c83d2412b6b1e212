"""Exit tables made by hand or at random, for tests of what is computed from them."""

import hashlib

import numpy as np

from dynp_plugins.early_exit import ExitTable


def made_up_table(confidence, correct, gmacs=None, split='calibration', **manifest):
    """A table of a network with ten classes.

    Args:
        confidence: (N, K); stands for all measures.
        correct: (N, K).
        gmacs: (K,) costs of the exits; 1, 2, ... by default.
        split: Name of the split; other splits have other pictures.
        manifest: More entries of the manifest.
    """
    confidence, correct = np.asarray(confidence, np.float32), np.asarray(correct, bool)
    samples, exits = confidence.shape
    pictures = np.random.default_rng(sum(split.encode())).integers(
        256, size=(samples, 16), dtype=np.uint8
    )
    return ExitTable(
        prediction=np.where(correct, 0, 1).astype(np.int32),
        label_rank=np.where(correct, 0, 3),
        confidences=dict.fromkeys(('max_softmax', 'entropy', 'margin', 'patience'), confidence),
        nll=np.where(correct, 0.1, 2.0).astype(np.float32),
        brier=np.where(correct, 0.1, 1.5).astype(np.float32),
        label=np.zeros(samples, np.int32),
        picture=pictures,
        source=np.full(samples, ''),
        manifest={
            'split': split,
            'model': 'net',
            'exit_names': [f'exit{k}' for k in range(exits)],
            'exit_gmacs': [
                float(cost) for cost in (range(1, exits + 1) if gmacs is None else gmacs)
            ],
            'classes': 10,
            'input_shape': [3, 32, 32],
            'index_sha256': hashlib.sha256(pictures.tobytes()).hexdigest(),
            'weights_sha256': 'w' * 64,
            'config_sha256': 'c' * 64,
            **manifest,
        },
    )


def random_tables(samples=(600, 1000), exits=4, seed=0, skill=0.0, **manifest):
    """A calibration and a test table of a simulated network whose confidence means something.

    Args:
        samples: Of the two splits.
        exits: Each is better than the one before.
        seed: Of the network; the pictures, easy and hard ones, are always the same.
        skill: Added to the skill of all exits.
        manifest: More entries of the manifest.
    """
    pictures, random = np.random.default_rng(0), np.random.default_rng(seed)
    skills = skill + np.linspace(0.5, 2.5, exits)
    tables = []
    for split, count in zip(('calibration', 'test'), samples, strict=True):
        difficulty = pictures.normal(0, 1.6, (count, 1))
        logit = 2 * (skills - difficulty) + random.normal(0, 0.7, (count, exits))
        correct = pictures.random((count, 1)) < 0.1 + 0.9 / (1 + np.exp(-logit))
        confidence = 0.1 + 0.9 / (1 + np.exp(-logit - random.normal(0, 0.5, logit.shape)))
        tables.append(made_up_table(confidence, correct, split=split, **manifest))
    return tables
