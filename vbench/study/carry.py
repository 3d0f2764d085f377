"""Carry a study out: every part a run that resumes, then figures and tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from vbench._document import Estimated
from vbench.analysis.ageing import AgedRow, AgeFacts
from vbench.analysis.document import SettingRow
from vbench.analysis.filters import FilteredRow
from vbench.analysis.gather import gather
from vbench.analysis.scaling import ScalingLine
from vbench.analysis.study import StudyResult, StudyRow, StudyRun
from vbench.analysis.summary import Summary, SummaryRow, summarize
from vbench.bench.journal import Progress
from vbench.bench.prepare import prepare
from vbench.bench.runner import run as measure
from vbench.bench.sources import Source
from vbench.data.dataset import Dataset
from vbench.data.files import write_whole
from vbench.errors import VbenchError
from vbench.indexes.library import is_installed
from vbench.indexes.recipe import load_recipe, recipe_files
from vbench.indexes.registry import resolve
from vbench.indexes.service import check_reachable
from vbench.measures.grammar import parse
from vbench.render.figures import DOUBLE, Runs, export
from vbench.render.figures.export import Planned
from vbench.render.page import page
from vbench.runs.failed import failed_trials, missing_results
from vbench.runs.loads import label_load
from vbench.runs.run import Run
from vbench.runs.settings import spell
from vbench.runs.views import open_view
from vbench.study.file import INSTALLED, Figure, Part, Study, Table, drawers
from vbench.study.scaling import Measured, find_lines, frame_of, scaling


def carry_out(
    study: Study,
    folder: Path,
    *,
    threads: int = 1,
    timeout: float | None = None,
    memory_limit: int | None = None,
    fresh: bool = False,
    progress: Progress,
) -> StudyResult:
    """Measure every part, in order, then draw and table.

    A part that is finished is not measured again; one that was killed resumes.

    Raises
    ------
    VbenchError
        A dataset is missing, or a part of the study cannot be planned: before anything is run.
    """
    datasets = {each: each.load() for each in dict.fromkeys(part.data for part in study.parts)}
    parts = [
        _with_installed(part, datasets[part.data])
        for part in study.parts
        # A sample of everything is the same whichever it is.
        if not (part.sample and datasets[part.data].base_at_most is None)
    ]
    study = msgspec.structs.replace(study, parts=parts)
    for part in study.parts:
        _check(datasets[part.data], part, threads)
    measured = []
    for number, part in enumerate(study.parts):
        run = measure(
            datasets[part.data],
            part.indexes,
            part.measure_options(threads, timeout, memory_limit),
            settings=part.settings,
            out=folder / "runs" / part.folder,
            fresh=fresh,
            progress=_within(progress, study, number),
        )
        measured.append(Measured(part, run))
    progress("figures and tables", 0, 1)
    drawn, undrawn = _draw(study, measured, folder / "figures")
    tables = {table.name: list(_rows(measured, table)) for table in study.tables}
    for name, rows in tables.items():
        write_whole(folder / "tables" / f"{name}.csv", _frame(rows).write_csv().encode())
    lines = {each.name: find_lines(each, measured) for each in study.scaling}
    for name, found in lines.items():
        if found:
            write_whole(folder / "tables" / f"{name}.csv", frame_of(found).write_csv().encode())
            drawn += _draw_lines(name, found, folder / "figures")
    # Of samples a page would say of each what their lines say together.
    shown = [each.run for each in measured if _is_shown(each.run) and not each.part.is_sample]
    drawn_page = page.write(shown, folder / "report.html") if shown else None
    result = StudyResult(
        study=study.name,
        title=study.title,
        folder=str(folder),
        runs=[
            StudyRun(
                part=part.name,
                dataset=part.dataset,
                run=str(run.path),
                levels=run.manifest.levels,
                warnings=run.manifest.warnings,
            )
            for part, run in measured
        ],
        tables=tables,
        scaling=lines,
        figures=list(map(str, drawn)),
        undrawn=undrawn,
        page=None if drawn_page is None else str(drawn_page),
        failed=failed_trials(run for _, run in measured),
        missing=missing_results(run for _, run in measured),
    )
    write_whole(folder / "study.json", result.to_json().encode())
    return result


def _with_installed(part: Part, dataset: Dataset) -> Part:
    """The part with the indexes that are installed and fit its data, where it asks for them."""
    if INSTALLED not in part.indexes:
        return part
    found = [name for name in part.indexes if name != INSTALLED]
    found += [name for name in recipe_files() if name not in found and _fits(name, dataset)]
    return msgspec.structs.replace(part, indexes=found)


def _fits(name: str, dataset: Dataset) -> bool:
    recipe = load_recipe(name)
    kind = resolve(recipe.adapter)
    if recipe.tune_parameter is None or not is_installed(kind):
        return False
    try:
        check_reachable(kind.service, recipe.connect, name)
        Source.of(recipe, dataset.metric, dataset.d, dataset.learn)
    except VbenchError:
        # No server, another metric, other dimensions, or it needs queries to learn from.
        return False
    return True


def _check(dataset: Dataset, part: Part, threads: int) -> None:
    """Plan a part without doing anything."""
    try:
        prepare(dataset, part.indexes, part.settings, part.measure_options(threads))
    except VbenchError as error:
        raise VbenchError(f"part {part.folder}: {error}") from None


def _within(progress: Progress, study: Study, number: int) -> Progress:
    """Progress of one part, named."""
    part = study.parts[number]
    label = f"{number + 1}/{len(study.parts)} {part.name} {part.dataset}"
    return lambda doing, done, total: progress(f"{label}: {doing}", done, total)


def _draw(study: Study, measured: list[Measured], folder: Path) -> tuple[list[Path], list[str]]:
    """All figures as PNG and SVG; what cannot be drawn is said, and the others are."""
    drawn: list[Path] = []
    undrawn: list[str] = []
    for figure in study.figures:
        for label, runs, k in _panels(study, measured, figure):
            name = f"{figure.name}-{label}-k{k}"
            arguments = {**figure.arguments, "k": k}
            planned = Planned(name, drawers()[figure.draw], arguments)
            try:
                made = export.draw(planned, gather(runs), DOUBLE, f"{label}, K = {k}")
                folder.mkdir(parents=True, exist_ok=True)
                for kind in ("png", "svg"):
                    export.save(made, folder / f"{name}.{kind}", kind)
                    drawn.append(folder / f"{name}.{kind}")
            except VbenchError as error:
                undrawn.append(f"{name}: {error}")
    return drawn, undrawn


def _draw_lines(name: str, lines: list[ScalingLine], folder: Path) -> list[Path]:
    """A figure for each measure of each part."""
    drawn: list[Path] = []
    of: dict[tuple[str, str, int, str], list[ScalingLine]] = {}
    for line in lines:
        of.setdefault((line.part, line.dataset, line.k, line.measure), []).append(line)
    for (part, dataset, k, what), some in of.items():
        label = "".join(c if c.isalnum() or c in "._-" else "-" for c in what).strip("-")
        stem = Path(dataset).stem
        planned = Planned(f"{name}-{part}-{stem}-{label}-k{k}", scaling)
        made = export.draw(planned, some, DOUBLE, f"{stem}, K = {k}")
        folder.mkdir(parents=True, exist_ok=True)
        for kind in ("png", "svg"):
            export.save(made, folder / f"{planned.name}.{kind}", kind)
            drawn.append(folder / f"{planned.name}.{kind}")
    return drawn


def _panels(
    study: Study, measured: list[Measured], figure: Figure
) -> Iterator[tuple[str, Runs, int]]:
    """Every dataset and K that a figure is drawn for."""
    for dataset in study.datasets:
        wanted = study.of(figure.parts, dataset)
        runs = [each.run for each in measured if each.part in wanted and _is_shown(each.run)]
        for k in sorted({k for part in wanted for k in part.k}):
            if runs:
                yield Path(dataset).stem, runs, k


def _is_shown(run: Run) -> bool:
    """Whether a run has a result, in the view that pages and figures open it in."""
    return bool(open_view(run).settings())


def _rows(measured: list[Measured], table: Table) -> Iterator[StudyRow]:
    """Every measure of the table, of every setting of its parts."""
    for part, run in measured:
        if part.name not in table.parts:
            continue
        measures = [parse(spelling) for k in part.k for spelling in table.at(k)]
        summary = summarize(run, measures)
        for row, age in sorted(_settings(summary), key=lambda each: each[0].k):
            known = {name: getattr(row, name) for name in SettingRow.__struct_fields__}
            for spelling in table.at(row.k):
                estimate = row.measures.get(str(parse(spelling)), Estimated(None))
                yield StudyRow(
                    **known,
                    part=part.name,
                    dataset=run.manifest.dataset.name,
                    workload=part.workload,
                    age=age,
                    measure=spelling.removesuffix(f"@{row.k}"),
                    value=estimate.value,
                    low=estimate.low,
                    high=estimate.high,
                    spread=estimate.spread,
                )


def _settings(
    summary: Summary,
) -> Iterator[tuple[SummaryRow | FilteredRow | AgedRow, AgeFacts | None]]:
    """Every setting of a run: at each age, or without and under each filter over its masks."""
    for workload in summary.ageing:
        ages = {each.step: each for each in workload.ages}
        yield from ((row, ages[row.step]) for row in workload.settings)
    if summary.filtering is not None and not summary.ageing:
        yield from ((row, None) for row in summary.filtering.settings)
    if not summary.ageing and summary.filtering is None:
        yield from ((row, None) for row in summary.settings)


def _frame(rows: list[StudyRow]) -> pl.DataFrame:
    """The rows as the CSV has them: parameters as ``name=value``."""
    columns = ("part", "dataset", "measure", "index", "build", "setting", "k", "builds")
    told = [row for row in rows if row.load is not None]
    aged = [row for row in rows if row.age is not None]
    filtered = [row for row in rows if row.view is not None and row.view.filter is not None]
    named = [
        {name: getattr(row, name) for name in columns}
        | {"build": spell(row.build), "setting": spell(row.setting)}
        | ({"filter": row.view.filter if row.view else None} if filtered else {})
        | ({"workload": row.workload, **_age(row.age)} if aged else {})
        | ({"load": label_load(row.load) or None} if told else {})
        | {name: getattr(row, name) for name in ("value", "low", "high", "spread")}
        for row in rows
    ]
    return pl.DataFrame(named, infer_schema_length=None)


def _age(age: AgeFacts | None) -> dict[str, Any]:
    names = ("step", "live", "replaced_share")
    return {name: None if age is None else getattr(age, name) for name in names}
