"""What detectors that stand together reach in every class."""

from collections.abc import Sequence

from benchmarks.detection_records import ClassAP, DetectorResult

from .panels import best_point

ClassRow = tuple[str, int, list[ClassAP | None]]


def class_rows(detectors: Sequence[DetectorResult]) -> list[ClassRow]:
    """(class, objects, by detector what it reaches at its best scale), all classes of any of them.

    Args:
        detectors: Of one test split, whose objects are counted.
    """
    tables = [{one.name: one for one in best_point(detector).classes} for detector in detectors]
    names = dict.fromkeys(name for table in tables for name in table)
    rows = []
    for name in names:
        found = [table.get(name) for table in tables]
        objects = next(one.objects for one in found if one is not None)
        rows.append((name, objects, found))
    return rows
