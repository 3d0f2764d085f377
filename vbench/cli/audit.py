"""`vbench data audit`: what in the vectors makes indexes fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vbench.cli.command import Command
from vbench.cli.data_options import open_dataset, vector_options
from vbench.cli.options import page_option
from vbench.cli.values import complete_dataset
from vbench.render.terminal.output import json_option, print_json, progress_bar, say

_EXAMPLES = """
\b
Examples:
  vbench data audit books
  vbench data audit items.npy --queries users.npy --metric ip
  vbench data audit books --json
"""


@click.command(cls=Command, epilog=_EXAMPLES, short_help="Look for what makes indexes fail.")
@click.argument("name", metavar="NAME|PATH", shell_complete=complete_dataset)
@vector_options
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Of the base vectors and queries that are looked at.",
)
@page_option
@json_option
def audit(name: str, seed: int, page: Path | None, as_json: bool, **given: Any) -> None:
    """Look at the vectors of a dataset, before an index is built, for what makes indexes fail.

    Hubs and vectors that nobody is near to, lengths under inner product, copies, queries far from
    the base, intrinsic dimension: each with a value, a verdict, why it matters, and what to try.
    """
    from vbench.analysis.audit import audit as look

    dataset = open_dataset(name, given)
    with progress_bar() as progress:
        found = look(dataset, seed=seed, progress=progress)
    if page is not None:
        from vbench.render.audit import to_page
        from vbench.render.page.page import store

        store(page, to_page(found))
    if as_json:
        print_json(found)
        return
    from vbench.render.terminal.audit import print_audit

    print_audit(found)
    if page is not None:
        say(f"page: {page}")
