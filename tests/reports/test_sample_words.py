"""What samples are called and how large they are, in words."""

import pytest

from reports.panels import sample_word, subject
from reports.sample_words import (
    frames_finding,
    input_size,
    sample_size,
    sample_words,
)

from .made_up_results import made_up_model, video_fields


def model(name='a', **fields):
    return made_up_model(name, latency=False, gallery=False, **fields)


def video(name, frames, together):
    return model(name, **video_fields(frames, together))


@pytest.mark.parametrize(
    'task, one, many',
    [
        ('classification', 'image', 'images'),
        ('action recognition', 'video', 'videos'),
        ('something new', 'sample', 'samples'),
    ],
)
def test_words_by_task(task, one, many):
    words = sample_words(task)
    assert (words.one, words.many) == (one, many)


def test_words_that_fit_models_of_several_tasks():
    images, videos = model(), video('b', 8, 8)
    assert sample_word([images, images]) == 'image' and sample_word([videos]) == 'video'
    assert sample_word([images, videos]) == 'sample'


@pytest.mark.parametrize(
    'shape, said',
    [
        ([3, 64, 48], '3x64x48'),
        ([8, 3, 64, 64], '8 frames of 3x64x64'),
        ([1, 3, 64, 64], '1 frame of 3x64x64'),
    ],
)
def test_sizes(shape, said):
    assert sample_size(shape) == said


@pytest.mark.parametrize(
    'frames, together, said',
    [
        (8, 8, '8 frames of 3x64x64'),
        (16, 8, '16 frames of 3x64x64: 2 views of 8'),
        (240, 8, '240 frames of 3x64x64: 30 views of 8'),
        (25, 1, '25 frames of 3x64x64'),  # seen one by one: nobody knows what a view is
    ],
)
def test_views(frames, together, said):
    assert input_size(video('a', frames, together)) == said


def test_an_image_is_no_view():
    assert input_size(model()) == '3x64x64'


MULTIPLIED = '(test-time clips and crops multiply the cost)'


@pytest.mark.parametrize(
    'frames, together, said',
    [
        (8, [8, 8], 'MACs per video count all 8 frames of 3x64x64'),
        (8, [1], 'MACs per video count all 8 frames of 3x64x64'),
        (1, [1], 'MACs per video count 1 frame of 3x64x64'),
        (16, [8, 1], f'MACs per video count all 16 frames of 3x64x64: 2 views of 8 {MULTIPLIED}'),
        (
            16,
            [8, 16],
            f'MACs per video count all 16 frames of 3x64x64: 2 views of 8 for a {MULTIPLIED}',
        ),
        (
            16,
            [8, 4],
            'MACs per video count all 16 frames of 3x64x64: 2 views of 8 for a, 4 views of 4 for b '
            f'{MULTIPLIED}',
        ),
    ],
)
def test_what_the_macs_of_a_video_count(frames, together, said):
    models = [video(name, frames, count) for name, count in zip('ab', together, strict=False)]
    assert frames_finding(models, [one.name for one in models]) == said


def test_macs_of_images_need_no_explanation():
    assert frames_finding([model()], ['a']) == ''


def test_the_subject_names_task_data_and_samples():
    assert subject([model()]) == 'classification on embedded digits, 1,000 test images'
    assert subject([video('a', 8, 8)]) == 'action recognition on gestures, 1,000 test videos'
