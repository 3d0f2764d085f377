"""`vbench rank`: what the ranking stage makes of the candidates, and what misses cost it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vbench.cli.command import Command
from vbench.cli.data_options import moved_data_options
from vbench.cli.options import runs_argument, view_option
from vbench.cli.values import complete_ranker
from vbench.render.terminal.output import json_option, print_json, progress_bar, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from vbench.analysis.ranking import RankingLoss
    from vbench.data.dataset import Dataset
    from vbench.ranking.handoff import Export
    from vbench.runs.run import Run

_EXAMPLES = """
\b
Examples:
  vbench run --index hnsw --index ivf-flat --dataset books -k 100
  vbench rank results/RUN
  vbench rank results/RUN --ranker tower --ranker cross --ranker mixer
  vbench rank results/RUN --ranker 'zenith(width=32,depth=3)' --seeds 3
  vbench rank results/RUN --ranker cross --rerank
  vbench rank results/RUN --ranker 'command:python my_ranker.py'
  vbench rank results/RUN --export candidates --format trec
  vbench rank results/RUN --ranker file:candidates/scored.run
  vbench rank results/RUN --view seen
"""


@click.command(
    cls=Command,
    epilog=_EXAMPLES,
    short_help="Measure what an index's misses cost the ranking stage.",
)
@runs_argument
@click.option(
    "--ranker",
    "-r",
    "rankers",
    multiple=True,
    metavar="RANKER",
    shell_complete=complete_ranker,
    help="tower, popularity, cross, mixer, zenith, unimixer, hyformer, msn, a plug-in, "
    "package.module:Class, command:PROGRAM or file:SCORES. Options in brackets: "
    "zenith(width=64,depth=2). Repeats.  [default: tower, and popularity where it is known]",
)
@click.option(
    "--k",
    "-k",
    "k",
    type=click.IntRange(min=1),
    help="Candidates per query.  [default: the largest K of the runs]",
)
@view_option(
    help="Under this filter, mask or age of the run: seen, random:0.05#2, churn@4.  "
    "[default: the whole base]"
)
@moved_data_options
@click.option("--relevance", metavar="PATH", help="Relevance judgments, if --dataset holds none.")
@click.option(
    "--interactions",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Training data of trained rankers.  [default: what the dataset was made from]",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Train each ranker so many times, from --seed on; measures are means over them.",
)
@click.option(
    "--rerank",
    is_flag=True,
    help="Put a list-wise stage behind each ranker (extra towers), with a loss column of its own.",
)
@click.option(
    "--export",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Only write the candidates of every trial there, for an external ranking stage.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["trec", "parquet"]),
    default="parquet",
    show_default=True,
    help="Format of --export: TREC run and qrels, or Parquet.",
)
@click.option(
    "--figures",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Draw losses, quality against recall, and predictors there, as PNG and SVG.",
)
@json_option
def rank(
    runs: tuple[str, ...],
    rankers: tuple[str, ...],
    k: int | None,
    view: str | None,
    open_given: Callable[[Run], Dataset | None],
    folder: Path | None,
    form: Any,
    figures: Path | None,
    as_json: bool,
    **training: Any,
) -> int:
    """Pass the candidates of each trial to a ranking stage, and score its top 10.

    Exact candidates serve as the control: what they lose is due to the model, and what a trial
    loses on top of that is due to the index. Needs a dataset with relevance judgments.
    """
    from vbench.analysis.rank import rank as measure
    from vbench.cli.runs import open_runs
    from vbench.ranking.handoff import export_all
    from vbench.runs.vectors import dataset_of
    from vbench.runs.views import open_view

    def vectors(run: Run) -> Dataset:
        return open_given(run) or dataset_of(run)

    def export_runs(opened: list[Run]) -> Export:
        assert folder is not None
        seen = [open_view(run, view) for run in opened]
        return export_all(seen, folder, form, k, vectors(opened[0]))

    def rank_all(opened: list[Run]) -> RankingLoss:
        data = vectors(opened[0])
        with progress_bar() as progress:
            return measure(
                opened, rankers, k, dataset=data, view=view, progress=progress, **training
            )

    if folder is not None:
        exported = open_runs(runs, export_runs)
        if as_json:
            print_json(exported)
        else:
            from vbench.analysis.verdict import tell_missing
            from vbench.render.terminal.output import console
            from vbench.render.terminal.tables import print_warnings

            print_warnings(console(), list(tell_missing(exported.missing)))
            say(f"{len(exported.files)} files in {folder}")
            say(
                "next: score the candidates, those of exact search too, and give the scores back: "
                "vbench rank RUN --ranker file:SCORES"
            )
        return 0
    ranking = open_runs(runs, rank_all)
    if figures is not None:
        from vbench.render.figures.ranking import write_figures

        write_figures(ranking, figures)
    if as_json:
        print_json(ranking)
    else:
        from vbench.render.terminal.rank import print_ranking

        print_ranking(ranking)
    return 0
