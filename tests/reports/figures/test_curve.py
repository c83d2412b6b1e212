"""The picture: formats, what it shows, names that do not collide, strange names."""

import re

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex
from PIL import Image

from benchmarks.results import SplitRecord
from dynp_plugins.errors import UserError
from reports.figures.curve import PUBLISHED, curve_figure, draw_curve
from reports.figures.frame import RC, WIDTH, text_width, wrapped
from reports.series import STYLES

from ..made_up_results import (
    made_up_model,
    made_up_results,
    static_model,
    three_models,
    video_fields,
    video_models,
)


def eight_models():
    scales = (1.0, 1.4, 0.8, 1.2, 2.0, 1.7, 1.1, 0.6)
    skills = (0.0, 0.3, -0.4, -0.2, 0.5, 0.9, 0.6, -0.8)
    pairs = enumerate(zip(scales, skills, strict=True))
    models = (made_up_model(f'model {i}', *p, seed=i, operating_points=False) for i, p in pairs)
    return made_up_results(*models)


def test_png(tmp_path):
    draw_curve(made_up_results(), tmp_path / 'curve.png')
    with Image.open(tmp_path / 'curve.png') as picture:
        assert picture.format == 'PNG'
        assert picture.width == 1440 and 900 < picture.height < 1500
        assert picture.convert('RGB').getpixel((2, 2)) == (255, 255, 255)
        colours = {colour for _, colour in picture.convert('RGB').getcolors(1 << 20)}
    assert tuple(int(STYLES[0].light[i : i + 2], 16) for i in (1, 3, 5)) in colours


@pytest.mark.parametrize('suffix', ['svg', 'png'])
def test_equal_results_give_equal_bytes(tmp_path, suffix):
    for name in ('one', 'two'):
        draw_curve(made_up_results(), tmp_path / f'{name}.{suffix}')
        draw_curve(three_models(), tmp_path / f'between.{suffix}')
    one, two = ((tmp_path / f'{name}.{suffix}').read_bytes() for name in ('one', 'two'))
    assert one == two


def test_svg(tmp_path):
    draw_curve(made_up_results(), tmp_path / 'one.svg')
    assert (tmp_path / 'one.svg').read_text().lstrip().startswith('<?xml')


