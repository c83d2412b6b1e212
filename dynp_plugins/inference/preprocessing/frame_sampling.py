"""Which frames of a video are looked at; as mmaction2's ``SampleFrames`` in test mode says."""

import numpy as np

from .records import VideoReading


def sample_frames(record: VideoReading, total: int, fps: float | None) -> np.ndarray:
    """Numbers of the chosen frames, from 0.

    Args:
        record: How they are chosen.
        total: Number of frames of the video.
        fps: Its rate; None where it is not known, which counts as the one that is wanted.

    Returns:
        (frames,) int32, clip after clip.
    """
    at_rate = record.target_fps is not None
    ratio = fps / record.target_fps if at_rate and fps else 1.0
    if at_rate:
        span = np.maximum(1, record.clip_len * record.frame_interval * ratio)
        within = np.linspace(0, span - 1, record.clip_len).astype(np.int32)
    else:
        span = (record.clip_len - 1) * record.frame_interval + 1
        within = np.arange(record.clip_len) * record.frame_interval
    numbers = _clip_starts(record, total, span)[:, None] + within
    if record.out_of_bound_opt == 'loop':
        numbers = np.mod(numbers, total)
    else:
        inside = numbers < total
        last = np.max(inside * numbers, axis=1, keepdims=True)
        numbers = np.where(inside, numbers, last)
    return numbers.ravel().astype(np.int32)


def _clip_starts(record: VideoReading, total: int, span: float) -> np.ndarray:
    """(clips,) where each clip begins."""
    count = record.num_clips
    if record.clip_len == 1:
        interval = total / float(count)
        firsts = np.arange(count) * interval
        middles = firsts + interval / 2.0
        return np.concatenate([middles, firsts]) if record.twice_sample else middles
    room = max(total - span, 0)
    clips = 2 * count if record.twice_sample else count
    if clips == 1:
        return np.array([room // 2])
    between = room / float(count - 1)
    if record.target_fps is not None:
        return np.arange(clips) * np.floor(between)
    return np.round(np.arange(clips) * between)
