"""The stand-ins for mmcv's compiled nms and softnms against plain loops over the boxes."""

import numpy as np
import pytest
import torch
from mmcv.ops import batched_nms, nms, soft_nms


def random_boxes(count: int, seed: int, whole_pixels: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return boxes (count, 4) that overlap a lot, and scores of which many are equal."""
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 10, (count, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(5, 20, (count, 2))], axis=1)
    scores = rng.integers(0, 8, count) / 8
    boxes = boxes.round() if whole_pixels else boxes
    return boxes.astype(np.float32), scores.astype(np.float32)


def iou(a, b, offset: int) -> np.float32:
    def area(x1, y1, x2, y2):
        return max(0.0, float(x2) - float(x1) + offset) * max(0.0, float(y2) - float(y1) + offset)

    shared = area(max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3]))
    union = area(*a) + area(*b) - shared
    return np.float32(shared / union) if union else np.float32(0)


def plain_nms(boxes, scores, threshold: float, offset: int) -> list[int]:
    kept = []
    for i in sorted(range(len(boxes)), key=lambda i: (-scores[i], i)):
        if all(iou(boxes[i], boxes[j], offset) <= np.float32(threshold) for j in kept):
            kept.append(i)
    return kept


@pytest.mark.parametrize('whole_pixels', [False, True])
@pytest.mark.parametrize('threshold', [0.3, 0.5, 0.6])
@pytest.mark.parametrize('offset', [0, 1])
def test_nms_equals_a_plain_loop(offset, threshold, whole_pixels):
    suppressed = 0
    for seed in range(20):
        boxes, scores = random_boxes(count=50, seed=seed, whole_pixels=whole_pixels)

        dets, inds = nms(boxes, scores, threshold, offset=offset)

        expected = plain_nms(boxes, scores, threshold, offset)
        assert inds.tolist() == expected
        np.testing.assert_array_equal(dets[:, :4], boxes[expected])
        np.testing.assert_array_equal(dets[:, 4], scores[expected])
        suppressed += len(boxes) - len(expected)
    assert suppressed > 200


def test_nms_counts_the_offset_as_size():
    boxes = torch.tensor([[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 1.0, 2.0]])  # share an edge
    scores = torch.tensor([0.9, 0.8])

    assert nms(boxes, scores, 0.3, offset=0)[1].tolist() == [0, 1]  # IoU 0
    assert nms(boxes, scores, 0.3, offset=1)[1].tolist() == [0]  # 2 x 2 pixels each, IoU 1/3


@pytest.mark.parametrize('dtype', [torch.float32, torch.float16, torch.bfloat16])
def test_nms_keeps_a_box_exactly_at_the_threshold(dtype):
    boxes = torch.tensor([[0, 0, 4, 4], [0, 0, 4, 2.4], [0, 0, 5, 3], [0, 0, 3, 3]]).to(dtype)

    # 9 / 15 is the IoU of the last two, and as float32 more than the double 0.6.
    assert nms(boxes[2:], torch.tensor([0.9, 0.8]).to(dtype), 0.6)[1].tolist() == [0, 1]
    assert nms(boxes[2:], torch.tensor([0.9, 0.8]).to(dtype), 0.59)[1].tolist() == [0]


def test_nms_of_equal_scores_keeps_the_lower_index():
    box = [0.0, 0.0, 10.0, 10.0]
    far = [50.0, 50.0, 60.0, 60.0]
    boxes = torch.tensor([far, box, box, far, box])

    assert nms(boxes, torch.full((5,), 0.5), 0.5)[1].tolist() == [0, 1]


def test_nms_of_no_box_and_of_one():
    dets, inds = nms(torch.zeros(0, 4), torch.zeros(0), 0.5)
    assert dets.shape == (0, 5)
    assert inds.shape == (0,)
    assert inds.dtype == torch.int64

    dets, inds = nms(torch.tensor([[1.0, 2.0, 3.0, 4.0]]), torch.tensor([0.5]), 0.5)
    assert dets.tolist() == [[1.0, 2.0, 3.0, 4.0, 0.5]]
    assert inds.tolist() == [0]


def test_nms_score_threshold_and_max_num():
    boxes = torch.tensor([[0.0, 0, 1, 1], [5, 5, 6, 6], [9, 9, 10, 10], [20, 20, 21, 21]])
    scores = torch.tensor([0.1, 0.9, 0.8, 0.7])

    assert nms(boxes, scores, 0.5, score_threshold=0.3)[1].tolist() == [1, 2, 3]
    assert nms(boxes, scores, 0.5, score_threshold=0.3, max_num=2)[1].tolist() == [1, 2]


def test_batched_nms_suppresses_within_a_class_only():
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 10, 8]])
    scores = torch.tensor([0.7, 0.8, 0.9])
    classes = torch.tensor([0, 1, 0])

    _, keep = batched_nms(boxes, scores, classes, {'type': 'nms', 'iou_threshold': 0.5})

    assert keep.tolist() == [2, 1]


def plain_soft_nms(boxes, scores, method: str, sigma: float, threshold: float, min_score: float):
    scores = dict(enumerate(map(float, scores)))
    kept = []
    while scores:
        best = max(scores, key=lambda i: (scores[i], -i))
        kept.append((best, scores.pop(best)))
        for i in list(scores):
            overlap = float(iou(boxes[best], boxes[i], offset=0))
            if method == 'gaussian':
                scores[i] *= np.exp(-(overlap**2) / sigma)
            elif overlap >= threshold:
                scores[i] *= 1 - overlap if method == 'linear' else 0
            if scores[i] < min_score:
                del scores[i]
    return kept


@pytest.mark.parametrize('method', ['naive', 'linear', 'gaussian'])
def test_soft_nms_equals_a_plain_loop(method):
    for seed in range(10):
        boxes, _ = random_boxes(count=30, seed=seed, whole_pixels=False)
        scores = np.random.default_rng(seed).uniform(size=30).astype(np.float32)
        settings = {'method': method, 'sigma': 0.5, 'min_score': 0.05}

        dets, inds = soft_nms(boxes, scores, iou_threshold=0.3, **settings)

        expected = plain_soft_nms(boxes, scores, threshold=0.3, **settings)
        assert inds.tolist() == [i for i, _ in expected]
        np.testing.assert_array_equal(dets[:, :4], boxes[inds])
        np.testing.assert_allclose(dets[:, 4], [s for _, s in expected], rtol=1e-4)


def test_soft_nms_of_no_box():
    dets, inds = soft_nms(torch.zeros(0, 4), torch.zeros(0))

    assert dets.shape == (0, 5)
    assert inds.shape == (0,)
