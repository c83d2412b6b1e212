"""The drawn clips: partners are reversals, every motion is what its name says, nothing leaves."""

import hashlib
from itertools import pairwise

import numpy as np
import pytest

from dynp_plugins.datasets import digit_motion, motion_clips
from dynp_plugins.datasets.clip_rendering import _Scene, render_clip
from dynp_plugins.datasets.digit_motion import CLIP_LENGTH, FRAME_SIZE, MOTIONS, draw_poses
from dynp_plugins.datasets.digit_scans import load_digit_scans, make_glyphs, split_scans


@pytest.fixture(scope='module')
def glyphs():
    scans = load_digit_scans()
    return make_glyphs(scans.ink[split_scans(scans.labels)['test']])


def clip(glyphs, label, seed, difficulty):
    return render_clip(np.random.RandomState(seed), glyphs, seed, label, difficulty)


@pytest.mark.parametrize('difficulty', [0.0, 0.5, 1.0])
@pytest.mark.parametrize('label', range(len(MOTIONS)))
def test_the_partner_of_a_clip_is_the_same_frames_backwards(glyphs, label, difficulty):
    partner = {'left': 'right', 'up': 'down', 'grow': 'shrink', 'clockwise': 'counter-clockwise'}
    partner |= {there: back for back, there in partner.items()}
    other = MOTIONS.index(partner[MOTIONS[label]])
    for seed in range(5):
        forwards = clip(glyphs, label, seed, difficulty)
        backwards = clip(glyphs, other, seed, difficulty)
        assert forwards.shape == (CLIP_LENGTH, FRAME_SIZE, FRAME_SIZE, 3)
        assert forwards.dtype == np.uint8
        np.testing.assert_array_equal(forwards, backwards[::-1])
        assert (forwards != backwards).mean() > 0.2


def _digit(glyphs, label, seed, difficulty, shape=None):
    """Where the digit is: float (T, 64, 64), 0 or 1, from a clip with and one without it."""
    drawn = glyphs.copy()
    if shape is not None:
        drawn[seed] = shape
    blank = glyphs.copy()
    blank[seed] = 0
    clips = [clip(some, label, seed, difficulty).astype(float).mean(-1) for some in (drawn, blank)]
    return (np.abs(clips[0] - clips[1]) > 4).astype(float)


def _centres(digit):
    places = np.arange(FRAME_SIZE)
    mass = digit.sum((1, 2))
    return digit.sum(1) @ places / mass, digit.sum(2) @ places / mass


@pytest.mark.parametrize(
    ('motion', 'direction'),
    [('left', (-1, 0)), ('right', (1, 0)), ('up', (0, -1)), ('down', (0, 1))],
)
def test_a_digit_moves_where_the_class_says_and_hardly_elsewhere(glyphs, motion, direction):
    for seed in range(8):
        for difficulty in (0.0, 1.0):
            x, y = _centres(_digit(glyphs, MOTIONS.index(motion), seed, difficulty))
            moved = np.array([x[-1] - x[0], y[-1] - y[0]])
            along = moved @ direction
            assert along > (20 if difficulty == 0 else 10)
            assert np.abs(moved).sum() - along < 6


@pytest.mark.parametrize(('motion', 'sign'), [('grow', 1), ('shrink', -1)])
def test_a_digit_changes_its_size_as_the_class_says(glyphs, motion, sign):
    for seed in range(8):
        for difficulty in (0.0, 1.0):
            area = _digit(glyphs, MOTIONS.index(motion), seed, difficulty).sum((1, 2))
            factor = (area[-1] / area[0]) ** sign
            # Length by 1.6 to 2.2, area by the square of it, pixels at the edge aside.
            assert 1.6 < factor < 6.5


@pytest.mark.parametrize(('motion', 'sign'), [('clockwise', 1), ('counter-clockwise', -1)])
def test_a_digit_turns_as_the_class_says(glyphs, motion, sign):
    # A bar with all of its ink on one side of the middle, like the hand of a clock.
    hand = np.zeros_like(glyphs[0])
    hand[36:44, 40:70] = 1
    dot = np.zeros_like(hand)
    dot[36:44, 36:44] = 1
    for seed in range(8):
        for difficulty in (0.0, 1.0):
            label = MOTIONS.index(motion)
            tip = _centres(_digit(glyphs, label, seed, difficulty, hand))
            middle = _centres(_digit(glyphs, label, seed, difficulty, dot))
            # Rows count downwards, so that a growing angle is clockwise.
            angle = np.unwrap(np.arctan2(tip[1] - middle[1], tip[0] - middle[0]))
            assert 45 < np.degrees(angle[-1] - angle[0]) * sign < 165


