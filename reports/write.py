"""The report's folder: what is written there, and when an earlier report may be replaced."""

import os
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from benchmarks.check_results import table_name
from benchmarks.detection.table import DetectionTable, detection_table_name
from benchmarks.results import Results, read_results, write_results
from dynp_plugins.early_exit import ExitPolicy, ExitTable
from dynp_plugins.errors import UserError

from .axes import check_drawable
from .detection.tables import has_detectors, write_detection_csv
from .figures.curve import draw_curve
from .figures.latency import draw_latency, has_latency
from .figures.speedup import draw_speedups
from .markdown.document import write_markdown
from .page.document import write_page
from .speedups import has_speedups
from .staging import move_into_place, staged_folder
from .tables import has_curves, write_curve_csv

WRITERS = {
    'results.json': write_results,
    'report.html': write_page,
    'report.md': write_markdown,
    'curve.png': draw_curve,
    'curve.svg': draw_curve,
    'latency.png': draw_latency,
    'latency.svg': draw_latency,
    'speedup.png': draw_speedups,
    'speedup.svg': draw_speedups,
    'curve.csv': write_curve_csv,
    'detection.csv': write_detection_csv,
}
"""Every file right in a report's folder and what writes it."""

OPTIONAL = {
    'latency.png': has_latency,
    'latency.svg': has_latency,
    'speedup.png': has_speedups,
    'speedup.svg': has_speedups,
    'curve.csv': has_curves,
    'detection.csv': has_detectors,
}
"""Files that only some results have."""

TABLES, POLICIES = 'tables', 'policies'
"""Folders of a report."""

Identity = tuple[str | None, str | None, str | None, str | None]
"""SHA-256 of what one model's curve was made from: config, checkpoint, calibration and test split.

None stands for what is not known yet; the splits' hashes, for example, before the data is read.
"""


def run_identity(results: Results) -> set[Identity]:
    """What went into a run: two runs with the same set may replace each other's results."""
    return {
        (model.config.sha256, model.checkpoint.sha256, model.calibration.sha256, model.test.sha256)
        for model in (*results.models, *results.detectors)
    }


def check_output_folder(
    out_dir: str | Path, overwrite: bool, identity: Collection[Identity] | None = None
) -> None:
    """Refuse a folder that holds results of another run, or cannot be written.

    Call it before measuring; it writes nothing. A folder without files of a report is fine, and so
    is one whose ``results.json`` came from the same configs, checkpoints and splits: doing a run
    again may replace its own results.

    Args:
        out_dir: The folder; it need not exist.
        overwrite: Whether any report there may be replaced.
        identity: What the new run is made from, one entry per model. Entries may hold None for
            hashes that are not known yet; those are not compared. None: nothing is known yet, and
            only a folder without a report passes.

    Raises:
        UserError: ``out_dir`` is no folder that can be written; or, unless ``overwrite``, it holds
            a report of another run, one that cannot be read, or files of a report without
            ``results.json``.
    """
    out_dir = Path(out_dir)
    existing = next(path for path in (out_dir, *out_dir.parents) if os.path.exists(path))
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise UserError(
            f'the report cannot be written to {out_dir}, because {existing} is no folder that may '
            'be written: choose another folder'
        )
    present = [name for name in WRITERS if os.path.lexists(out_dir / name)]
    if overwrite or not present:
        return
    way_out = 'choose another folder, or pass --overwrite to replace them'
    if 'results.json' not in present:
        raise UserError(
            f'{out_dir} holds {", ".join(present)} but no results.json that says which run made '
            f'them: {way_out}'
        )
    try:
        earlier = run_identity(read_results(out_dir / 'results.json'))
    except UserError as error:
        raise UserError(f'{out_dir}: {error}; {way_out}') from error
    if identity is None:
        raise UserError(f'{out_dir} already holds results: {way_out}')
    if not _same_run(earlier, set(identity)):
        raise UserError(f'{out_dir} already holds results of another run: {way_out}')


def _same_run(earlier: set[Identity], new: set[Identity]) -> bool:
    """Whether two sets agree in every hash that all of the new entries know."""
    known = [i for i in range(4) if all(entry[i] is not None for entry in new)]
    if not known:
        return False

    def parts(entries: set[Identity]) -> set[tuple]:
        return {tuple(entry[i] for i in known) for entry in entries}

    return parts(earlier) == parts(new)


def write_report(
    results: Results,
    out_dir: str | Path,
    overwrite: bool = False,
    tables: Sequence[ExitTable] = (),
    policies: Mapping[str, ExitPolicy] | None = None,
    detection_tables: Sequence[DetectionTable] = (),
) -> Path:
    """Write the files of `WRITERS`, ``tables/``, ``policies/``, and SHA256SUMS over all of them.

    All are made in a temporary folder first and then moved into place, ``results.json`` before the
    others: if any cannot be made, the folder stays as it was. If the process is killed, every
    visible file is whole, and the same run may be written again. At the end, what an earlier report
    had and this one has not is removed.

    Args:
        results: What was measured.
        out_dir: The folder; it is created.
        overwrite: Whether to replace a report of another run.
        tables: The exit tables that the results were computed from; their manifests name model and
            split.
        policies: Name to policy; each is saved as a file of that name.
        detection_tables: Those of detectors; their manifests also name the scale.

    Returns:
        Path of ``report.html``.

    Raises:
        UserError: See `check_output_folder`; or results without a curve; or a folder lies where a
            file has to go.
    """
    out_dir = Path(out_dir)
    check_drawable(results)
    check_output_folder(out_dir, overwrite, run_identity(results))
    with staged_folder(out_dir) as staged:
        for name, write in WRITERS.items():
            if name not in OPTIONAL or OPTIONAL[name](results):
                write(results, staged / name)
        for table in tables:
            table.save(_free(staged / TABLES / table_name(*_model_and_split(table))))
        for table in detection_tables:
            name = detection_table_name(*_model_and_split(table), table.manifest['scale'])
            table.save(_free(staged / TABLES / name))
        for name, policy in (policies or {}).items():
            policy.save(_free(staged / POLICIES / policy_name(name)))
        move_into_place(staged, out_dir, 'results.json', WRITERS, (TABLES, POLICIES))
    return out_dir / 'report.html'


def policy_name(name: str) -> str:
    """File name of a policy in a report's folder: what is odd in a name becomes ``_``."""
    return f'{re.sub(r"[^0-9A-Za-z.+-]+", "_", name).strip("._") or "policy"}.json'


def _model_and_split(table: ExitTable | DetectionTable) -> tuple[str, str]:
    return table.manifest['model'], table.manifest['split']


def _free(path: Path) -> Path:
    """The same path, if nothing has been written there."""
    if path.exists():
        raise UserError(f'two parts of the report would be called {path.name}: rename one of them')
    return path
