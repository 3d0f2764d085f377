"""`vbench watch`: a promise, held against an index that is in use."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vbench.cli.command import Command
from vbench.cli.data_options import data_options
from vbench.cli.options import connect_option, index_option, set_option
from vbench.errors import VbenchError
from vbench.render.terminal.output import json_option, print_json, progress_bar

if TYPE_CHECKING:
    from vbench.data.dataset import Dataset


_EXAMPLES = """
\b
Examples:
  vbench watch --index hnsw --set ef=64 --promise 'R0.9@10>=0.75' --sample 100%
  tail -f queries.jsonl | vbench watch --index pgvector-hnsw --set ef_search=40 -d items.npy \\
    --metric l2 --connect pgvector=postgresql://db/shop --place 'items(id, embedding)' \\
    --promise 'Recall@10>=0.9' --queries - --sample 1% --at-most 10/min --prometheus recall.prom
"""


def _file(name: str, shown: str, text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    kind = click.Path(path_type=Path, dir_okay=False)
    return click.option(name, type=kind, metavar=shown, help=text)


def _log_apart(command: Callable[..., Any]) -> Callable[..., Any]:
    """A log is no file of vectors: the command gets it as `log`, and the dataset without it."""

    @functools.wraps(command)
    def call(**given: Any) -> Any:
        from vbench.watching.queries import is_log, stand_in

        queries = given["queries"]
        log = queries if queries is not None and is_log(queries) else None
        if log is not None:
            given["queries"] = stand_in(given["dataset"])
        return command(log=log, **given)

    return call


@click.command(cls=Command, epilog=_EXAMPLES, short_help="Hold a promise against an index in use.")
@index_option(required=True, help="The index that is in use, as in `vbench run`.")
@click.option(
    "--promise",
    "-p",
    required=True,
    metavar="PROMISE",
    help="Robustness, Failure or Recall with >= or <= and a value.",
)
@set_option(help="Its one setting, as ef_search=40. Repeats.")
@click.option(
    "--sample",
    default="1%",
    show_default=True,
    metavar="SHARE",
    help="Share of the queries to ask again, exactly.",
)
@click.option(
    "--at-most",
    metavar="N",
    help="Never ask more of them again: 500 in all, or 10/min in any minute.",
)
@click.option(
    "--place",
    metavar="NAME|FILE",
    help="The table or collection to search, at --connect; or a file to load.  "
    "[default: the index is built here]",
)
@click.option(
    "--exact",
    type=click.Choice(["service", "dataset"]),
    help="Who searches exactly: the index itself, or vbench.  [default: service where it can]",
)
@click.option("--filter", metavar="FILTER", help="Search under this filter, as in `vbench run`.")
@click.option(
    "--where",
    multiple=True,
    metavar="COLUMN=VALUE",
    help="Only queries of this segment. Repeats; several values of a column are alternatives.",
)
@click.option(
    "--alpha",
    type=click.FloatRange(min=0, max=1, min_open=True, max_open=True),
    default=0.01,
    show_default=True,
    help="Probability of a false alarm at most, however often it is looked at.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed.")
@connect_option
@_file("--lines", "FILE", "Append a line of JSON per exact search.")
@_file("--prometheus", "FILE", "Keep a text file for Prometheus.")
@_file("--page", "FILE", "Keep an HTML page.")
@_log_apart
@data_options
@json_option
def watch(
    indexes: tuple[str, ...],
    promise: str,
    log: str | None,
    open_data: Callable[[], Dataset],
    as_json: bool,
    **asked: Any,
) -> int:
    """Hold a promise against an index that is in use.

    A sample of its queries is asked again, exactly. Exits with 0 while the promise holds, with 1 as
    soon as it is surely broken, and with 3 if too few were asked again to tell. --queries is a log
    of JSON lines, - for standard input, or a file of vectors.
    """
    from vbench.api.watching import watch as look

    if len(indexes) > 1:
        raise VbenchError("one index is watched at a time; give one --index")
    data = open_data()
    with progress_bar() as progress:
        found = look(data, indexes[0], promise, queries=log, progress=progress, **asked)
    if as_json:
        print_json(found)
    else:
        from vbench.render.terminal.watching import print_watch

        print_watch(found)
    return {"holds": 0, "broken": 1, "open": 3}[found.status]
