"""Options that several commands share: what is measured, how, and where it is written."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

import click
from click.shell_completion import CompletionItem

from vbench._invocation import trusting
from vbench.cli.runs import RunArgument
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


Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _completing(names: Callable[[], Iterable[str]]) -> Complete:
    def complete(
        ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        known = [CompletionItem(name) for name in names() if name.startswith(incomplete)]
        return [*known, CompletionItem(incomplete, type="file")]

    return complete


def _index_names() -> list[str]:
    from vbench.indexes.recipe import recipe_files
    from vbench.indexes.registry import adapters

    return sorted({*recipe_files(), *adapters()})


def _dataset_names() -> list[str]:
    from vbench.data import catalog

    return catalog.names()


complete_index = _completing(_index_names)
complete_dataset = _completing(_dataset_names)


def assignments(
    ctx: click.Context, param: click.Parameter, given: tuple[str, ...]
) -> dict[str, str]:
    """Read ``name=value``, each name once."""
    found: dict[str, str] = {}
    for text in given:
        name, _, value = (part.strip() for part in text.partition("="))
        if not name or not value:
            raise click.BadParameter(f"{text!r} is not {param.metavar}")
        if name in found:
            raise click.BadParameter(f"{name} is given twice; write {name}=a,b for several values")
        found[name] = value
    return found


def overrides(
    ctx: click.Context, param: click.Parameter, given: tuple[str, ...]
) -> dict[str, list[str]]:
    """Read ``name=value[,value…]``; ``index.name=…`` is for one index alone."""
    merged = {
        name: [part.strip() for part in values.split(",")]
        for name, values in assignments(ctx, param, given).items()
    }
    for name, parts in merged.items():
        if not all(parts):
            raise click.BadParameter(f"{name} has an empty value; write {name}=16,32")
    return merged


def cutoffs(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> tuple[int, ...]:
    """Read ``-k 10 -k 100``, or ``-k 10,100``."""
    found = []
    for part in ",".join(map(str, given)).split(","):
        if not part.strip().isdecimal() or int(part) < 1:
            raise click.BadParameter(
                f"{part.strip()!r} is not a whole number from 1 on; write -k 10 -k 100"
            )
        found.append(int(part))
    return tuple(found)


def numbers(
    ctx: click.Context, param: click.Parameter, given: tuple[str, ...]
) -> list[float] | None:
    """Read ``--clients 1,2 --clients 4``: several numbers, whole ones as such."""
    found: list[float] = []
    for part in (each.strip() for text in given for each in text.split(",")):
        try:
            found.append(int(part) if part.lstrip("+-").isdecimal() else float(part))
        except ValueError:
            name = param.opts[0]
            raise click.BadParameter(
                f"{part!r} is not a number; write {name} 2, or several with commas: {name} 2,4"
            ) from None
    return found or None


def bytes_of(ctx: click.Context, param: click.Parameter, given: str | None) -> int | None:
    """Read a number of bytes, with or without a unit: ``4GB``, ``512 MB``."""
    if given is None:
        return None
    match = re.fullmatch(r"([\d.]+)\s*([KMGT]?)B?", given.strip().upper())
    try:
        size = int(float(match[1]) * 1000 ** " KMGT".index(match[2] or " ")) if match else 0
    except ValueError:
        size = 0
    if size < 1:
        raise click.BadParameter(f"{given!r} is not a size; write 4GB or 512MB")
    return size


class MetricType(click.ParamType[Any]):
    """`l2`, `ip`, `cosine`, or what another tool calls them."""

    name = "metric"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "[l2|ip|cosine]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from vbench.metric import METRICS, metric_of

        found = metric_of(str(value))
        if found is None:
            self.fail(
                f"{value!r} is not one of {', '.join(METRICS)}, or a word for one of them such as "
                "euclidean, dot, angular",
                param,
                ctx,
            )
        return found


def ground_truth_of(
    ctx: click.Context, param: click.Parameter, given: str | None
) -> str | Literal[False] | None:
    """Read ``FILE|none``: False for `none`, as :func:`vbench.load` takes it."""
    return False if given is not None and given.lower() in ("none", "false") else given


def learn_of(
    ctx: click.Context, param: click.Parameter, given: str | None
) -> int | str | Literal[False] | None:
    """Read ``N|FILE|none``, as :func:`vbench.load` takes it; it says which N there can be."""
    if given is None or given.lower() in ("none", "false"):
        return None if given is None else False
    if re.fullmatch(r"[+-]?\d+", given):
        return int(given)
    if not given or re.fullmatch(r"[+-]?[\d.,%]+", given):
        raise click.BadParameter(
            f"{given!r} is no number of queries; write --learn 2000, a file, or none"
        )
    return given


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
_PART = click.option(
    "--queries-at-most",
    type=click.IntRange(min=1),
    metavar="N",
    help="Ask a random part of the queries, N at most, drawn by --seed; the same for every index.",
)
_DATA_NAMES = (
    *("queries", "column", "metric", "ground_truth", "segments", "items"),
    *("relevance", "interactions", "hold_out", "learn", "on", "queries_at_most"),
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
        help="Run folder.  [default: results/<run-id>]",
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
cluster_option = click.option(
    "--cluster",
    metavar="COLUMN",
    help="Query column, such as user, whose queries are not independent of each other.",
)


def _known_table(
    _: click.Context, __: click.Parameter, paths: tuple[Path, ...]
) -> tuple[Path, ...]:
    for path in paths:
        if path.suffix not in (".csv", ".tex", ".parquet"):
            raise click.BadParameter(f"{path}: a table is written as .csv, .tex or .parquet")
    return paths


set_option = functools.partial(
    click.option,
    "--set",
    "settings",
    callback=overrides,
    metavar="NAME=VALUE,…",
    multiple=True,
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

table_file = functools.partial(
    click.option,
    "--table",
    "tables",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    callback=_known_table,
    metavar="FILE",
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
        if data["queries_at_most"] is not None:
            data["queries_seed"] = given.get("seed", 0)
        return command(open_data=lambda: open_dataset(data.pop("dataset"), data), **given)

    return _decorated(call, (*_DATASET, _PART, *_VECTORS, *_TABLES))


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
    return _decorated(call, (asked, *_VECTORS, *_TABLES))


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

    return _decorated(call, _MOVED)


def vector_options(command: Command) -> Command:
    """What a file of vectors does not say by itself."""
    return _decorated(command, _VECTORS)


def table_options(command: Command) -> Command:
    """The tables that describe a dataset, which are joined to it."""
    return _decorated(command, _TABLES)


def measuring_options(command: Command) -> Command:
    """How it is measured: arguments that :func:`vbench.run` and :func:`vbench.tune` share."""
    return _decorated(command, _MEASURING)


def workload_options(command: Command) -> Command:
    """Under which conditions an index is asked, and what happens to its base."""
    return _decorated(command, _WORKLOAD)


def load_options(command: Command) -> Command:
    """Add the options of how an index is asked beside the usual way."""
    return _decorated(command, _LOAD)


def _decorated(command: Command, options: Sequence[Option]) -> Command:
    decorated: Any = command
    for option in reversed(options):
        decorated = option(decorated)
    return cast(Command, decorated)
