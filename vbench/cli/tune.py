"""`vbench tune`: the cheapest setting that meets a target, certified on held-out queries."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vbench.cli.command import Command
from vbench.cli.data_options import data_options
from vbench.cli.options import (
    confidence_option,
    index_option,
    measuring_options,
    set_option,
    trials_option,
    view_option,
    workload_options,
)
from vbench.cli.values import complete_measure
from vbench.render.terminal.output import json_option, print_json, progress_bar, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from vbench.data.dataset import Dataset

_EXAMPLES = """
\b
Examples:
  vbench tune --index hnsw --target 'Robustness(delta=0.9)@10>=0.99'
  vbench tune --index hnsw --index ivf-flat --target 'Recall@10>=0.95' --maximize QPS
  vbench tune --index hnsw --set M=8,16,32 --target 'Failure@10<=0.001 and IndexSize<=50MB'
  vbench tune --index hnsw --target "R0.8@10>=0.95 where kind='user'" --price core=0.04/h,GB=0.005/h
  vbench tune --index hnsw --target 'R0.9@10>=0.8' --filter 'popularity < 20' --workload churn
  vbench tune --index hnsw --target 'CVaR@100>=0.8 and Latency(p=99)<=2ms' --maximize Recall@100
"""


@click.command(
    cls=Command, epilog=_EXAMPLES, short_help="Find the cheapest setting that meets a target."
)
@index_option(required=True, help="As in `vbench run`. Repeats: the best of all is chosen.")
@click.option(
    "--target",
    "-t",
    required=True,
    metavar="TARGETS",
    help="Measures with >= or <= and a value, joined by `and`; behind one: where COLUMN=VALUE, for "
    "queries of that segment alone.",
)
@click.option(
    "--minimize",
    metavar="MEASURE",
    shell_complete=complete_measure,
    help="Cost to minimize.  [default: the price where one is given, else Latency(p=99)]",
)
@click.option(
    "--maximize",
    metavar="MEASURE",
    shell_complete=complete_measure,
    help="Measure to maximize instead, such as QPS.",
)
@click.option(
    "--price",
    metavar="core=X/h,GB=Y/h",
    help="What a core and a GB of memory cost an hour: tells what a million answers cost.",
)
@data_options
@click.option("-k", type=click.IntRange(min=1), help="Neighbors, if no target gives K.")
@set_option(
    help="Values to choose from, as M=8,16,32; for the tuned parameter, the range. Repeats.",
)
@trials_option(help="Most settings tried per index.  [default: 12; 60 if several parameters vary]")
@confidence_option(help="Confidence of the certificate.")
@workload_options
@view_option(
    help="Only in this view: a filter, a mask of it as random:0.05#2, churn@4, 'churn@4 & seen', "
    "or none.  [default: the target must hold in every view]"
)
@click.option(
    "--certificate",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Add what is certified to this file, which `vbench verify` asks again.",
)
@measuring_options
@json_option
def tune(
    indexes: tuple[str, ...],
    target: str,
    open_data: Callable[[], Dataset],
    as_json: bool,
    **options: Any,
) -> int:
    """Find the cheapest setting of INDEX that meets a target, and certify it.

    Half of the queries select the setting in a few trials; the held-out half certifies it with an
    exact bound that every build must reach, in the whole base and under each filter and at each
    age that is given. Exits with 1 if the target is not met or not
    certified, and with 3 if other load on the machine makes it impossible to judge.
    """
    from vbench.api.measuring import tune as find
    from vbench.tuning.tuner import find_unattainable

    data = open_data()
    for each in find_unattainable(data, target, options["level"], options["seed"]):
        say(
            f"vbench: warning: {data.m:,} queries, half of which are held out, cannot certify "
            f"{each} even if all of them pass",
            err=True,
        )
    with progress_bar() as progress:
        found = find(data, indexes, target, progress=progress, **options)
    from vbench.render.page.tuning import NAME, write_page

    page = write_page(found, Path(found.run) / NAME)
    if as_json:
        print_json(found)
    else:
        from vbench.render.terminal.tune import print_tuning

        print_tuning(found)
        say(f"page: {page}")
    if not found.judged:
        return 3
    return 0 if found.certified else 1
