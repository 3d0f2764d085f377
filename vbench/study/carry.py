"""Carry a study out: every part a run that resumes, then figures and tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import polars as pl

from vbench.analysis.gather import gather
from vbench.bench.journal import Progress
from vbench.bench.prepare import prepare
from vbench.bench.runner import run as measure
from vbench.data.dataset import Dataset
from vbench.data.files import write_whole
from vbench.data.load import load
from vbench.errors import VbenchError
from vbench.render.figures import DOUBLE, Runs, export
from vbench.render.figures.export import Planned
from vbench.render.page import page
from vbench.runs.failed import failed_trials
from vbench.runs.run import Run
from vbench.study.figures import drawers
from vbench.study.file import Figure, Part, Study

SCHEMA = "vbench.study/1"
_INTRODUCED = "measure"


class Measured(NamedTuple):
    """One part and its run."""

    part: Part
    run: Run


class Done(NamedTuple):
    """What a study left in its folder.

    Attributes
    ----------
    figures
        The files; `undrawn` says why others are missing.
    tables
        One row for each setting: columns `part`, `dataset`, those of ``Run.measure``, `measure`.
    """

    study: Study
    folder: Path
    measured: list[Measured]
    figures: list[Path]
    undrawn: list[str]
    tables: dict[str, pl.DataFrame]
    page: Path | None


def carry_out(
    study: Study,
    folder: Path,
    *,
    threads: int = 1,
    timeout: float | None = None,
    memory_limit: int | None = None,
    fresh: bool = False,
    progress: Progress,
) -> Done:
    """Measure every part, in order, then draw and table.

    A part that is finished is not measured again; one that was killed resumes.

    Raises
    ------
    VbenchError
        A dataset is missing, or a part of the study cannot be planned: before anything is run.
    """
    datasets = {name: load(name) for name in study.datasets}
    for part in study.parts:
        _check(datasets[part.dataset], part, threads)
    measured = []
    for number, part in enumerate(study.parts):
        run = measure(
            datasets[part.dataset],
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
    tables = {table.name: _tabled(study, measured, table.name) for table in study.tables}
    for name, frame in tables.items():
        write_whole(folder / "tables" / f"{name}.csv", frame.write_csv().encode())
    shown = [each.run for each in measured if each.run.settings()]
    done = Done(
        study,
        folder,
        measured,
        drawn,
        undrawn,
        tables,
        page.write(shown, folder / "report.html") if shown else None,
    )
    write_whole(folder / "study.json", msgspec.json.encode(document(done)))
    return done


def _check(dataset: Dataset, part: Part, threads: int) -> None:
    """Plan a part without doing anything."""
    try:
        prepare(dataset, part.indexes, part.settings, part.measure_options(threads))
    except VbenchError as error:
        raise VbenchError(f"part {part.folder}: {error}") from None


def document(done: Done) -> dict[str, Any]:
    """What was measured and drawn, as a JSON document."""
    return {
        "schema": SCHEMA,
        "study": done.study.name,
        "title": done.study.title,
        "folder": str(done.folder),
        "runs": [
            {
                "part": each.part.name,
                "dataset": each.part.dataset,
                "run": str(each.run.path),
                "levels": msgspec.to_builtins(each.run.manifest.levels),
                "failed": failed_trials(each.run),
            }
            for each in done.measured
        ],
        "tables": {name: frame.to_dicts() for name, frame in done.tables.items()},
        "figures": [str(path) for path in done.figures],
        "undrawn": done.undrawn,
        "page": None if done.page is None else str(done.page),
    }


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
            try:
                made = export.draw(_planned(figure, name, k), gather(runs), DOUBLE)
                folder.mkdir(parents=True, exist_ok=True)
                for kind in ("png", "svg"):
                    export.save(made, folder / f"{name}.{kind}", kind)
                    drawn.append(folder / f"{name}.{kind}")
            except VbenchError as error:
                undrawn.append(f"{name}: {error}")
    return drawn, undrawn


def _planned(figure: Figure, name: str, k: int) -> Planned:
    return Planned(name, drawers()[figure.draw], {**figure.arguments, "k": k})


def _panels(
    study: Study, measured: list[Measured], figure: Figure
) -> Iterator[tuple[str, Runs, int]]:
    """Every dataset and K that a figure is drawn for."""
    for dataset in study.datasets:
        wanted = study.of(figure.parts, dataset)
        runs = [each.run for each in measured if each.part in wanted and each.run.settings()]
        for k in sorted({k for part in wanted for k in part.k}):
            if runs:
                yield Path(dataset).stem, runs, k


def _tabled(study: Study, measured: list[Measured], name: str) -> pl.DataFrame:
    (table,) = (each for each in study.tables if each.name == name)
    frames = []
    for part, run in measured:
        if part.name not in table.parts or not run.settings():
            continue
        for k in sorted({setting.k for setting in run.settings()}):
            for spelling in table.at(k):
                frame = run.measure(spelling).filter(pl.col("k") == k)
                head = {"part": part.name, "dataset": run.manifest.dataset.name}
                named = {**head, _INTRODUCED: table_name(spelling, k)}
                frames.append(frame.with_columns(pl.lit(v).alias(c) for c, v in named.items()))
    return pl.concat(frames, how="vertical_relaxed") if frames else pl.DataFrame()


def table_name(spelling: str, k: int) -> str:
    """A measure without its K, which has a column of its own."""
    return spelling.removesuffix(f"@{k}")
