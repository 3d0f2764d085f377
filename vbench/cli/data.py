"""`vbench data`: which datasets there are, and bringing, converting and preparing them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from vbench._plain import plain
from vbench.cli.command import Group
from vbench.cli.data_options import open_dataset, table_options, trust_option, vector_options
from vbench.cli.options import device_option, workers_option
from vbench.cli.values import complete_dataset
from vbench.render.terminal.output import console, json_option, print_json, progress_bar, say

_ELSEWHERE = {
    "audit": "vbench.cli.audit:audit",
    "generate": "vbench.cli.make_data:generate",
    "import": "vbench.cli.import_data:import_data",
    "prune": "vbench.cli.prune:prune",
    "sample": "vbench.cli.make_data:sample",
    "train": "vbench.cli.train:train",
}

_EXAMPLES = """
\b
Examples:
  vbench data list
  vbench data fetch glove-50
  vbench data show sift-128-euclidean
  vbench data show base.npy --queries queries.npy --metric ip
  vbench data import shop --items items.parquet --users users.parquet --metric ip
  vbench data audit books
  vbench data convert books books.hdf5 --depth 100
  vbench data sample glove-50 small --rows 20000 --count 500
  vbench data generate made-10m
  vbench data truth base.fbin --metric l2 --depth 100 --out groundtruth.ibin
"""


class DataGroup(Group):
    """Commands of this file, and those that have a file of their own."""

    elsewhere = _ELSEWHERE


@click.group(cls=DataGroup, epilog=_EXAMPLES, short_help="List, fetch and convert datasets.")
def data() -> None:
    """List, show, fetch, import and convert datasets, and compute their exact neighbors.

    A dataset is a name of the catalog or a path: HDF5 of ann-benchmarks and VIBE, .fvecs/.bvecs,
    .fbin/.u8bin/.i8bin, .npy/.npz, Parquet, or a folder. docs/data.md describes them.
    """


@data.command("list")
@json_option
def list_datasets(as_json: bool) -> None:
    """List every dataset that has a name."""
    from vbench.data import catalog
    from vbench.data.documents import DatasetList, describe_entry

    rows = [describe_entry(entry) for entry in catalog.entries()]
    if as_json:
        print_json(DatasetList(datasets=rows))
        return
    from vbench.render.terminal.data import print_datasets

    print_datasets(rows)
    say("More: vbench data show NAME. To get one: vbench data fetch NAME")


@data.command()
@click.argument("name", metavar="NAME|PATH", shell_complete=complete_dataset)
@vector_options
@table_options
@json_option
def show(name: str, as_json: bool, **given: Any) -> None:
    """Show a dataset's card, and what is in its vectors if they are here."""
    from vbench.data import catalog
    from vbench.data.documents import DataShown, describe_card, describe_data
    from vbench.render.terminal.data import print_card, print_data

    card, found = None, None
    if name in catalog.names() or catalog.is_card(name):
        entry = catalog.find(name)
        card = describe_card(entry)
        here = entry.status != "not fetched"
    else:
        here = True
    if here:
        found = describe_data(open_dataset(name, given))
    if as_json:
        print_json(DataShown(card=card, data=found))
        return
    if card:
        print_card(card)
    if found:
        print_data(found)
    else:
        import shlex

        say(f"Not here yet: vbench data fetch {shlex.quote(entry.reference)}")


@data.command()
@click.argument(
    "names", nargs=-1, required=True, metavar="NAME|CARD...", shell_complete=complete_dataset
)
@trust_option
@json_option
def fetch(names: tuple[str, ...], as_json: bool) -> None:
    """Bring datasets of the catalog here, or those of cards (a TOML file's path).

    A partial download resumes, checksums are compared, and the sources of a card are tried in
    turn. Of two calls for one dataset the second waits, and finds it here. Data lies in
    $VBENCH_HOME, by default the user's cache folder.
    """
    from vbench.data import catalog
    from vbench.data.documents import DataFetched, FetchedDataset
    from vbench.data.fetch import fetch as bring
    from vbench.data.load import load

    entries = [catalog.find(name) for name in names]
    rows = []
    for entry in entries:
        with _byte_bar() as progress:
            folder = bring(entry, progress=progress)
        dataset = load(entry.reference)
        more = dataset.interactions
        rows.append(FetchedDataset(name=entry.name, folder=str(folder), n=dataset.n, m=dataset.m))
        if not as_json:
            say(
                f"{entry.name}: {dataset.n:,} base vectors × {dataset.d}, {dataset.m:,} queries, "
                f"{dataset.metric}, in {folder}"
                + ("" if more is None else f", with {more.height:,} interactions")
            )
    if as_json:
        print_json(DataFetched(datasets=rows))
    else:
        import shlex

        first = shlex.quote(entries[0].reference)
        say(f"Next: vbench run --index hnsw --dataset {first}")


