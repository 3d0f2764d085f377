"""`vbench skew`: versions of towers, served on the items of the first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vbench.cli.command import Command
from vbench.cli.data_options import open_dataset, trust_option
from vbench.cli.options import page_option
from vbench.cli.values import complete_dataset, numbers
from vbench.render.terminal.output import json_option, print_json, say

if TYPE_CHECKING:
    from vbench.runs.run import Run

_EXAMPLES = """
\b
Examples:
  vbench skew books books:skew --ages 0.25
  vbench skew old.npy new.npy --queries old-users.npy --queries new-users.npy --metric ip
  vbench skew books books:skew --ages 0.25 --run results/books-hnsw-1a2b3c4d
"""


@click.command(cls=Command, epilog=_EXAMPLES, short_help="Serve later towers on earlier items.")
@click.argument(
    "names", metavar="OLD NEW…", nargs=-1, required=True, shell_complete=complete_dataset
)
@click.option(
    "--queries",
    multiple=True,
    metavar="PATH",
    help="Queries of each of these, in their order, where the files hold none. Repeats.",
)
@click.option("--metric", metavar="METRIC", help="Their metric, where the files do not say.")
@click.option("--relevance", metavar="PATH", help="Judgments of OLD: query, item (Parquet or CSV).")
@click.option(
    "--ages",
    callback=numbers,
    multiple=True,
    metavar="AGE,…",
    help="How much later each version is, in any unit, ascending.",
)
@click.option("-k", type=click.IntRange(min=1), default=10, show_default=True, help="Neighbors.")
@click.option(
    "--delta",
    type=click.FloatRange(min=0, max=1, min_open=True),
    default=0.9,
    show_default=True,
    help="Share of the exact list that both must have.",
)
@click.option(
    "--hits",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="K of the hit rate.",
)
@click.option(
    "--run",
    "path",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Run of OLD at both K: what its indexes lose, and from which age on skew loses more.",
)
@trust_option
@page_option
@json_option
def skew(
    names: tuple[str, ...],
    queries: tuple[str, ...],
    metric: str | None,
    relevance: str | None,
    ages: list[float] | None,
    k: int,
    delta: float,
    hits: int,
    path: Path | None,
    page: Path | None,
    as_json: bool,
) -> None:
    """Compare later versions of two towers with the first, whose items an index holds.

    How far exact lists agree, and what users lose by it, where there are relevance judgments: lists
    may differ much and lose little.
    """
    from vbench.analysis.skew import skew as look
    from vbench.errors import VbenchError
    from vbench.runs.run import Run

    if queries and len(queries) != len(names):
        raise VbenchError(f"--queries is given {len(queries)} times for {len(names)} versions")
    opened = [
        open_dataset(
            name,
            {
                "queries": queries[at] if queries else None,
                "metric": metric,
                "relevance": None if at else relevance,
            },
        )
        for at, name in enumerate(names)
    ]
    run: Run | None = None if path is None else Run(path)
    found = look(opened[0], opened[1:], ages=ages, k=k, delta=delta, hits=hits, run=run)
    if page is not None:
        from vbench.render.page.page import store
        from vbench.render.skew import to_page

        store(page, to_page(found))
    if as_json:
        print_json(found)
        return
    from vbench.render.terminal.skew import print_skew

    print_skew(found)
    if page is not None:
        say(f"page: {page}")
