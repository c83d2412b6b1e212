"""The report as one HTML file that needs nothing else: no network, no other file, no server."""

import json
import math
from pathlib import Path

import jinja2
from plotly.offline import get_plotlyjs

from benchmarks.results import ModelResult, Results
from dynp_plugins.atomic_files import atomic_path

from ..axes import check_drawable
from ..findings import (
    best_saving,
    exits_finding,
    leaving_finding,
    model_finding,
    results_finding,
    shown_point,
    training_finding,
)
from ..labels import counted, in_words, one_line, typeset
from ..published import PublishedCurve, published_curves
from ..sample_words import frames_finding, input_size
from ..series import STYLES, exit_colours, series_style
from ..times import batch_name, measured, timed_batches
from ..timing_quality import known_percentile, timing_conditions, timing_warnings
from .budget import BudgetView, budget_view, right_text, threshold_text
from .colours import ink_on, theme_colours
from .comparisons import comparison_rows, ratio_estimates, shared_scale
from .data_times import data_times
from .gallery import galleries
from .latency import latency_finding, model_times, throughput
from .numbers import between, number, significant, speedup, sure
from .page_panels import PagePanel, page_panels
from .plots import curve_axes, curve_chart
from .plots_hover import settings_text
from .plots_leaving import leaving_chart
from .reliability import reliability_diagram

TEMPLATES = Path(__file__).parent / 'templates'

FEW = 4
"""Up to so many models, everything about them is open and their intervals are drawn."""


MOST_BYTES = 7_900_000
"""Of the page; if it were longer, it shows fewer pictures."""

PICTURES_PER_EXIT = (12, 8, 6, 4, 2, 1, 0)


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
    for pictures in PICTURES_PER_EXIT:
        text = _page(results, pictures)
        if len(text.encode(errors='replace')) <= MOST_BYTES:
            break
    return text


def _page(results: Results, pictures: int) -> str:
    """With at most so many pictures of every exit."""
    panels = page_panels(results)
    views = [_panel_view(panel, pictures) for panel in panels]
    charts = {chart: figure for view in views for chart, figure in view['figures'].items()}
    template = _environment().get_template('page.html')
    return template.render(
        results=results,
        title=_title(results, panels),
        trained=training_finding(results),
        datasets=list(dict.fromkeys(one_line(model.dataset, 60) for model in results.models)),
        tasks=list(dict.fromkeys(one_line(model.task, 60) for model in results.models)),
        panels=views,
        charts=charts,
        budgets=[_slider_data(view) for view in views],
        colours={theme: theme_colours(theme) for theme in ('light', 'dark')},
        plotly_js=get_plotlyjs(),
    )


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies['json.dumps_function'] = _json
    environment.filters |= {
        'between': between,
        'in_words': in_words,
        'input_size': input_size,
        'number': number,
        'one_line': one_line,
        'significant': significant,
        'speedup': speedup,
        'sure': sure,
        'throughput': throughput,
        'typeset': typeset,
    }
    environment.globals |= {
        'batch_name': batch_name,
        'counted': counted,
        'ink_on': ink_on,
        'known_percentile': known_percentile,
        'right_text': right_text,
        'shared_scale': shared_scale,
        'threshold_text': threshold_text,
    }
    return environment


def _json(value: object, **options) -> str:
    """JSON that every browser reads, without blanks: see `_short`."""
    return json.dumps(_short(value), allow_nan=False, separators=(',', ':'), **options)


