"""`vbench verify`: whether the certificate of an index still holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vbench.cli.command import Command
from vbench.cli.data_options import open_dataset, trust_option
from vbench.cli.options import index_option, page_option
from vbench.cli.values import MetricType
from vbench.errors import VbenchError
from vbench.render.terminal.output import json_option, print_json, progress_bar, say

if TYPE_CHECKING:
    from vbench.data.dataset import Dataset

_EXAMPLES = """
\b
Examples:
  vbench tune --index hnsw --target 'R0.9@10>=0.8' --certificate hnsw.json
  vbench verify hnsw.json --index hnsw
  vbench verify hnsw.json --index hnsw --queries of-this-week.npy
"""


@click.command(cls=Command, epilog=_EXAMPLES, short_help="Ask whether a certificate still holds.")
@click.argument("certificate", type=click.Path(path_type=Path), metavar="FILE")
@index_option(required=True, help="The index that it is a certificate of, as in `vbench run`.")
@click.option(
    "--dataset", "-d", metavar="NAME|PATH", help="The vectors now.  [default: those certified]"
)
@click.option("--queries", metavar="PATH", help="Queries that it has not seen.")
@click.option("--metric", type=MetricType(), help="Metric, if --dataset does not say.")
@trust_option
@click.option(
    "--repeats",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Timed passes over the queries.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Time limit per build and per trial.",
)
@click.option("--out", type=click.Path(path_type=Path), metavar="FOLDER", help="Run folder.")
@click.option("--fresh", is_flag=True, help="Discard earlier results in the run folder.")
@page_option
@json_option
def verify(
    certificate: Path,
    indexes: tuple[str, ...],
    dataset: str | None,
    queries: str | None,
    metric: str | None,
    repeats: int,
    timeout: float | None,
    out: Path | None,
    fresh: bool,
    page: Path | None,
    as_json: bool,
) -> int:
    """Ask the claims of a certificate again, on fresh queries where some are given.

    The builds are made again from the seed of the certificate. Exits with 0 if every claim is
    certified again, with 1 if one is broken or could not be measured, and with 3 if it cannot be
    told.
    """
    from vbench.api.measuring import verify as ask

    if len(indexes) > 1:
        raise VbenchError("a certificate is of one index; give one --index")
    data: Dataset | None = None
    if dataset is not None:
        data = open_dataset(dataset, {"queries": queries, "metric": metric})
    elif metric is not None:
        raise VbenchError("--metric belongs to --dataset; give that too")
    with progress_bar() as progress:
        found = ask(
            certificate,
            indexes[0],
            data,
            queries=None if data is not None else queries,
            repeats=repeats,
            timeout=timeout,
            out=out,
            fresh=fresh,
            progress=progress,
        )
    if page is not None:
        from vbench.render.page.page import store
        from vbench.render.verify import to_page

        store(page, to_page(found))
    if as_json:
        print_json(found)
    else:
        from vbench.render.terminal.verify import print_verification

        print_verification(found)
        if page is not None:
            say(f"page: {page}")
    return {"holds": 0, "broken": 1, "open": 3}[found.status]
