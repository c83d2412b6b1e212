"""Reading beside the detectors: the dearest timed scale of each, in words."""

import dataclasses

from reports.detection.timing import detector_timings, reading_finding

from ..made_up_detectors import made_up_detector
from ..made_up_latency import made_up_data


def read(detector, *scales):
    """With times of reading at these scales, by their place."""
    points = [
        dataclasses.replace(p, latency=dataclasses.replace(p.latency, data=made_up_data()))
        if k in scales
        else p
        for k, p in enumerate(detector.points)
    ]
    return dataclasses.replace(detector, points=points)


def test_every_timed_scale_counts_for_the_rounds():
    timed, untimed = made_up_detector('a'), made_up_detector('b', latency=False)
    assert len(detector_timings([timed, untimed])) == len(timed.points)


def test_reading_is_set_against_the_dearest_scale_that_was_timed():
    detector = read(made_up_detector('a'), 0, 2)
    said = reading_finding([detector], ['a'])
    data, time = made_up_data(), detector.points[2].latency.timing.p50_ms
    share = 100 * (data.reading.mean_ms + data.transforms.mean_ms) / time
    assert said.startswith(f'Reading and preparing an image takes {share:.0f} % of the time')
    several = reading_finding([detector, read(made_up_detector('b'), 1)], ['a', 'b'])
    assert several == 'One loader process keeps up with each of the 2 full networks'


def test_nothing_is_said_where_reading_was_not_timed():
    assert reading_finding([made_up_detector(), made_up_detector('b', latency=False)], 'ab') == ''
