"""The report as one HTML file that needs nothing else: no network, no other file, no server."""

import json
import math
from functools import cache
from pathlib import Path

import jinja2
from plotly.offline import get_plotlyjs

from benchmarks.results import Results
from dynp_plugins.atomic_files import atomic_path

from ..axes import check_drawable
from ..findings import results_finding, tasks_of, training_finding
from ..labels import counted, in_words, one_line, typeset
from ..sample_words import input_size
from ..times import batch_name
from ..timing_quality import known_percentile
from .budget import BudgetView, right_text, threshold_text
from .colours import ink_on, theme_colours
from .comparisons import shared_scale
from .detection.panel import detection_panels
from .detection.view import detection_view
from .exit_view import exit_view
from .latency import throughput
from .numbers import between, number, significant, speedup, sure
from .page_panels import page_panels
from .tabs import task_tabs

TEMPLATES = Path(__file__).parent / 'templates'

MOST_BYTES = 7_900_000
"""Of the page; if it were longer, it shows fewer pictures."""

PICTURES_PER_EXIT = (12, 8, 6, 4, 2, 1, 0)
"""Tried in this order; as many of a detector's best and of its worst."""


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
    """With at most so many pictures of every exit, and of a detector's best and worst."""
    panels = page_panels(results)
    detectors = detection_panels(results, len(panels))
    views = [exit_view(panel, pictures) for panel in panels]
    views += [detection_view(panel, pictures) for panel in detectors]
    charts = {chart: figure for view in views for chart, figure in view['figures'].items()}
    models = [*results.models, *results.detectors]
    template = _environment().get_template('page.html')
    return template.render(
        results=results,
        title=_title(results, len(views)),
        trained=training_finding(results),
        datasets=list(dict.fromkeys(one_line(model.dataset, 60) for model in models)),
        tasks=[one_line(task, 60) for task in tasks_of(results)],
        panels=views,
        tabs=task_tabs(views, results),
        charts=charts,
        budgets=[_slider_data(view) for view in views],
        colours={theme: theme_colours(theme) for theme in ('light', 'dark')},
        plotly_js=get_plotlyjs(),
    )


@cache
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


def _title(results: Results, panels: int) -> str:
    if panels == 1:
        return results_finding(results)
    models = len(results.models) + len(results.detectors)
    return f'{models} models on {panels} test sets: accuracy against compute'


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
                'heights': choices.heights,
                'shares': choices.shares,
                'names': list(choices.texts[0]),
                'texts': [list(texts.values()) for texts in choices.texts],
            }
            for model, choices in zip(view['models'], budget.models, strict=True)
        ],
    }
