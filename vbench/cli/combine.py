"""`vbench combine`: indexes of a run together, and what a fallback would bring."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

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
from vbench.render.terminal.output import json_option, print_json, progress_bar

if TYPE_CHECKING:
    from vbench.analysis.combine import Combination
    from vbench.data.dataset import Dataset
    from vbench.runs.run import Run

_EXAMPLES = """
\b
Examples:
  vbench combine last
  vbench combine both --index hnsw --index ivf-flat --setting ef=58 --share 0.05
  vbench combine both --json
"""


@click.command(cls=Command, epilog=_EXAMPLES, short_help="Combine indexes from stored answers.")
@click.argument("path", cls=RunArgument, metavar="RUN", type=click.Path())
@some_indexes_option
@setting_option(help="Only settings with this value.  [default: each index at matched recall]")
@k_option
@delta_option(help="Recall from which on a query counts as well served.")
@click.option(
    "--share",
    type=click.FloatRange(min=0, max=1, min_open=True),
    default=0.1,
    show_default=True,
    help="Of the queries that are sent on, in the tables; --json has the whole curves.",
)
@cluster_option
@view_option(help="Under this filter, as it was given to the run.  [default: the whole base]")
@moved_data_options
@json_option
def combine(
    path: str,
    indexes: tuple[str, ...],
    settings: tuple[str, ...],
    k: int | None,
    delta: float,
    share: float,
    cluster: str | None,
    view: str | None,
    open_given: Callable[[Run], Dataset | None],
    as_json: bool,
) -> None:
    """Combine the indexes of a run, from the answers that it stored: nothing is searched again.

    Shows each two settings together, both asked and the nearest kept, at their summed cost, beside
    the best that one setting of the run does for no more; and what it brings to send some of the
    queries on to a second index or to exact search: anybody, those whose answer looks bad, or those
    who gain most.
    """
    from vbench.analysis.combine import combine as combined
    from vbench.analysis.fallback import SHARES
    from vbench.cli.runs import open_runs

    def compute(opened: list[Run]) -> Combination:
        run = opened[0]
        with progress_bar() as progress:
            return combined(
                run,
                indexes=indexes,
                settings=settings,
                k=k,
                delta=delta,
                dataset=open_given(run),
                cluster=cluster,
                view=view,
                progress=progress,
            )

    if share not in SHARES:
        known = ", ".join(f"{each:g}" for each in SHARES[1:])
        raise VbenchError(
            f"--share {share:g}: the curves have points at {known}; give one of these"
        )
    found = open_runs([path], compute)
    if as_json:
        print_json(found)
        return
    from vbench.render.terminal.combine import print_combination

    print_combination(found, share)
