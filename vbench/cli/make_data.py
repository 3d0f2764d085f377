"""`vbench data generate` and `vbench data sample`: datasets of the size that is wanted."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from vbench.cli.command import Command
from vbench.cli.data_options import Option, open_dataset, table_options, vector_options
from vbench.cli.values import MetricType
from vbench.render.terminal.output import json_option, print_json, progress_bar, say

_FOLDER = click.Path(path_type=Path)
_FORCE = click.option("--force", is_flag=True, help="Write over a dataset that is there.")
_SEED = click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)


def _count(name: str, default: int, text: str) -> Option:
    kind = click.IntRange(min=1)
    return click.option(name, type=kind, default=default, show_default=True, metavar="N", help=text)


_GENERATING = """
\b
Examples:
  vbench data generate made-10m
  vbench data generate small --rows 100000 --count 1000
  vbench data generate codes --rows 1000000 --dtype uint8 --dim 128 --seed 1
  vbench run --index ivf-flat --dataset made-10m
"""


@click.command(cls=Command, epilog=_GENERATING, short_help="Make vectors of any number.")
@click.argument("folder", type=_FOLDER)
@_count("--rows", 10_000_000, "Base vectors.")
@_count("--count", 10_000, "Queries.")
@_count("--dim", 96, "Dimensions.")
@click.option(
    "--dtype",
    type=click.Choice(["float16", "float32", "int8", "uint8"]),
    default="float16",
    show_default=True,
    help="Type of the numbers on disk.",
)
@click.option("--metric", type=MetricType(), default="l2", show_default=True)
@_SEED
@_FORCE
@json_option
def generate(
    folder: Path,
    rows: int,
    count: int,
    dim: int,
    as_json: bool,
    **given: Any,
) -> None:
    """Make a dataset of clusters, block by block: for sizes of which nothing is published.

    Clusters are of unlike size and width; half of the queries are drawn like base vectors, the
    others lie between clusters and off to one side (column `kind`: like, unlike). A base of fewer
    vectors begins one of more of the same seed, and has the same queries.
    """
    from vbench.data.documents import DataGenerated
    from vbench.data.generate import generate as make

    with progress_bar() as progress:
        made = make(
            folder,
            n=rows,
            m=count,
            d=dim,
            **given,
            progress=lambda done, total: progress("base vectors", done, total),
        )
    if as_json:
        print_json(DataGenerated(folder=str(made.folder), n=made.n, m=made.m, d=made.d))
        return
    say(f"{made.folder}: {made.n:,} base vectors × {made.d}, {made.m:,} queries")
    say(f"Next: vbench run --index ivf-flat --dataset {shlex.quote(str(made.folder))}")


_SAMPLING = """
\b
Examples:
  vbench data sample glove-50 small --rows 20000 --count 500
  vbench data sample base.fbin part --queries q.fbin --metric ip --rows 1000000 --depth 200
"""


@click.command(cls=Command, epilog=_SAMPLING, short_help="Write a random part of a dataset.")
@click.argument("source", metavar="NAME|PATH")
@click.argument("folder", type=_FOLDER)
@click.option("--rows", type=click.IntRange(min=1), metavar="N", help="Base vectors.")
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="Queries.")
@_count("--depth", 100, "Exact neighbors of each query, found anew among the part.")
@_SEED
@vector_options
@table_options
@_FORCE
@json_option
def sample(
    source: str,
    folder: Path,
    rows: int | None,
    count: int | None,
    depth: int,
    seed: int,
    force: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Write a random part of a dataset into FOLDER, with ground truth of its own.

    Base vectors and queries keep their ids, or their row numbers as ids, and what is known of
    them. Samples of one seed lie in each other, the smaller in the larger.
    """
    from vbench.data.convert import convert, targets
    from vbench.data.documents import DataConverted
    from vbench.data.ground_truth import compute_ground_truth
    from vbench.errors import VbenchError

    if folder.suffix:
        raise VbenchError(f"{folder}: a sample is written into a folder; give a name without a dot")
    if rows is None and count is None:
        raise VbenchError("give --rows N, --count N or both: nothing is to be left out")
    drawn = {"base": rows, "queries": count}
    for side, number in drawn.items():
        given |= {} if number is None else {f"{side}_at_most": number, f"{side}_seed": seed}
    dataset = open_dataset(source, given)
    targets(dataset, folder, ground_truth=True, force=force)
    with progress_bar() as progress:
        truth = compute_ground_truth(
            dataset, depth, progress=lambda done, total: progress("ground truth", done, total)
        )
    paths = convert(dataset, folder, ground_truth=truth, force=force)
    if as_json:
        print_json(DataConverted(files=[str(path) for path in paths]))
        return
    say(f"{folder}: {dataset.n:,} base vectors × {dataset.d}, {dataset.m:,} queries")
    say(f"Next: vbench run --index hnsw --dataset {shlex.quote(str(folder))}")