@pytest.mark.parametrize('name', ['curve.pdf', 'curve', 'curve.PNG'])
def test_other_suffixes_are_refused(tmp_path, name):
    with pytest.raises(UserError, match=r'\.png or \.svg'):
        draw_curve(made_up_results(), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_earlier_picture(tmp_path):
    path = tmp_path / 'curve.png'
    path.write_bytes(b'earlier')
    with pytest.raises(UserError, match='no points'):
        draw_curve(made_up_results(made_up_model(points=[])), path)
    assert path.read_bytes() == b'earlier'
    assert list(tmp_path.iterdir()) == [path]


def texts_of(figure):
    return [text.get_text() for text in figure.findobj(match=lambda a: hasattr(a, 'get_text'))]


def test_what_is_drawn():
    results = three_models()
    figure = curve_figure(results)
    (axes,) = figure.axes
    bands = {to_hex(band.get_facecolor()[0]): band for band in axes.collections}
    for model, style in zip(results.models, STYLES, strict=False):
        lines = [line for line in axes.lines if to_hex(line.get_color()) == style.light]
        (curve,) = [line for line in lines if len(line.get_xdata()) == len(model.points)]
        assert list(curve.get_ydata()) == [point.top1_percent for point in model.points]
        assert list(curve.get_xdata()) == [1000 * point.gmacs_mean for point in model.points]
        (marks,) = [line for line in axes.lines if line.get_marker() == style.marker]
        (single,) = [  # the star of the page's chart
            line
            for line in axes.lines
            if line.get_marker() == (6, 1, 0) and line.get_markerfacecolor() == style.light
        ]
        assert list(marks.get_ydata()) == [exit.test_top1_percent for exit in model.exits]
        assert marks.get_markerfacecolor() == 'white'
        policies = [one.point for one in model.operating_points]
        assert list(single.get_ydata()) == [point.top1_percent for point in policies]
        drawn = {tuple(line.get_ydata()) for line in lines if len(line.get_xdata()) == 2}
        intervals = [exit.test_top1_interval for exit in model.exits]
        intervals += [point.top1_interval for point in policies]
        assert {(one.low, one.high) for one in intervals} <= drawn  # whiskers
        edge = bands[style.light].get_paths()[0].vertices
        for point in model.points:
            at_point = edge[np.isclose(edge[:, 0], 1000 * point.gmacs_mean), 1]
            ends = point.top1_interval.low, point.top1_interval.high
            assert np.isclose(at_point[:, None], ends).any(0).all()
    assert 'MMACs' in axes.get_xlabel() and 'Multiply-adds' in axes.get_xlabel()
    said = ' '.join(' '.join(texts_of(figure)).split())
    for model in results.models:
        assert model.name in said
    for expected in ('embedded digits', '1,000 test images', 'calibration split of 600'):
        assert expected in said


def test_a_static_network_has_no_line_in_the_legend():
    figure = curve_figure(made_up_results(made_up_model('ours'), static_model()))
    ours, static = figure.legends[0].legend_handles
    assert ours.get_linestyle() != 'None' and static.get_linestyle() == 'None'
    assert static.get_marker() == 's'


def test_models_of_other_data_have_axes_and_a_unit_of_their_own():
    video = made_up_model(
        'video',
        scale=900,
        task='action recognition',
        dataset='clips',
        test=SplitRecord('test', 1000, 'a' * 64),
    )
    figure = curve_figure(made_up_results(made_up_model('a'), video, made_up_model('b', seed=1)))
    images, videos = figure.axes
    assert 'per image' in images.get_xlabel() and 'MMACs' in images.get_xlabel()
    assert 'per video' in videos.get_xlabel() and 'GMACs' in videos.get_xlabel()
    colours = [{to_hex(band.get_facecolor()[0]) for band in a.collections} for a in figure.axes]
    assert colours == [{STYLES[0].light, STYLES[2].light}, {STYLES[1].light}]
    titles = [text.get_text() for text in figure.texts]
    assert any(title.startswith('classification, embedded digits: ') for title in titles)
    assert any(title.startswith('action recognition, clips: ') for title in titles)
    assert 'do not compare' in ' '.join(' '.join(titles).split())


def test_videos_are_called_videos_and_their_frames_are_counted():
    figure = curve_figure(video_models())
    said = ' '.join(' '.join([*texts_of(figure), figure.axes[0].get_xlabel()]).split())
    assert re.findall(r'\b(?:image|picture)s?\b', said, re.IGNORECASE) == []
    assert 'Multiply-adds per video, mean over the test split (GMACs)' in said
    assert 'all 16 frames of 3x64x64: 2 views of 8 (test-time clips and crops multiply' in said
    one = curve_figure(made_up_results(made_up_model('one', **video_fields())))
    names = [text.get_text() for text in one.legends[0].get_texts()]
    assert '95 % interval over the test videos' in names


def test_each_task_keeps_its_words_on_a_page_of_both():
    models = made_up_model('a'), made_up_model('b', **video_fields())
    said = ' '.join(' '.join(texts_of(curve_figure(made_up_results(*models)))).split())
    assert 'embedded digits: measured on 1,000 test images' in said
    assert 'gestures: measured on 1,000 test videos' in said
    assert 'each sample leaves' in said and 'tested on different samples' in said
    assert said.count('MACs per video count all 8 frames of 3x64x64.') == 1


IMAGENET = {'dataset': 'ImageNet data/imagenet', 'task': 'classification'}


def test_published_curves_lie_behind_ours_with_their_source():
    results = made_up_results(made_up_model(scale=60, operating_points=False, **IMAGENET))
    figure = curve_figure(results)
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert 'Dyn-Perceiver, RegNet, published' in names
    assert 'ResNet50 x0.375 exits, published' in names
    assert 'MSDNet, published' not in names  # it costs more than anything measured here
    note = ' '.join(figure.texts[-1].get_text().split())
    assert 'arXiv 2306.11248' in note and 'Grey lines' in note and 'Grey marks' in note
    grey = [line for line in figure.axes[0].lines if line.get_color() == PUBLISHED]
    assert len(grey) == sum('published' in name for name in names)
    assert max(line.get_zorder() for line in grey) < min(
        line.get_zorder() for line in figure.axes[0].lines if len(line.get_xdata()) == 33
    )
    elsewhere = curve_figure(made_up_results(made_up_model(scale=60)))
    assert not any('published' in text for text in texts_of(elsewhere))


def test_large_networks_are_shown_in_gmacs():
    figure = curve_figure(made_up_results(made_up_model(scale=90)))
    assert 'GMACs' in figure.axes[0].get_xlabel()
    assert figure.axes[0].get_xlim()[1] < 2


@pytest.mark.parametrize('make', [made_up_results, three_models, eight_models])
def test_names_of_exits_are_whole_and_apart(make):
    results = make()
    figure = curve_figure(results)
    axes, renderer = figure.axes[0], figure.canvas.get_renderer()
    names = [exit.name for model in results.models for exit in model.exits]
    names += [one.name for model in results.models for one in model.operating_points]
    assert sorted(text.get_text() for text in axes.texts) == sorted(names)
    boxes = [text.get_window_extent(renderer) for text in axes.texts]
    for i, box in enumerate(boxes):
        assert axes.bbox.contains(box.x0, box.y0) and axes.bbox.contains(box.x1, box.y1)
        assert not any(box.overlaps(other) for other in boxes[:i])


def long_names():
    """Headlines, panel titles and legends of the longest names that are shown."""
    names = ('w' * 90, 'models-with-hyphens_' * 6)
    models = [made_up_model(name, seed=i) for i, name in enumerate(names)]
    other = {'test': SplitRecord('test', 500, 'e' * 64), 'dataset': 'D' * 90}
    return made_up_results(*models, made_up_model('W' * 60, **other))


def test_nothing_leaves_the_paper():
    for results in (made_up_results(), eight_models(), long_names()):
        figure = curve_figure(results)
        figure.set_dpi(200)  # as it is saved; the width of letters depends on it
        figure.draw_without_rendering()  # puts the legend in its place
        renderer = figure.canvas.get_renderer()
        outside = [
            text.get_text()
            for text in (*figure.texts, *figure.legends[0].get_texts())
            if not (
                figure.bbox.contains(*text.get_window_extent(renderer).min)
                and figure.bbox.contains(*text.get_window_extent(renderer).max)
            )
        ]
        assert outside == []


@pytest.mark.parametrize('name', ['$\\frac{$', '_hidden', 'a\nb', 'x' * 300, '%s {} \udc80'])
def test_strange_names_are_shown_as_they_are(tmp_path, name):
    results = made_up_results(made_up_model(name), made_up_model('other', dataset=name))
    draw_curve(results, tmp_path / 'curve.png')
    shown = curve_figure(results).legends[0].get_texts()[0].get_text()
    if len(name) < 70:
        assert shown == ' '.join(name.split()).replace('\udc80', '\ufffd')
    else:
        assert len(shown) <= 80 and shown.startswith('xxx')


@pytest.mark.parametrize('weight', ['normal', 'bold'])
def test_text_is_wrapped_by_its_width(weight):
    text = 'some words, a_word_' + 'that-is-too-long' * 12 + ' and W' + 'W' * 40 + ' the end'
    with matplotlib.rc_context(RC):
        lines = wrapped(text, 11.5, weight)
        assert all(text_width(line, 11.5, weight) <= WIDTH for line in lines)
        assert ''.join(lines).replace(' ', '') == text.replace(' ', '')
        words = wrapped('seventeen words of about the same length ' * 9, 11.5, weight)
        assert min(text_width(line, 11.5, weight) for line in words[:-1]) > WIDTH - 1.5
        assert wrapped('short', 11.5) == ['short'] and wrapped('', 7) == []
