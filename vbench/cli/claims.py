"""`vbench index audit`: whether an index has the recall that it claims."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vbench.cli.command import Command
from vbench.cli.data_options import data_options
from vbench.cli.options import (
    confidence_option,
    connect_option,
    page_option,
    set_option,
    trials_option,
)
from vbench.cli.values import complete_index
from vbench.render.terminal.output import json_option, print_json, progress_bar, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from vbench.data.dataset import Dataset

_EXAMPLES = """
\b
Examples:
  vbench index audit epzero -d books --target 'Recall@10>=0.95'
  vbench index audit my_package.my_module:MyIndex --page claims.html
"""


@click.command(cls=Command, epilog=_EXAMPLES, short_help="Hold an index to the recall it claims.")
@click.argument("name", metavar="NAME", shell_complete=complete_index)
@click.option(
    "--target",
    "-t",
    default="Recall@10>=0.95",
    show_default=True,
    metavar="TARGET",
    help="What it is asked to promise: Recall or Robustness with >= and a value.",
)
@data_options
@set_option(help="Parameters of the build, and of the search beside those it claims. Repeats.")
@click.option(
    "--windows",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="In so many calls each half of the queries is asked.",
)
@trials_option(
    help="Most settings that the tuning beside it tries.  [default: 12; 60 if several vary]"
)
@confidence_option(help="Confidence of intervals and bounds.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed.")
@connect_option
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FOLDER", help="Run folder of the tuning."
)
@click.option("--fresh", is_flag=True, help="Discard earlier results in the run folder.")
@page_option
@json_option
def audit(
    name: str,
    open_data: Callable[[], Dataset],
    page: Path | None,
    as_json: bool,
    **asked: Any,
) -> int:
    """Ask index NAME to promise a recall, and hold it to that on held-out queries.

    What it claims, and estimates of each query, stands beside what it has, and its cost beside that
    of one certified setting and of the oracle. Exits with 0 if the claim surely holds, with 1 if it
    surely does not, and with 3 if neither is sure.
    """
    from vbench.api.claims import audit_index

    data = open_data()
    with progress_bar() as progress:
        found = audit_index(data, name, progress=progress, **asked)
    if page is not None:
        from vbench.render.claims import to_page
        from vbench.render.page.page import store

        store(page, to_page(found))
    if as_json:
        print_json(found)
    else:
        from vbench.render.terminal.claims import print_claims

        print_claims(found)
        if page is not None:
            say(f"page: {page}")
    return {"holds": 0, "broken": 1, "open": 3}[found.status]
