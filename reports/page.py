"""The report as one HTML file that needs nothing else: no network, no other file, no server."""

from pathlib import Path

import jinja2
from plotly.offline import get_plotlyjs

from benchmarks.results import ModelResult, Results
from dynp_plugins.atomic_files import atomic_path

from .axes import CostUnit, check_drawable, cost_unit
from .findings import (
    exits_finding,
    leaving_finding,
    model_finding,
    results_finding,
    same_test_split,
    shown_point,
    training_finding,
)
from .labels import one_line, series_names, typeset
from .plots import curve_chart, leaving_chart
from .series import PAPER, STYLES, exit_colours, series_style

TEMPLATES = Path(__file__).parent / 'templates'


def write_page(results: Results, path: str | Path) -> None:
    """Write the report.

    Every string that comes from the results is escaped: in HTML by jinja2, in the charts' JSON
    by jinja2's ``tojson``, and once more for plotly, which reads a small part of HTML itself. The
    page's content security policy forbids every request.

    Raises:
        UserError: The results hold no curve, or the file cannot be written.
    """
    text = page(results)
    with atomic_path(path) as temporary:
        # Paths may hold bytes that are no UTF-8; they must not stop the report.
        temporary.write_text(text, encoding='utf-8', errors='replace')


def page(results: Results) -> str:
    """The HTML text of the report."""
    check_drawable(results)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters['one_line'] = one_line
    environment.filters['typeset'] = typeset
    unit = cost_unit(results)
    models = [
        _model_view(name, i, model, unit)
        for i, (name, model) in enumerate(zip(series_names(results), results.models, strict=True))
    ]
    charts = {'curve': curve_chart(results)} | {
        view['chart']: leaving_chart(view['record'], unit)
        for view in models
        if len(view['record'].exits) > 1
    }
    return environment.get_template('page.html').render(
        results=results,
        unit=unit,
        title=results_finding(results),
        comparable=same_test_split(results),
        trained=training_finding(results),
        datasets=list(dict.fromkeys(one_line(m.dataset, 60) for m in results.models)),
        models=models,
        charts=charts,
        colours={theme: _colours(theme) for theme in PAPER},
        plotly_js=get_plotlyjs(),
    )


def _model_view(name: str, index: int, model: ModelResult, unit: CostUnit) -> dict:
    """What the template says about one model."""
    return {
        'name': name,
        'record': model,
        'chart': f'leaving-{index}',
        'style': series_style(index),
        'colour': f'var(--series-{index})',
        'finding': model_finding(model, unit),
        'leaving': leaving_finding(model, unit),
        'exits': exits_finding(model),
        'exit_colours': exit_colours(len(model.exits)),
        'point': shown_point(model),
        'points': sorted(model.points, key=lambda point: point.target_gmacs),
    }


def _colours(theme: str) -> dict[str, str]:
    """CSS variables of one theme: the paper and one colour per model."""
    series = {f'--series-{i}': getattr(style, theme) for i, style in enumerate(STYLES)}
    return {'--paper': PAPER[theme]} | series
