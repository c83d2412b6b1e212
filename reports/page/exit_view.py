"""What the templates say about models with exits that share a chart."""

from benchmarks.results import ModelResult

from ..findings import (
    best_saving,
    exits_finding,
    leaving_finding,
    model_finding,
    results_finding,
    shown_point,
)
from ..published import PublishedCurve, published_curves
from ..sample_words import frames_finding
from ..series import STYLES, exit_colours, series_style
from ..times import measured, timed_batches
from ..timing_quality import timing_conditions, timing_warnings
from ..tuning import tuning_finding
from .agreement import agreement_views
from .budget import budget_view
from .colours import ink_on
from .comparisons import comparison_rows, ratio_estimates, shared_scale
from .data_times import data_times
from .gallery import galleries
from .latency import latency_finding, model_times
from .page_panels import PagePanel
from .plots import curve_axes, curve_chart
from .plots_hover import settings_text
from .plots_leaving import leaving_chart
from .reliability import reliability_diagram
from .speedups import speedup_view

FEW = 4
"""Up to so many models, everything about them is open and their intervals are drawn."""


def exit_view(panel: PagePanel, pictures: int) -> dict:
    """What the templates say about one panel.

    Args:
        panel: The models.
        pictures: At most so many of every exit are shown.
    """
    published = published_curves(panel.results)
    models = [_model_view(panel, i) for i in range(len(panel.models))]
    figures = {f'curve-{panel.index}': curve_chart(panel, published)} | {
        view['chart']: leaving_chart(view['record'], panel.unit)
        for view in models
        if len(view['record'].exits) > 1
    }
    rows = comparison_rows(panel)
    view = {
        'kind': 'exits',
        'index': panel.index,
        'task': panel.models[0].task,
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
        'axes': {key: _axis_name(key) for key in curve_axes(panel)},
        'measure': 'top-1 accuracy',
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
        'tunings': [
            (name, tuning_finding(model.latency.tuning))
            for name, model in zip(panel.names, panel.models, strict=True)
            if model.latency is not None and model.latency.tuning is not None
        ],
        'speedups': speedup_view(panel),
        'agreements': agreement_views(panel),
    }
    return view | {'links': _links(view)}


def _links(view: dict) -> list[tuple[str, str]]:
    """(id, name) of the sections."""
    links = [
        ('curve', 'Curve', True),
        ('compared', 'Comparison', view['comparisons']),
        ('leaving', f'Where {view["samples"]} leave', len(view['figures']) > 1),
        ('gallery', 'Gallery', view['galleries']),
        ('exits', 'Exits', True),
        ('latency', 'Latency', view['times']),
        ('speedup', 'Speed-up', view['speedups'] is not None),
        ('agreement', 'Agreement', view['agreements']),
        ('numbers', 'Numbers', True),
    ]
    return [(f'{place}-{view["index"]}', name) for place, name, there in links if there]


def _axis_name(key: str) -> str:
    return 'MACs' if key == 'macs' else f'ms, batch {key.removeprefix("ms-")}'


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
