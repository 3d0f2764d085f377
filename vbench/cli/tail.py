"""`vbench tail`: the queries that an index serves badly, who they are, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from vbench.cli.command import Command
from vbench.cli.data_options import moved_data_options
from vbench.cli.options import (
    cluster_option,
    delta_option,
    k_option,
    setting_option,
    some_indexes_option,
    view_option,
)
from vbench.cli.runs import RunArgument
from vbench.errors import VbenchError
from vbench.render.terminal.output import json_option, print_json, progress_bar, say

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vbench.data.dataset import Dataset
    from vbench.runs.run import Run
    from vbench.runs.schema import Warn
    from vbench.runs.settings import Setting

_EXAMPLES = """
\b
Examples:
  vbench tail results/books-hnsw-ivf-flat-1a2b3c4d
  vbench tail RUN --index hnsw --setting ef=64 --delta 0.5 -n 50
  vbench tail RUN --cross activity,taste
  vbench tail RUN --graph
"""


def pairs(
    ctx: click.Context, param: click.Parameter, given: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    """Read ``COLUMN,COLUMN``."""
    found = []
    for text in given:
        one, comma, other = (part.strip() for part in text.partition(","))
        if not one or not comma or not other:
            raise click.BadParameter(f"{text!r} is not COLUMN,COLUMN, such as activity,country")
        found.append((one, other))
    return tuple(found)


@click.command(
    cls=Command, epilog=_EXAMPLES, short_help="Explain the tail: which queries fail, and why."
)
@click.argument("path", cls=RunArgument, metavar="RUN", type=click.Path())
@some_indexes_option
@setting_option(help="Only settings with this value.  [default: each index at matched recall]")
@k_option
@delta_option(help="Queries with lower recall form the tail.")
@click.option(
    "-n",
    "number",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="Worst queries to show per index.",
)
@click.option(
    "--graph",
    is_flag=True,
    help="Build the indexes again and read their internals: what a graph cannot reach, and over "
    "how many lists an inverted file scatters the neighbors.",
)
@click.option(
    "--advise",
    is_flag=True,
    help="Also try what may help a graph: links for items without any in-links, links between the "
    "neighbors of past queries, the other space; at equal work, on held-out queries.",
)
@cluster_option
@click.option(
    "--cross",
    multiple=True,
    callback=pairs,
    metavar="COLUMN,COLUMN",
    help="Cross the segments of two columns, as in activity,country. Repeats.",
)
@view_option(
    help="Under this filter, as it was given to the run, or mask of it: random:0.05#2.  "
    "[default: the whole base, beside a table of each view]"
)
@moved_data_options
@click.option("--markdown", is_flag=True, help="GitHub-flavored Markdown on standard output.")
@json_option
def tail(
    path: str,
    indexes: tuple[str, ...],
    settings: tuple[str, ...],
    k: int | None,
    delta: float,
    graph: bool,
    advise: bool,
    cluster: str | None,
    view: str | None,
    open_given: Callable[[Run], Dataset | None],
    markdown: bool,
    as_json: bool,
    **asked: Any,
) -> int:
    """Explain the tail of a run: the queries whose recall is low, and why it is.

    Shows of each index the worst queries with what they missed and what was returned instead, the
    tail by segment, the items that no query gets, how hard the queries are, whether another index
    would have served them, and the smallest setting that suffices for each.
    """
    import msgspec

    from vbench.analysis.tail import TailReport, choose, explain
    from vbench.cli.runs import open_runs
    from vbench.runs.views import open_view

    if markdown and as_json:
        raise click.UsageError("give --markdown or --json, not both")

    def compute(opened: list[Run]) -> tuple[list[Warn], TailReport]:
        run = open_view(opened[0], view)
        inside = "--advise" if advise else "--graph"
        if (graph or advise) and run.view.filter is not None:
            raise VbenchError(
                f"{inside} looks into builds as they are without a filter; "
                f"leave out one of {inside} and --view"
            )
        run.clusters(cluster)
        given = open_given(run)
        faults: list[Warn] = []
        if graph or advise:
            chosen = choose(run, indexes, settings, k)
            faults = _rebuild(run, given, chosen, delta, indexes)
            if advise:
                faults += _advise(run, given, chosen, delta, indexes)
        return faults, explain(
            run,
            indexes=indexes,
            settings=settings,
            k=k,
            delta=delta,
            dataset=given,
            cluster=cluster,
            view=view,
            **asked,
        )

    faults, report = open_runs([path], compute)
    report = msgspec.structs.replace(report, warnings=(*report.warnings, *faults))
    if as_json:
        print_json(report)
    elif markdown:
        from vbench.render.markdown import markdown_of_tail

        say(markdown_of_tail(report))
    else:
        from vbench.render.terminal.tail import print_tail

        print_tail(report)
    return 1 if faults else 0


def _rebuild(
    run: Run,
    dataset: Dataset | None,
    settings: Sequence[Setting],
    delta: float,
    indexes: Sequence[str],
) -> list[Warn]:
    """Leave the internals of the builds in the run's folder, where they are not yet.

    What could not be read is reported as warnings; the others are shown.
    """
    from vbench.analysis.in_graph import graph_hardness
    from vbench.analysis.internals import internals_of, store_internals
    from vbench.analysis.rebuild import explain_internals
    from vbench.runs.schema import Warn
    from vbench.runs.vectors import dataset_of

    def is_known(setting: Setting) -> bool:
        found = internals_of(setting, delta)
        if found is None:
            return False
        # What earlier versions left has not the hardness of queries in the graph.
        return found.graph is None or graph_hardness(setting) is not None

    pending = [each for each in settings if not is_known(each)]
    if not pending:
        return []
    dataset = dataset_of(run, dataset)
    total = sum(len(each.trials) for each in pending)
    done = 0
    faults = []
    with progress_bar() as progress:
        for setting in pending:

            def tell(number: int, name: str = str(setting), before: int = done) -> None:
                progress(f"building {name} again ({number + 1})", before + number, total)

            # What the user names on the command line is no stranger's.
            typed = {run.build_of(each).adapter for each in setting.trials} <= {*indexes}
            try:
                found = explain_internals(setting, dataset, delta, tell, trust=typed)
                store_internals(setting, delta, found)
            except VbenchError as error:
                faults.append(
                    Warn(
                        "internals not read",
                        str(error),
                        "nothing is known of its graph or lists",
                        "fix its neighbors() or lists(), or leave it out with --index",
                        code="not-looked-into",
                    )
                )
            done += len(setting.trials)
    return faults


def _advise(
    run: Run,
    dataset: Dataset | None,
    settings: Sequence[Setting],
    delta: float,
    indexes: Sequence[str],
) -> list[Warn]:
    """Leave what was tried in the run's folder, where it is not yet, of indexes with a graph."""
    import msgspec

    from vbench.analysis.advise import advise
    from vbench.analysis.internals import internals_of, store_internals
    from vbench.runs.schema import Warn
    from vbench.runs.vectors import dataset_of

    faults = []
    with progress_bar() as progress:
        for setting in settings:
            known = internals_of(setting, delta)
            if known is None or known.graph is None or known.advice is not None:
                continue
            typed = {run.build_of(each).adapter for each in setting.trials} <= {*indexes}
            try:
                found = advise(setting, dataset_of(run, dataset), delta, progress, trust=typed)
            except VbenchError as error:
                why = "nothing was tried that may help it"
                remedy = "fix its neighbors(), or leave it out with --index"
                faults.append(Warn("no advice", str(error), why, remedy, code="no-advice"))
                continue
            store_internals(setting, delta, msgspec.structs.replace(known, advice=found))
    return faults
