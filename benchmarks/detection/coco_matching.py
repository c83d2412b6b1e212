"""pycocotools' COCOeval, but it looks for a match only where there can be one.

It spends most of its time on detections that are near no object of their class: in loops over
thresholds, sizes and objects, for every class in every image, whether the class is there or not. A
detection whose IoU with every object is below the lowest threshold matches none; what is left is
matched by pycocotools as before, and the others are put back in their places by score. All results
are the same.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from pycocotools.cocoeval import COCOeval

_NOTHING = np.zeros(0)


@dataclass(frozen=True, eq=False)
class _Found:
    """The detections of one class in one image, by falling score, as many as COCO looks at.

    Attributes:
        near: Which of them are near an object of the class; None where there is none.
    """

    ids: list[int]
    scores: list[float]
    areas: np.ndarray
    near: np.ndarray | None


class NearCOCOeval(COCOeval):
    """See the module; used as COCOeval is."""

    def evaluate(self) -> None:
        self._all: dict[tuple[int, int], _Found] = {}
        self._unmatched = np.zeros((len(self.params.iouThrs), max(self.params.maxDets)))
        super().evaluate()

    def computeIoU(self, image: int, label: int) -> Any:
        """Of the detections that are near an object; they alone are left to be matched."""
        pair = image, label
        found = self._dts[pair]
        if not found:
            return []
        found = sorted(found, key=_falling)[: self.params.maxDets[-1]]
        near, ious = None, []
        if self._gts[pair]:
            ious = super().computeIoU(image, label)
            near = ious.max(1) >= min(self.params.iouThrs)
            ious = ious[near] if near.any() else []
            self._dts[pair] = [one for one, is_near in zip(found, near, strict=True) if is_near]
        self._all[pair] = _Found(
            ids=[one['id'] for one in found],
            scores=[one['score'] for one in found],
            areas=np.array([one['area'] for one in found]),
            near=near,
        )
        return ious

    def evaluateImg(self, image: int, label: int, area: list[float], most: int) -> dict | None:
        """Its matches, for objects of one range of areas."""
        found = self._all.get((image, label))
        if found is None:
            return super().evaluateImg(image, label, area, most)
        outside = (found.areas < area[0]) | (found.areas > area[1])
        shape = len(self._unmatched), len(found.ids)
        matches, ignored = self._unmatched[:, : shape[1]], np.broadcast_to(outside, shape)
        if found.near is None:  # there is no such object
            matched = {'aRng': area, 'gtIgnore': _NOTHING}
        else:
            matched = super().evaluateImg(image, label, area, most)
            matches, ignored = matches.copy(), ignored.copy()
            matches[:, found.near] = matched['dtMatches']
            ignored[:, found.near] = matched['dtIgnore']
        return matched | {
            'dtIds': found.ids,
            'dtScores': found.scores,
            'dtMatches': matches,
            'dtIgnore': ignored,
        }


def _falling(detection: dict) -> float:
    return -detection['score']
