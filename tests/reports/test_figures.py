"""The picture: formats, what it shows, names that do not collide, strange names."""

import pytest
from matplotlib.colors import to_hex
from PIL import Image

from benchmarks.results import SplitRecord
from dynp_plugins.errors import UserError
from reports.figures import curve_figure, draw_curve
from reports.series import STYLES

from .made_up_results import made_up_model, made_up_results, three_models


def eight_models():
    scales = (1.0, 1.4, 0.8, 1.2, 2.0, 1.7, 1.1, 0.6)
    skills = (0.0, 0.3, -0.4, -0.2, 0.5, 0.9, 0.6, -0.8)
    pairs = enumerate(zip(scales, skills, strict=True))
    return made_up_results(*(made_up_model(f'model {i}', *pair, seed=i) for i, pair in pairs))


def test_png(tmp_path):
    draw_curve(made_up_results(), tmp_path / 'curve.png')
    with Image.open(tmp_path / 'curve.png') as picture:
        assert picture.format == 'PNG'
        assert picture.width == 1440 and 900 < picture.height < 1500
        assert picture.convert('RGB').getpixel((2, 2)) == (255, 255, 255)
        colours = {colour for _, colour in picture.convert('RGB').getcolors(1 << 20)}
    assert tuple(int(STYLES[0].light[i : i + 2], 16) for i in (1, 3, 5)) in colours


def test_svg_of_equal_results_is_equal(tmp_path):
    for name in ('one.svg', 'two.svg'):
        draw_curve(made_up_results(), tmp_path / name)
    assert (tmp_path / 'one.svg').read_bytes() == (tmp_path / 'two.svg').read_bytes()
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
    for model, style in zip(results.models, STYLES, strict=False):
        lines = [line for line in axes.lines if to_hex(line.get_color()) == style.light]
        (curve,) = [line for line in lines if len(line.get_xdata()) == len(model.points)]
        assert list(curve.get_ydata()) == [point.top1_percent for point in model.points]
        assert list(curve.get_xdata()) == [1000 * point.gmacs_mean for point in model.points]
        (marks,) = [line for line in axes.lines if line.get_marker() == style.marker]
        assert list(marks.get_ydata()) == [exit.test_top1_percent for exit in model.exits]
    assert 'MMACs' in axes.get_xlabel() and 'Multiply-adds' in axes.get_xlabel()
    said = ' '.join(' '.join(texts_of(figure)).split())
    for model in results.models:
        assert model.name in said
    for expected in ('embedded digits', '1,000 test images', 'calibration split of 600'):
        assert expected in said


def test_large_networks_are_shown_in_gmacs():
    figure = curve_figure(made_up_results(made_up_model(scale=90)))
    assert 'GMACs' in figure.axes[0].get_xlabel()
    assert figure.axes[0].get_xlim()[1] < 2


@pytest.mark.parametrize(
    'results', [made_up_results(), three_models(), eight_models()], ids=['one', 'three', 'eight']
)
def test_names_of_exits_are_whole_and_apart(results):
    figure = curve_figure(results)
    axes, renderer = figure.axes[0], figure.canvas.get_renderer()
    names = [exit.name for model in results.models for exit in model.exits]
    assert sorted(text.get_text() for text in axes.texts) == sorted(names)
    boxes = [text.get_window_extent(renderer) for text in axes.texts]
    for i, box in enumerate(boxes):
        assert axes.bbox.contains(box.x0, box.y0) and axes.bbox.contains(box.x1, box.y1)
        assert not any(box.overlaps(other) for other in boxes[:i])


def test_nothing_leaves_the_paper():
    for results in (made_up_results(), eight_models()):
        figure = curve_figure(results)
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


def test_different_test_images_are_said():
    other = made_up_model('other', test=SplitRecord('test', 500, 'e' * 64))
    said = ' '.join(texts_of(curve_figure(made_up_results(made_up_model(), other))))
    assert 'do not compare' in ' '.join(said.split())
    assert 'do not compare' not in ' '.join(texts_of(curve_figure(three_models())))
