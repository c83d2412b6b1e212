"""A network in whole numbers, so that runs can be compared bit by bit, and what runs must equal."""

import numpy as np
import torch

from dynp_plugins.early_exit import ALWAYS, MEASURES, NEVER, ExitPolicy, choose_exits

EXITS = ('a', 'b', 'c', 'd')
CLASSES = 3


class WholeNumberNetwork:
    """Four exits on small whole numbers, which every floating type holds exactly.

    Its state has a channels-last map, one number per image, an entry that repeats one row, and one
    that only some steps hand on; its heads read the logits before. Logits lie between 0 and 4, so
    that equal confidences abound.

    Attributes:
        seen: The steps that ran, each with its number of images.
        given: The state that each step was given.
        returned: The state that each step returned.
    """

    exit_names = EXITS

    def __init__(self):
        self.seen = []
        self.given = []
        self.returned = []

    def start(self, images):
        assert images.grad_fn is None and not torch.is_grad_enabled()
        return {
            'map': images.contiguous(memory_format=torch.channels_last) % 5,
            'number': images.sum((1, 2, 3)) % 11,
            'code': torch.arange(4.0, dtype=images.dtype, device=images.device).expand(
                len(images), -1
            ),
        }

    def step(self, k, state, previous_logits):
        assert len(previous_logits) == k
        self.seen.append((k, len(state['map'])))
        self.given.append(state)
        features = (state['map'] * (k + 2) + 1) % 7
        number = (state['number'] * 3 + features.sum((1, 2, 3))) % 11
        logits = features.sum((2, 3)) + number[:, None] + state['code'][:, :3]
        for weight, earlier in enumerate(previous_logits, 2):
            logits = logits + weight * earlier
        new = {'map': features, 'number': number, 'code': state['code']}
        if k in (0, 2):
            new['extra'] = features[:, :2] + k
        else:
            logits = logits + state['extra'].sum((1, 2, 3))[:, None]
        self.returned.append(new)
        return new, logits % 5

    def sizes(self, k):
        """Numbers of images with which step ``k`` ran."""
        return [size for step, size in self.seen if step == k]


def whole_number_images(count, seed=0, dtype=torch.float64):
    """(count, 3, 2, 2); few different ones, so that some are equal."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(3, (count, 3, 2, 2), generator=generator).to(dtype)


@torch.no_grad()
def all_logits(network, images):
    """The logits of every exit, of all images."""
    state, logits = network.start(images), []
    for k in range(len(network.exit_names)):
        state, new = network.step(k, state, logits)
        logits.append(new)
    return logits


def full_table(network, images, measure, group_size=1):
    """Consensus logits (N, K, classes) and confidences (N, K) of a full forward."""
    logits = [
        y if group_size == 1 else y.to(_exact(y)).reshape(-1, group_size, y.shape[1]).mean(1)
        for y in all_logits(network, images)
    ]
    confidence = [MEASURES[measure](logits[: k + 1]) for k in range(len(logits))]
    return torch.stack(logits, 1), torch.stack(confidence, 1)


def _exact(logits):
    return torch.float64 if logits.dtype == torch.float64 else torch.float32


def policy(*thresholds, measure='max_softmax', exit_names=EXITS, **settings):
    return ExitPolicy(exit_names, measure, (*thresholds, ALWAYS), **settings)


def draw_policy(data, st, confidence, measure, exit_names=EXITS):
    """Thresholds that nobody or everybody reaches, or that some sample has exactly."""
    columns = confidence.T[:-1].tolist()
    return policy(
        *(data.draw(st.sampled_from([NEVER, ALWAYS, *column])) for column in columns),
        measure=measure,
        exit_names=exit_names,
    )


def expected_result(table, chosen):
    """What a run must give: exits, logits, predictions and confidences."""
    logits, confidence = table
    exits = torch.from_numpy(choose_exits(confidence.numpy(), np.array(chosen.thresholds)))
    rows = torch.arange(len(exits))
    return exits, logits[rows, exits], logits[rows, exits].argmax(-1), confidence[rows, exits]
