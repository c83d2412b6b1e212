"""Non-maximum suppression as ``mmcv._ext`` names it: plain by torchvision, soft by numpy."""

import numpy as np
import torch
import torchvision
from torch import Tensor

from .precision import compute_type


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float, offset: int) -> Tensor:
    """Drop every box whose IoU with a kept box of better score is above the threshold.

    Args:
        boxes: (N, 4) as x1, y1, x2, y2 in pixels.
        scores: (N,). Of equal scores the lower index counts as the better one.
        iou_threshold: a box at exactly this IoU stays.
        offset: 0 or 1; a box is x2 - x1 + offset pixels wide and y2 - y1 + offset high.

    Returns:
        Indices of the kept boxes, best score first: (K,), int64.
    """
    dtype = compute_type(boxes, scores)
    # Shifting x2 and y2 adds the offset to both sides of every box and of every intersection.
    shift = torch.tensor([0, 0, offset, offset], dtype=dtype, device=boxes.device)
    # The compiled op takes the threshold as float32; a float32 IoU of 0.6 is above the double 0.6.
    threshold = float(np.float32(iou_threshold))
    return torchvision.ops.nms(boxes.to(dtype) + shift, scores.to(dtype), threshold)


def softnms(
    boxes: Tensor,
    scores: Tensor,
    dets: Tensor,
    iou_threshold: float,
    sigma: float,
    min_score: float,
    method: int,
    offset: int,
) -> Tensor:
    """Lower the scores of overlapping boxes instead of dropping them (Bodla et al., 2017).

    All tensors are on the CPU; mmcv's wrapper sees to that.

    Args:
        boxes: (N, 4) as x1, y1, x2, y2 in pixels.
        scores: (N,). Of equal scores the lower index goes first.
        dets: (N, 5); its first K rows receive the kept boxes and their lowered scores.
        iou_threshold: overlap from which methods 0 and 1 act.
        sigma: width of method 2.
        min_score: a box whose score falls below this is dropped.
        method: 0 sets the score to 0, 1 multiplies it by 1 - IoU, 2 by exp(-IoU^2 / sigma).
        offset: as in `nms`.

    Returns:
        Indices of the kept boxes in the order of `dets`: (K,), int64.
    """
    x1, y1, x2, y2 = boxes.detach().float().numpy().T
    areas = (x2 - x1 + offset) * (y2 - y1 + offset)
    scores = scores.detach().float().numpy().copy()
    left = np.arange(len(scores))
    kept = []
    while left.size:
        position = scores[left].argmax()
        best = left[position]
        kept.append(best)
        left = np.delete(left, position)

        width = np.minimum(x2[best], x2[left]) - np.maximum(x1[best], x1[left]) + offset
        height = np.minimum(y2[best], y2[left]) - np.maximum(y1[best], y1[left]) + offset
        shared = width.clip(min=0) * height.clip(min=0)
        with np.errstate(invalid='ignore'):  # two boxes without area, 0 / 0: no overlap
            iou = np.nan_to_num(shared / (areas[best] + areas[left] - shared))
        if method == 2:
            scores[left] *= np.exp(-(iou**2) / sigma)
        else:
            lowered = 1 - iou if method == 1 else 0
            scores[left] *= np.where(iou >= np.float32(iou_threshold), lowered, 1)
        left = left[scores[left] >= min_score]

    inds = torch.tensor(kept, dtype=torch.int64)
    dets[: len(kept), :4] = boxes[inds]
    dets[: len(kept), 4] = torch.from_numpy(scores)[inds]
    return inds
