"""`vbench run`: build, search, score; a table, and a run folder."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from vbench.cli import complete
from vbench.cli.output import json_option, print_json, progress_bar
from vbench.errors import UnknownNameError, VbenchError

if TYPE_CHECKING:
    from vbench.data.dataset import Dataset

_EXAMPLES = """
\b
Examples:
  vbench run --index hnsw
  vbench run --index hnsw --index ivf-flat --dataset glove-50 -k 10 -k 100
  vbench run --index hnsw --set ef=32,64 --set M=32 --dataset sift.hdf5
  vbench run --index 'faiss:IVF1024,PQ16' --set nprobe=8,32
  vbench run --index my_package.my_module:MyIndex --dataset base.npy --queries q.npy --metric ip
"""


def _overrides(
    ctx: click.Context, param: click.Parameter, given: tuple[str, ...]
) -> dict[str, list[str]]:
    """Read ``name=value[,value…]``; ``index.name=…`` is for one index alone."""
    merged: dict[str, list[str]] = {}
    for text in given:
        name, equals, values = (part.strip() for part in text.partition("="))
        parts = [part.strip() for part in values.split(",")]
        if not name or not equals or not all(parts):
            raise click.BadParameter(f"{text!r} is not name=value[,value…], such as ef=16,32")
        if name in merged:
            raise click.BadParameter(f"{name} is given twice; write {name}=a,b")
        merged[name] = parts
    return merged


def _bytes(ctx: click.Context, param: click.Parameter, given: str | None) -> int | None:
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


def _columns(dataset: Dataset) -> list[str]:
    return [] if dataset.segments is None else dataset.segments.columns


@click.command(epilog=_EXAMPLES, short_help="Build, search and score indexes.")
@click.option(
    "--index",
    "-i",
    "indexes",
    multiple=True,
    required=True,
    metavar="INDEX",
    shell_complete=complete.indexes,
    help="Recipe, TOML file, package.module:Class, faiss:FACTORY or annb:FILE.py:Class. Repeats.",
)
@click.option(
    "--dataset",
    "-d",
    default="books",
    show_default=True,
    metavar="NAME|PATH",
    shell_complete=complete.datasets,
    help="From `vbench data list`, or a file or folder of vectors.",
)
@click.option("--queries", metavar="PATH", help="Queries, where the dataset's file holds none.")
@click.option(
    "--metric", type=click.Choice(["l2", "ip", "cosine"]), help="Where the file does not say."
)
@click.option("--truth", metavar="PATH", help="Exact neighbours; they are checked.")
@click.option("--segments", metavar="PATH", help="Columns that divide the queries (Parquet, CSV).")
@click.option(
    "-k",
    "ks",
    type=click.IntRange(min=1),
    multiple=True,
    default=[10],
    show_default=True,
    help="Neighbours to ask for. Repeats.",
)
@click.option(
    "--builds",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Builds of each index, each with its own seed and insertion order.",
)
@click.option(
    "--repeats",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Counted passes over the queries.",
)
@click.option(
    "--set",
    "overrides",
    callback=_overrides,
    metavar="NAME=VALUE,…",
    multiple=True,
    help="Values instead of the recipe's: ef=16,32 or hnsw.ef=16. Repeats.",
)
@click.option(
    "--measure",
    "extra",
    multiple=True,
    metavar="MEASURE",
    help="Show this measure too, such as 'nDCG@10'. Repeats.",
)
@click.option(
    "--cluster",
    metavar="COLUMN",
    help="Column of the queries, such as user: intervals take its values for independent.",
)
@click.option(
    "--recall-rule",
    type=click.Choice(["exact-tie", "id", "ann-benchmarks"]),
    default="exact-tie",
    show_default=True,
    help="What counts as a hit.",
)
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Threads and cores of each worker.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Limit for each build and each trial.",
)
@click.option(
    "--memory",
    callback=_bytes,
    metavar="BYTES",
    help="Limit of a worker.  [default: 90 % of what is free]",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--out",
    type=click.Path(),
    metavar="FOLDER",
    help="The run folder.  [default: results/<run-id>]",
)
@click.option("--fresh", is_flag=True, help="Throw away what an earlier call left there.")
@json_option
def run(
    indexes: tuple[str, ...],
    dataset: str,
    queries: str | None,
    metric: Any,
    truth: str | None,
    segments: str | None,
    ks: tuple[int, ...],
    builds: int,
    repeats: int,
    overrides: dict[str, list[str]],
    extra: tuple[str, ...],
    cluster: str | None,
    recall_rule: Any,
    threads: int,
    timeout: float | None,
    memory: int | None,
    seed: int,
    out: str | None,
    fresh: bool,
    as_json: bool,
) -> int:
    """Measure how evenly INDEX answers the queries of a dataset.

    Builds each index several times in a process of its own, asks every query at every search
    setting, scores the answers against the exact neighbours, and leaves a run folder. The same
    call again goes on where it stopped.
    """
    from vbench.bench.runner import run as measure
    from vbench.data.load import load
    from vbench.measures.grammar import parse
    from vbench.results.summary import summary

    measures = [parse(text) for text in extra]
    for each in measures:
        if each.cutoff is not None and each.cutoff not in ks:
            raise VbenchError(
                f"--measure {each} needs -k {each.cutoff}; this run has "
                f"K={', '.join(map(str, sorted(set(ks))))}"
            )
    data = load(dataset, queries=queries, metric=metric, truth=truth, segments=segments)
    if cluster is not None and cluster not in (known := _columns(data)):
        raise UnknownNameError("column of the queries", cluster, known, "give one with --segments")
    with progress_bar() as progress:
        done = measure(
            data,
            indexes,
            k=ks,
            builds=builds,
            repeats=repeats,
            threads=threads,
            settings=overrides,
            recall_rule=recall_rule,
            timeout=timeout,
            memory_limit=memory,
            seed=seed,
            out=out,
            fresh=fresh,
            progress=progress,
        )
    document = summary(done, measures, cluster)
    if as_json:
        print_json(document)
    else:
        from vbench.cli.tables import print_summary

        print_summary(document)
    return 1 if document["failed"] else 0
