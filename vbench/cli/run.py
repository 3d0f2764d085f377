"""`vbench run`: build, search, score; a table, and a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from vbench.cli.command import Command
from vbench.cli.data_options import data_options
from vbench.cli.options import (
    cluster_option,
    device_option,
    index_option,
    load_options,
    measuring_options,
    set_option,
    workers_option,
    workload_options,
)
from vbench.cli.values import complete_measure, cutoffs
from vbench.errors import UnknownNameError, VbenchError
from vbench.render.terminal.output import json_option, print_json, progress_bar, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from vbench.data.dataset import Dataset

_EXAMPLES = """
\b
Examples:
  vbench run --index hnsw
  vbench run --index hnsw --index ivf-flat --dataset glove-50 -k 10 -k 100
  vbench run --index hnsw --set ef=32,64 --set M=32 --dataset sift.hdf5
  vbench run --index hnsw --index ivf-flat --at-recall 0.9
  vbench run --index hnsw --workload churn --set replace_deleted=false,true
  vbench run --index hnsw --filter random:0.05 --filter popularity:0-50%
  vbench run --index 'faiss:IVF1024,PQ16' --set nprobe=8,32
  vbench run --index hnsw --clients 1,2,4 --measure 'Served(delta=0.9,within=10ms)@10'
  vbench run --index hnsw --index ivf-flat --workers local
  vbench run --index hnsw --python old/bin/python --python new/bin/python --out versions
  vbench run --study robustness
  vbench run --index my_package.my_module:MyIndex --dataset base.npy --queries q.npy --metric ip
"""


_OF_STUDIES = {"study", "out", "trust", "fresh", "threads", "timeout", "memory_limit", "as_json"}
"""Options that go with --study, whose file says the rest."""


def _columns(dataset: Dataset) -> list[str]:
    return [] if dataset.segments is None else dataset.segments.columns


@click.command(cls=Command, epilog=_EXAMPLES, short_help="Build, search and score indexes.")
@index_option(
    help="Recipe, TOML file, package.module:Class, faiss:FACTORY or annb:FILE.py:Class. Repeats.",
)
@data_options
@click.option(
    "-k",
    "ks",
    callback=cutoffs,
    multiple=True,
    default=["10"],
    show_default=True,
    metavar="K",
    help="Neighbors to retrieve. Repeats.",
)
@click.option(
    "--study",
    metavar="NAME|FILE",
    help="Run a study instead: several runs with figures and tables, such as robustness.",
)
@set_option(
    help="Override values of the recipe: ef=16,32 or hnsw.ef=16. Repeats.",
)
@click.option(
    "--at-recall",
    type=click.FloatRange(min=0, max=1, min_open=True),
    metavar="RECALL",
    help="Bring each index to this mean recall, by the parameter that its recipe names.",
)
@workload_options
@click.option(
    "--measure",
    "extra",
    multiple=True,
    metavar="MEASURE",
    shell_complete=complete_measure,
    help="Also show this measure, such as nDCG@10. Repeats.",
)
@cluster_option
@click.option(
    "--python",
    "pythons",
    multiple=True,
    metavar="[NAME=]PYTHON",
    help="Make the run in this environment, such as old/bin/python. Given for each of two or more, "
    "which are then compared.",
)
@measuring_options
@workers_option
@device_option
@load_options
@json_option
def run(
    indexes: tuple[str, ...],
    study: str | None,
    ks: tuple[int, ...],
    settings: dict[str, list[str]],
    at_recall: float | None,
    extra: tuple[str, ...],
    cluster: str | None,
    pythons: tuple[str, ...],
    open_data: Callable[[], Dataset],
    as_json: bool,
    **measuring: Any,
) -> int:
    """Measure how evenly INDEX serves the queries of a dataset.

    Builds each index several times, each build in its own process, runs every query at every
    search setting, scores the answers against the exact neighbors, and writes a run folder.
    Repeating the call resumes an interrupted run.
    """
    if study is not None:
        return _carry_out(study, as_json=as_json)
    if not indexes:
        raise click.UsageError("give --index, such as --index hnsw, or --study robustness")

    if pythons:
        return _run_in_each(pythons, measuring["out"], extra, cluster, as_json=as_json)

    import msgspec

    from vbench.analysis.summary import summarize
    from vbench.api.measuring import run as measure
    from vbench.measures.grammar import parse

    measures = [parse(text) for text in extra]
    for each in measures:
        if each.cutoff is not None and each.cutoff not in ks:
            raise VbenchError(
                f"--measure {each} needs -k {each.cutoff}; this run has "
                f"K={', '.join(map(str, sorted(set(ks))))}"
            )
    data = open_data()
    if cluster is not None and cluster not in (known := _columns(data)):
        raise UnknownNameError("column of the queries", cluster, known, "give one with --segments")
    with progress_bar() as progress:
        done = measure(
            data,
            indexes,
            k=ks,
            settings=settings,
            at_recall=at_recall,
            **measuring,
            progress=progress,
        )
    summary = summarize(done, measures, cluster)
    if summary.settings:
        page = str(done.report(done.path / "report.html"))
        summary = msgspec.structs.replace(summary, report=page)
    if as_json:
        print_json(summary)
    else:
        from vbench.render.terminal.run import print_summary

        print_summary(summary)
    return 1 if summary.failed else 0


def _run_in_each(
    pythons: tuple[str, ...],
    out: str | None,
    measures: tuple[str, ...],
    cluster: str | None,
    *,
    as_json: bool,
) -> int:
    """The run of this call in several environments, and how the others compare with the first."""
    from vbench.analysis.compare import compare
    from vbench.analysis.comparison import Comparison, store_comparison
    from vbench.cli.environments import read_environments, run_each
    from vbench.cli.runs import open_runs
    from vbench.runs.run import Run

    environments = read_environments(pythons)
    name = "-".join(each.name for each in environments)
    folders, failed = run_each(environments, Path(out or Path("results") / f"python-{name}"))

    def compare_runs(opened: list[Run]) -> Comparison:
        found = compare(opened, measures=measures, cluster=cluster)
        store_comparison(opened[-1], found)
        return found

    found = open_runs(folders, compare_runs)
    if as_json:
        print_json(found)
    else:
        from vbench.render.terminal.compare import print_comparison

        print_comparison(found)
        for folder in folders:
            say(f"run folder: {folder}")
    return 1 if failed else found.exit_code


def _carry_out(spec: str, *, as_json: bool) -> int:
    """Carry out a study with the options of the command that is running."""
    from vbench.study.carry import carry_out
    from vbench.study.file import read_study

    context = click.get_current_context()
    _refuse_others(context)
    given = context.params
    study = read_study(spec)
    with progress_bar() as progress:
        done = carry_out(
            study,
            Path(given["out"] or Path("results") / f"study-{study.name}"),
            threads=given["threads"],
            timeout=given["timeout"],
            memory_limit=given["memory_limit"],
            fresh=given["fresh"],
            progress=progress,
        )
    if as_json:
        print_json(done)
    else:
        from vbench.render.terminal.study import print_study

        print_study(done)
    return 1 if done.failed else 0


def _refuse_others(context: click.Context) -> None:
    """Options that the study's file decides on."""
    from vbench._paths import resource_dir

    for parameter in context.command.params:
        name = parameter.name or ""
        given = context.get_parameter_source(name) == ParameterSource.COMMANDLINE
        if given and name not in _OF_STUDIES:
            raise VbenchError(
                f"{parameter.opts[0]} does not go with --study, whose file says what is measured; "
                f"copy {resource_dir('reports') / 'studies' / 'robustness.toml'}, change "
                "it, and give its path"
            )
