"""Options that several commands share: what is measured, how, and how it is looked at."""

from __future__ import annotations

import functools
from pathlib import Path

import click

from vbench.cli.data_options import Command, Option, decorated
from vbench.cli.runs import RunArgument
from vbench.cli.values import (
    assignments,
    bytes_of,
    complete_index,
    complete_setting,
    known_table,
    numbers,
    overrides,
    writable,
)


def _count(name: str, default: int, text: str, least: int = 1) -> Option:
    kind = click.IntRange(min=least)
    return click.option(name, type=kind, default=default, show_default=True, help=text)


connect_option = click.option(
    "--connect",
    callback=assignments,
    multiple=True,
    metavar="NAME=URL",
    help="Build an index of this name in a server that runs already. Repeats.",
)

workers_option = click.option(
    "--workers",
    metavar="local|ADDRESS",
    help="Hand builds and exact search to the workers of a Dask cluster: started here, or those of "
    "a scheduler at tcp://HOST:8786.",
)

device_option = click.option(
    "--device",
    default="cpu",
    show_default=True,
    metavar="cpu|cuda",
    help="Where exact search makes its products; the answer is the same.",
)

_MEASURING = (
    _count("--builds", 3, "Builds per index, each with its own seed and insertion order."),
    _count("--repeats", 3, "Timed passes over the queries."),
    click.option(
        "--recall-rule",
        type=click.Choice(["exact-tie", "id", "ann-benchmarks"]),
        default="exact-tie",
        show_default=True,
        help="What counts as a hit.",
    ),
    _count("--threads", 1, "Threads (and cores) per worker."),
    click.option(
        "--build-threads",
        type=click.IntRange(min=1),
        metavar="N",
        help="Threads (and cores) per build.  [default: --threads]",
    ),
    _count("--jobs", 1, "Builds to make side by side; each is then searched alone."),
    click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        metavar="SECONDS",
        help="Time limit per build and per trial.",
    ),
    click.option(
        "--memory",
        "memory_limit",
        callback=bytes_of,
        metavar="BYTES",
        help="Memory limit per worker, child processes included.  [default: 90 % of free memory]",
    ),
    _count("--seed", 0, "Seed for builds and insertion orders.", least=0),
    connect_option,
    click.option(
        "--out",
        type=click.Path(),
        metavar="FOLDER",
        help="Run folder, or of `vbench run` an address such as s3://bucket/run.  [default: "
        "results/<run-id>]",
    ),
    click.option("--fresh", is_flag=True, help="Discard earlier results in the run folder."),
    click.option(
        "--keep-indexes/--no-keep-indexes",
        default=True,
        show_default=True,
        help="Keep built indexes for later calls, and load those that are kept.",
    ),
)

_LOAD = (
    click.option(
        "--clients",
        callback=numbers,
        multiple=True,
        metavar="N,…",
        help="Also measure with so many clients at once.",
    ),
    click.option(
        "--rate",
        callback=numbers,
        multiple=True,
        metavar="R,…",
        help="Also measure with so many queries a second, answered or not (open loop).",
    ),
    click.option(
        "--batch",
        callback=numbers,
        multiple=True,
        metavar="N,…",
        help="Also measure with so many queries in one call.",
    ),
    click.option(
        "--cache",
        type=click.Choice(["warm", "cold"]),
        default="warm",
        show_default=True,
        help="cold: also measure with the files of the index taken out of memory before each "
        "query, of indexes that lie on a disk.",
    ),
)

_WORKLOAD = (
    click.option(
        "--filter",
        "filters",
        multiple=True,
        metavar="FILTER",
        help="Ask under a condition too: 'popularity < 20', popularity:0-50%, random:0.05, "
        "nearest:0.05, query:COLUMN, seen; joined by &. Repeats.",
    ),
    click.option(
        "--masks",
        type=click.IntRange(min=1),
        default=3,
        show_default=True,
        help="Masks to draw of a random filter.",
    ),
    click.option("--only-filtered", is_flag=True, help="Leave out the view without a filter."),
    click.option(
        "--workload",
        default="static",
        show_default=True,
        metavar="NAME|FILE",
        help="What happens to the base between searches: churn, growth:0.1, "
        "growth:0.1:-popularity, or a file of steps in TOML, or in YAML of big-ann-benchmarks.",
    ),
)

runs_argument = click.argument(
    "runs", cls=RunArgument, nargs=-1, required=True, metavar="RUN…", type=click.Path()
)

setting_option = functools.partial(
    click.option, "--setting", "settings", multiple=True, metavar="NAME=VALUE"
)

view_option = functools.partial(click.option, "--view", metavar="FILTER")

some_indexes_option = click.option(
    "--index", "-i", "indexes", multiple=True, metavar="INDEX", help="Only this index. Repeats."
)
k_option = click.option(
    "-k", type=click.IntRange(min=1), help="Neighbors.  [default: the run's smallest K]"
)
delta_option = functools.partial(
    click.option,
    "--delta",
    type=click.FloatRange(min=0, max=1, min_open=True),
    default=0.9,
    show_default=True,
)
cluster_option = click.option(
    "--cluster",
    metavar="COLUMN",
    help="Query column, such as user, whose queries are not independent of each other.",
)

set_option = functools.partial(
    click.option,
    "--set",
    "settings",
    callback=overrides,
    metavar="NAME=VALUE,…",
    multiple=True,
    shell_complete=complete_setting,
)

index_option = functools.partial(
    click.option,
    "--index",
    "-i",
    "indexes",
    multiple=True,
    metavar="INDEX",
    shell_complete=complete_index,
)

trials_option = functools.partial(click.option, "--trials", type=click.IntRange(min=1))
confidence_option = functools.partial(
    click.option,
    "--level",
    type=click.FloatRange(0.5, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
)

table_file = functools.partial(
    click.option,
    "--table",
    "tables",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    callback=known_table,
    metavar="FILE",
)


page_option = click.option(
    "--page",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=writable,
    metavar="FILE",
    help="Write an HTML page.",
)


def measuring_options(command: Command) -> Command:
    """How it is measured: arguments that :func:`vbench.run` and :func:`vbench.tune` share."""
    return decorated(command, _MEASURING)


def workload_options(command: Command) -> Command:
    """Under which conditions an index is asked, and what happens to its base."""
    return decorated(command, _WORKLOAD)


def load_options(command: Command) -> Command:
    """Add the options of how an index is asked beside the usual way."""
    return decorated(command, _LOAD)
