"""Options that say which vectors: the arguments of :func:`vbench.load`, for every command."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from vbench._invocation import trusting
from vbench.cli.values import MetricType, complete_dataset, ground_truth_of, learn_of
from vbench.errors import VbenchError
from vbench.render.terminal.output import telling

if TYPE_CHECKING:
    from vbench.data.dataset import Dataset
    from vbench.runs.run import Run


Command = TypeVar("Command", bound=Callable[..., Any])

Option = Callable[[Callable[..., Any]], Callable[..., Any]]


def _trust(ctx: click.Context, param: click.Parameter, given: bool) -> None:
    if not ctx.resilient_parsing:
        ctx.with_resource(trusting(given))


def trust_option(command: Command) -> Command:
    """Add the switch; it holds for as long as the command runs (:mod:`vbench._invocation`)."""
    option = click.option(
        "--trust",
        is_flag=True,
        expose_value=False,
        callback=_trust,
        help="Trust the files: run code that they name, and unpack arrays far larger than their "
        "file.",
    )
    return option(command)


GROUND_TRUTH = (
    click.option(
        "--ground-truth",
        "--truth",
        "ground_truth",
        metavar="FILE|none",
        callback=ground_truth_of,
        help="Exact neighbors, verified before use; `none` ignores those that come with the data.",
    ),
    click.option(
        "--no-truth", "ground_truth", flag_value="none", callback=ground_truth_of, hidden=True
    ),
)

_VECTORS = (
    click.option("--queries", metavar="PATH", help="Queries, if the dataset file holds none."),
    click.option("--column", metavar="NAME", help="Vector column, if a Parquet file has several."),
    click.option("--metric", type=MetricType(), help="Metric, if the file does not say."),
    *GROUND_TRUTH,
    trust_option,
)

_TABLES = (
    click.option(
        "--segments", metavar="PATH", help="Columns describing the queries (Parquet or CSV)."
    ),
    click.option("--items", metavar="PATH", help="Columns describing the base vectors."),
    click.option(
        "--relevance",
        metavar="PATH",
        help="Relevance judgments: query, item, grade (ids or row numbers).",
    ),
    click.option("--interactions", metavar="PATH", help="Past interactions: query, item."),
    click.option(
        "--on",
        multiple=True,
        metavar="COLUMN|OURS=THEIRS",
        help="Column that joins these files. Repeats.  [default: the one they share]",
    ),
)

_DATASET = (
    click.option(
        "--dataset",
        "-d",
        default="books",
        show_default=True,
        metavar="NAME|PATH",
        shell_complete=complete_dataset,
        help="A name from `vbench data list`, or a file or folder of vectors.",
    ),
    click.option(
        "--hold-out",
        type=click.IntRange(min=1),
        metavar="N",
        help="Hold out N base vectors as queries, if there are no queries or the queries are base "
        "vectors.",
    ),
    click.option(
        "--learn",
        metavar="N|FILE|none",
        callback=learn_of,
        help="Queries for indexes that learn from some, never asked: N of the queries, or a file.",
    ),
)

_PART = (
    click.option(
        "--queries-at-most",
        type=click.IntRange(min=1),
        metavar="N",
        help="Ask a random part of the queries, N at most, drawn by --seed; the same for every "
        "index.",
    ),
    click.option(
        "--base-at-most",
        type=click.IntRange(min=1),
        metavar="N",
        help="Search a random part of the base, N vectors at most, drawn by --seed.",
    ),
)

_DATA_NAMES = (
    *("queries", "column", "metric", "ground_truth", "segments", "items"),
    *("relevance", "interactions", "hold_out", "learn", "on"),
    *("queries_at_most", "base_at_most"),
)


def open_dataset(name: str, given: Mapping[str, Any]) -> Dataset:
    """Open a dataset with those of the options of a command that its call has."""
    from vbench.data.load import load

    with telling():
        return load(name, **{key: each for key, each in given.items() if each not in (None, ())})


def data_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Which vectors: the arguments of :func:`vbench.load`; the command gets `open_data` instead."""

    @functools.wraps(command)
    def call(**given: Any) -> Any:
        data = {name: given.pop(name) for name in (*_DATA_NAMES, "dataset")}
        for side in ("queries", "base"):
            if data[f"{side}_at_most"] is not None:
                data[f"{side}_seed"] = given.get("seed", 0)
        return command(open_data=lambda: open_dataset(data.pop("dataset"), data), **given)

    return decorated(call, (*_DATASET, *_PART, *_VECTORS, *_TABLES))


def asked_data_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The same for answers, whose dataset may be known by its name: `dataset` may be None.

    The command gets `open_data` too, which opens a name or path with the rest of these options.
    """

    @functools.wraps(command)
    def call(**given: Any) -> Any:
        data = {name: given.pop(name) for name in _DATA_NAMES if name in given}
        return command(open_data=lambda name: open_dataset(name, data), **given)

    asked = click.option(
        "--dataset",
        "-d",
        metavar="NAME|PATH",
        shell_complete=complete_dataset,
        help="The vectors they are answers on.  [default: by the name in the results, from the "
        "catalog or beside them]",
    )
    # Vectors that are held out, or learned from, are no part of what another tool searched.
    return decorated(call, (asked, *_VECTORS, *_TABLES))


_MOVED = (
    click.option("--dataset", "-d", metavar="NAME|PATH", help="The run's vectors, if they moved."),
    click.option("--queries", metavar="PATH", help="Its queries, if --dataset holds none."),
    click.option("--metric", type=MetricType(), help="Its metric, if --dataset does not say."),
    click.option("--column", metavar="NAME", help="Its vector column, if there are several."),
    trust_option,
)

_OF_MOVED = ("queries", "metric", "column", "relevance")


def moved_data_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The data of a run, where it is not where it was; the command gets `open_given` instead.

    That opens what is named for a run; None where nothing is.
    """

    @functools.wraps(command)
    def call(**given: Any) -> Any:
        name = given.pop("dataset")
        more = {each: given.pop(each) for each in _OF_MOVED if each in given}
        if name is None and any(more.values()):
            *some, last = (f"--{each}" for each in more)
            raise VbenchError(f"{', '.join(some)} and {last} belong to --dataset; give that too")

        def open_given(run: Run) -> Dataset | None:
            # The run has its exact neighbors; what came with the data need not be looked at again.
            known = {"metric": run.manifest.dataset.metric, "ground_truth": False}
            said = {key: each for key, each in more.items() if each}
            return None if name is None else open_dataset(name, known | said)

        return command(open_given=open_given, **given)

    return decorated(call, _MOVED)


def vector_options(command: Command) -> Command:
    """What a file of vectors does not say by itself."""
    return decorated(command, _VECTORS)


def table_options(command: Command) -> Command:
    """The tables that describe a dataset, which are joined to it."""
    return decorated(command, _TABLES)


def decorated(command: Command, options: Sequence[Option]) -> Command:
    """A command with options, which its help shows in this order."""
    found: Any = command
    for option in reversed(options):
        found = option(found)
    return cast(Command, found)
