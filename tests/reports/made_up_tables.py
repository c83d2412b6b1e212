"""Exit tables and policies of a made-up network, as a report keeps them."""

import numpy as np

from dynp_plugins.early_exit import ALWAYS, MEASURES, ExitPolicy, ExitTable

EXITS = ('early', 'late')


def made_up_table(model='network', split='test', samples=20):
    """An `ExitTable` of two exits and five classes."""
    random = np.random.default_rng(samples)
    label = random.integers(5, size=samples, dtype=np.int32)
    rank = random.integers(3, size=(samples, 2), dtype=np.int32)
    return ExitTable(
        prediction=np.where(rank == 0, label[:, None], (label[:, None] + 1) % 5),
        label_rank=rank,
        confidences={name: random.random((samples, 2), np.float32) for name in MEASURES},
        nll=random.random((samples, 2), np.float32),
        brier=random.random((samples, 2), np.float32),
        label=label,
        picture=random.integers(256, size=(samples, 16)).astype(np.uint8),
        source=np.array([f'{i}.png' for i in range(samples)]),
        manifest={
            'model': model,
            'split': split,
            'index_sha256': '0' * 64,
            'exit_names': list(EXITS),
            'classes': 5,
        },
    )


def made_up_policy(threshold=0.5):
    return ExitPolicy(EXITS, 'max_softmax', (threshold, ALWAYS), classes=5)