@pytest.mark.parametrize('pair', range(4))
def test_the_digit_stays_within_the_frame(pair):
    for seed in range(200):
        rng = np.random.RandomState(seed)
        for pose in draw_poses(rng, pair, seed / 199):
            # A digit upright or lying; turned, its corners, mostly empty, may reach out.
            half = max(pose.width, pose.height) / 2 / 1.1
            for centre in (pose.x, pose.y):
                assert centre - half > -1.5 - 0.8
                assert centre + half < FRAME_SIZE + 0.5 + 0.8
            assert pose.cos**2 + pose.sin**2 == pytest.approx(1)
            assert 12 < pose.height < 45


def test_a_digit_may_start_at_any_angle_in_every_class():
    for pair in range(4):
        poses = [draw_poses(np.random.RandomState(s), pair, 0.5)[0] for s in range(400)]
        angles = np.degrees([np.arctan2(pose.sin, pose.cos) for pose in poses])
        filled, _ = np.histogram(angles, bins=12, range=(-180, 180))
        assert filled.min() > 10


def test_speed_varies_between_clips_and_within_them():
    steps = np.array([digit_motion._steps(np.random.RandomState(seed)) for seed in range(200)])
    np.testing.assert_allclose(steps.sum(1), 1)
    assert (steps[:, 0] == 0).all()
    assert steps[:, 1:].min() > 0
    late_over_early = steps[:, 9:].sum(1) / steps[:, 1:8].sum(1)
    assert late_over_early.min() < 0.8
    assert late_over_early.max() > 1.25


@pytest.mark.parametrize('pair', range(4))
def test_a_mark_in_the_background_tells_the_pair(glyphs, pair):
    for seed in range(20):
        rng = np.random.RandomState(seed)
        poses = draw_poses(rng, pair, seed / 19)
        wide = np.zeros((FRAME_SIZE + 4, FRAME_SIZE + 4, 3), np.float32)
        _Scene(rng, glyphs, seed / 19, ground=0.3, contrast=0.5).draw_guide(wide, pair, poses)
        mark = wide.any(-1)
        rows, columns = mark.any(1), mark.any(0)
        middle = poses[CLIP_LENGTH // 2]
        y, x = np.nonzero(mark)
        radius = np.hypot(x - middle.x - 2, y - middle.y - 2)
        assert 0.01 < mark.mean() < 0.2
        if pair == 0:
            assert columns.all() and rows.mean() < 0.5
        elif pair == 1:
            assert rows.all() and columns.mean() < 0.5
        elif pair == 2:
            assert rows.mean() > 0.6 and columns.mean() > 0.6
            assert radius.min() < 1.5
        else:
            assert np.ptp(radius) < 4
            assert radius.min() > 0.6 * middle.height


def _without_digit(glyphs, seed, difficulty):
    blank = glyphs.copy()
    blank[seed] = 0
    return clip(blank, 0, seed, difficulty).astype(float)


def test_hard_surroundings_are_cluttered_and_restless_easy_ones_calm(glyphs):
    unrest, clutter = {}, {}
    for difficulty in (0.0, 1.0):
        clips = [_without_digit(glyphs, seed, difficulty) for seed in range(30)]
        # Over 4x4 pixels, so that grain counts little.
        coarse = [c.reshape(CLIP_LENGTH, 16, 4, 16, 4, 3).mean((2, 4)) for c in clips]
        unrest[difficulty] = np.mean([np.abs(np.diff(c, axis=0)).mean() for c in coarse])
        clutter[difficulty] = np.mean([c[0].std((0, 1)).mean() for c in coarse])
    assert unrest[1.0] > 3 * unrest[0.0]
    assert clutter[1.0] > 1.35 * clutter[0.0]
    assert clutter[0.0] > 3  # of 255: not empty either


def test_noise_is_new_in_every_frame(glyphs):
    frames = _without_digit(glyphs, 3, 0.0)
    for before, after in pairwise(frames):
        assert (before != after).mean() > 0.5


def test_clips_are_those_of_this_generator_version(glyphs):
    # Changed bytes need a new GENERATOR_VERSION, or old caches would be mixed with new ones.
    digest = hashlib.sha256()
    for index in range(24):
        digest.update(motion_clips.draw_clip('test', index, glyphs, index % 8).tobytes())
    assert (motion_clips.GENERATOR_VERSION, digest.hexdigest()[:16]) == (2, 'e0e7d570f3f6faae')
