"""Whether a network in another type, or by another backend, still answers as it does in float32.

The exit table holds the answers of eager PyTorch in float32, from the pass that the curve was drawn
from. A network that is timed otherwise is run on the same test samples once more, outside of all
times: through all exits, and with early exit by every policy.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from dynp_plugins.early_exit import choose_exits, fold_frames, group_consensus
from dynp_plugins.early_exit.engine import EarlyExitEngine
from dynp_plugins.errors import UserError

from .contestants import run_engine
from .latency_records import Agreement, PolicyAgreement
from .timed_models import TimedModel, TimedPolicy


def float32_logits(model: TimedModel, batch_size: int, device: torch.device) -> Tensor:
    """What the network says in float32 by eager PyTorch; it is left in that type on the device.

    Args:
        model: As it was loaded.
        batch_size: Samples in a batch.
        device: Where to run it.

    Returns:
        (N, K, classes) of its N samples at K exits, on the CPU.
    """
    return exit_logits(model.prepared(device, torch.float32, False), batch_size, device)


@torch.inference_mode()
def exit_logits(model: TimedModel, batch_size: int, device: torch.device) -> Tensor:
    """(N, K, classes) of the network as it is, in float64 on the CPU; of a video the mean."""
    parts = []
    for images in _batches(model, batch_size, device):
        frames, group_size = fold_frames(images)
        state, logits = model.network.start(frames), []
        for k in range(len(model.network.exit_names)):
            state, of_exit = model.network.step(k, state, logits)
            logits.append(of_exit)
        of_samples = [group_consensus(one, group_size).double().cpu() for one in logits]
        parts.append(torch.stack(of_samples, 1))
    return torch.cat(parts)


def measure_agreement(
    model: TimedModel, reference: Tensor, batch_size: int, device: torch.device
) -> Agreement:
    """Compare the network as it is to be timed with its exit table, and its logits with float32.

    Args:
        model: Brought to where and how it is to run.
        reference: Of `float32_logits`.
        batch_size: Samples in a batch.
        device: Where the network is.

    Raises:
        UserError: Its logits are not finite.
    """
    logits = exit_logits(model, batch_size, device)
    if not torch.isfinite(logits).all():
        raise UserError(
            f'{model.name} puts out NaN or infinite logits in {_short(model.dtype)}: choose '
            'another --dtype'
        )
    same = logits.argmax(-1).numpy() == model.test.prediction[: len(logits)]  # (N, K)
    difference = (logits - reference).abs().max() / reference.abs().max()
    names = model.network.exit_names
    return Agreement(
        images=len(same),
        batch_size=batch_size,
        same_top1={name: float(share) for name, share in zip(names, same.mean(0), strict=True)},
        same_top1_everywhere=float(same.all(1).mean()),
        logit_difference=float(difference),
        policies=[_of_policy(model, timed, batch_size, device) for timed in model.policies],
    )


def _of_policy(
    model: TimedModel, timed: TimedPolicy, batch_size: int, device: torch.device
) -> PolicyAgreement:
    """Samples really leave early."""
    engine = EarlyExitEngine(model.network, timed.policy, group_size=model.frames)
    runs = [run_engine(engine, images) for images in _batches(model, batch_size, device)]
    left = np.concatenate([run.exit.cpu().numpy() for run in runs])
    said = np.concatenate([run.prediction.cpu().numpy() for run in runs])
    count = len(left)
    confidence = model.test.confidence(timed.policy.measure)[:count]
    expected = choose_exits(confidence, np.array(timed.policy.thresholds))
    answers = model.test.prediction[np.arange(count), expected]
    return PolicyAgreement(
        target_gmacs=timed.target_gmacs,
        same_top1=float((said == answers).mean()),
        same_exit=float((left == expected).mean()),
        policy=timed.file,
    )


def _batches(model: TimedModel, batch_size: int, device: torch.device) -> Iterator[Tensor]:
    """All samples in order; the last batch may be smaller."""
    for images in model.images.split(batch_size):
        yield images.to(device)


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix('torch.')