def _short(value: object) -> object:
    """Numbers with nine significant digits; null for what is not finite."""
    if isinstance(value, dict):
        return {key: _short(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_short(entry) for entry in value]
    if isinstance(value, float):
        return float(f'{value:.9g}') if math.isfinite(value) else None
    return value


def _title(results: Results, panels: list[PagePanel]) -> str:
    if len(panels) == 1:
        return results_finding(results)
    return f'{len(results.models)} models on {len(panels)} test sets: accuracy against compute'


def _panel_view(panel: PagePanel, pictures: int) -> dict:
    """What the templates say about one panel."""
    published = published_curves(panel.results)
    models = [_model_view(panel, i) for i in range(len(panel.models))]
    figures = {f'curve-{panel.index}': curve_chart(panel, published)} | {
        view['chart']: leaving_chart(view['record'], panel.unit)
        for view in models
        if len(view['record'].exits) > 1
    }
    rows = comparison_rows(panel)
    return {
        'index': panel.index,
        'title': results_finding(panel.results),
        'subject': panel.subject,
        'unit': panel.unit,
        'samples': panel.samples,
        'frames': frames_finding(panel.models, panel.names),
        'models': models,
        'few': len(models) <= FEW,
        'several_exits': any(len(model.exits) > 1 for model in panel.models),
        'several_sources': len({model.source for model in panel.models}) > 1,
        'early_exit_models': sum(len(model.exits) > 1 for model in panel.models),
        'figures': figures,
        'axes': curve_axes(panel),
        'layers': _layers(panel, published),
        'ring': any(trace['meta']['layer'] == 'ring' for trace in _curve(figures)['data']),
        'published': published,
        'budget': budget_view(panel),
        'comparisons': rows,
        'cost_scale': shared_scale([row.cost for row in rows], True),
        'accuracy_scale': shared_scale([row.accuracy for row in rows], False),
        'galleries': galleries(panel, pictures),
        'times': model_times(panel),
        'time_finding': latency_finding(panel),
        'data_times': data_times(panel),
        'timing_conditions': timing_conditions(panel.results, panel.models),
        'timing_warnings': timing_warnings(panel.results, panel.models),
        'ratios': ratio_estimates(panel),
    }


def _curve(figures: dict[str, dict]) -> dict:
    return next(figure for name, figure in figures.items() if name.startswith('curve'))


def _model_view(panel: PagePanel, index: int) -> dict:
    """What the templates say about one model."""
    model = panel.models[index]
    colours = exit_colours(len(model.exits))
    return {
        'name': panel.names[index],
        'record': model,
        'index': index,
        'chart': f'leaving-{panel.index}-{index}',
        'style': series_style(index),
        'colour': f'var(--series-{index % len(STYLES)})',
        'finding': model_finding(model, panel.unit),
        'leaving': leaving_finding(model, panel.unit),
        'exits': exits_finding(model),
        'exit_colours': colours,
        'exit_inks': [ink_on(colour) for colour in colours],
        'diagrams': [
            (exit, diagram)
            for exit in model.exits
            if (diagram := reliability_diagram(exit, panel.unit.sample)) is not None
        ],
        'batches': [batch.batch_size for batch in timed_batches(model)],
        'policies': [(p, settings_text(p.settings)) for p in model.operating_points],
        'really_run': _budgets_run(model, panel),
        'point': shown_point(model),
        'saves': best_saving(model) is not None,
        'points': sorted(model.points, key=lambda point: point.target_gmacs),
    }


def _budgets_run(model: ModelResult, panel: PagePanel) -> str:
    """The budgets of the curve that were really run, in words."""
    costs = sorted(
        {
            point.target_gmacs
            for batch in timed_batches(model)
            for point in model.points
            if measured(batch, point)
        }
    )
    texts = [panel.unit.cost(cost) for cost in costs]
    return ', '.join(texts[:-1]) + ' and ' + texts[-1] if len(texts) > 1 else ''.join(texts)


def _layers(panel: PagePanel, published: list[PublishedCurve]) -> list[dict]:
    """What can be switched on and off in the curve chart beside the models."""
    models, few = panel.models, len(panel.models) <= FEW
    several = any(len(model.exits) > 1 for model in models)
    layers = []
    if several:
        layers += [
            {'key': 'bands', 'name': '95 % interval', 'on': few},
            {'key': 'oracle', 'name': 'oracle', 'on': few},
            {'key': 'random', 'name': 'random exits', 'on': False},
        ]
    if any(model.operating_points for model in models):
        layers.append({'key': 'policies', 'name': 'single policies', 'on': True})
    if _measured(models):
        layers.append({'key': 'measured', 'name': 'really run', 'on': True})
    if published:
        layers.append({'key': 'published', 'name': 'published', 'on': True})
    return layers


def _measured(models: list[ModelResult]) -> bool:
    return any(batch.dynamic for model in models for batch in timed_batches(model))


def _slider_data(view: dict) -> dict:
    """What the page's script needs of a panel's slider."""
    budget: BudgetView = view['budget']
    return {
        'chart': f'curve-{view["index"]}',
        'macs': [gmacs * view['unit'].per_giga for gmacs in budget.gmacs],
        'gmacs': budget.gmacs,
        'labels': budget.labels,
        'models': [
            {
                'name': model['name'],
                'colour': model['colour'],
                'leaving': model['chart'] if model['chart'] in view['figures'] else None,
                'targets': choices.targets,
                'x': choices.x,
                'top1': choices.top1,
                'shares': choices.shares,
                'names': list(choices.texts[0]),
                'texts': [list(texts.values()) for texts in choices.texts],
            }
            for model, choices in zip(view['models'], budget.models, strict=True)
        ],
    }