@data.command()
@click.argument("source", metavar="NAME|PATH", shell_complete=complete_dataset)
@click.argument("target", type=click.Path(path_type=Path))
@vector_options
@table_options
@click.option("--depth", type=click.IntRange(min=1), help="Write the ground truth too.")
@click.option("--force", is_flag=True, help="Overwrite existing files.")
@json_option
def convert(
    source: str,
    target: Path,
    depth: int | None,
    force: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Write a dataset in another format.

    TARGET is a folder (vbench's own layout, the only one that keeps everything), or ends in
    .hdf5, .fbin, .u8bin, .i8bin, .fvecs, .bvecs or .parquet. Formats of one array a file make
    several: sift.fvecs becomes sift_base.fvecs, sift_query.fvecs, …. Parquet keeps the columns of
    queries and items. Tables that are given are joined, so that a folder has them all.
    """
    from vbench.data.convert import convert as write
    from vbench.data.convert import describe_losses, targets
    from vbench.data.documents import DataConverted
    from vbench.data.ground_truth import compute_ground_truth

    dataset = open_dataset(source, given)
    targets(dataset, target, ground_truth=bool(depth), force=force)
    truth = None
    if depth:
        with progress_bar() as progress:
            truth = compute_ground_truth(
                dataset, depth, progress=lambda done, total: progress("ground truth", done, total)
            )
    paths = write(dataset, target, ground_truth=truth, force=force)
    if (lost := describe_losses(dataset, target)) and not as_json:
        say(f"vbench: warning: {target.suffix} keeps no {lost}; a folder does", err=True)
    if as_json:
        print_json(DataConverted(files=[str(path) for path in paths]))
        return
    for path in paths:
        say(path)


@data.command()
@click.argument("name", metavar="NAME|PATH", shell_complete=complete_dataset)
@vector_options
@click.option(
    "--depth",
    type=click.IntRange(min=1),
    default=200,
    show_default=True,
    help="Neighbors per query.",
)
@click.option("--threads", type=click.IntRange(min=1), help="Default: all cores.")
@workers_option
@device_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Also write it to a file: .npz (ids and distances), .ibin or .ivecs (ids).",
)
@json_option
def truth(
    name: str,
    depth: int,
    threads: int | None,
    workers: str | None,
    device: str,
    out: Path | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Compute the ground truth: the exact neighbors of every query, or read it where it is kept.

    `vbench run` does this by itself. A computation that was stopped resumes.
    """
    from vbench.data.convert import check_ground_truth_target, write_ground_truth
    from vbench.data.documents import GroundTruthInfo
    from vbench.data.ground_truth import compute_ground_truth

    if out:
        check_ground_truth_target(out)
    dataset = open_dataset(name, given)
    began = time.perf_counter()
    with progress_bar() as progress:
        if workers is not None:
            from vbench.bench.cluster.truth import find_by_workers

            find_by_workers(
                workers, dataset, depth, lambda done, total: progress("ground truth", done, total)
            )
        # What workers have found is kept by now.
        found = compute_ground_truth(
            dataset,
            depth,
            threads=threads,
            device=device,
            progress=lambda done, total: progress("ground truth", done, total),
        )
    seconds = time.perf_counter() - began
    if out:
        write_ground_truth(found, out, dataset.item_ids)
    if as_json:
        print_json(
            GroundTruthInfo(
                dataset=dataset.name,
                fingerprint=dataset.fingerprint,
                queries=dataset.m,
                depth=found.depth,
                seconds=seconds,
                file=str(out) if out else None,
            )
        )
        return
    say(
        f"{dataset.name}: exact {found.depth} nearest of {dataset.m:,} queries among "
        f"{dataset.n:,}, in {seconds:.1f} s; certified in float64 and kept under "
        f"{dataset.fingerprint[:12]}"
    )
    if out:
        say(out)


@contextmanager
def _byte_bar() -> Iterator[Callable[[str, int, int | None], None]]:
    """Give a callback (file, bytes so far, bytes in all) that draws a bar on a terminal."""
    if not sys.stderr.isatty():
        yield lambda file, done, total: None
        return
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TaskID,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console(stderr=True),
        transient=True,
    )
    tasks: dict[str, TaskID] = {}

    def update(file: str, done: int, total: int | None) -> None:
        if file not in tasks:
            tasks[file] = bar.add_task(plain(file))
        bar.update(tasks[file], completed=done, total=total)

    with bar:
        yield update
