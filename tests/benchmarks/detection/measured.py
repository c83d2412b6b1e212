"""Measured detectors made from simulated tables, and a report folder of them."""

from pathlib import Path

from benchmarks.detection.coco_metrics import evaluate
from benchmarks.detection.detector_curve import MeasuredDetector
from benchmarks.detection.map_bootstrap import map_draws
from benchmarks.detection.operating_points import MeasuredScale, scale_points
from benchmarks.detection.table import detection_table_name
from benchmarks.detection_records import DetectorResult
from benchmarks.results import write_results
from benchmarks.run_records import FileRecord, SplitRecord

from .tables import CLASSES, random_images, table_of


def measured_scale(scale=(640, 480), skill=0.6, cost=1, seed=0, **manifest):
    """Tables of a simulated detector; all of them are of the same images."""
    manifest = {'scale': list(scale), **manifest}
    calibration = table_of(
        random_images(8, 15, seed, skill, first=100, cost=cost), split='calibration', **manifest
    )
    test = table_of(random_images(10, 15, seed, skill, cost=cost), split='test', **manifest)
    on_test = evaluate(test)
    return MeasuredScale(
        scale, calibration, test, evaluate(calibration), on_test, map_draws(test, on_test.matches)
    )


def measured_detector(name='net', skills=(0.4, 0.7), **changes):
    """A detector at as many scales as there are skills."""
    scales = [
        measured_scale((100 * i, 80 * i), skill, cost=i, model=name)
        for i, skill in enumerate(skills, 1)
    ]
    first = scales[0]
    fields = {
        'name': name,
        'source': 'ours',
        'task': 'object detection',
        'dataset': 'Simulated',
        'detector': 'RetinaNet',
        'backbone': 'ResNet 18',
        'config': FileRecord('c.py', 'c' * 64),
        'checkpoint': FileRecord('w.pth', 'w' * 64),
        'weights': 'raw',
        'training': None,
        'calibration': split_record(first.calibration),
        'test': split_record(first.test),
        'classes': list(CLASSES),
        'parameters': 5,
        'points': scale_points(scales),
        'gallery': None,
    }
    return MeasuredDetector(DetectorResult(**(fields | changes)), scales)


def split_record(table):
    return SplitRecord(table.manifest['split'], len(table), table.manifest['index_sha256'])


def write_folder(folder, results, detectors):
    """``results.json`` and the tables, as a report's folder holds them."""
    write_results(results, Path(folder) / 'results.json')
    for detector in detectors:
        for table in detector.tables:
            name = (detector.result.name, table.manifest['split'], table.manifest['scale'])
            table.save(Path(folder) / 'tables' / detection_table_name(*name))
