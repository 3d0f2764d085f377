"""`vbench data prune`: removes what is kept between runs and no longer needed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from vbench.numbers import write
from vbench.render.terminal.output import console, json_option, print_json, print_table, say

_EXAMPLES = """
\b
Examples:
  vbench data prune --dry-run
  vbench data prune --unused 30 --yes
  vbench data prune results/my-run --yes
"""


@click.command(epilog=_EXAMPLES, short_help="Remove cached files that are no longer needed.")
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path), metavar="[RUN]...")
@click.option(
    "--unused",
    type=click.FloatRange(min=0),
    metavar="DAYS",
    help="Also remove what can be recomputed and has not been read for that long.",
)
@click.option("--datasets", is_flag=True, help="Also remove fetched datasets.")
@click.option("--indexes", is_flag=True, help="Also remove all kept indexes.")
@click.option("--dry-run", is_flag=True, help="Only list what would be removed.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")
@json_option
def prune(
    runs: tuple[Path, ...],
    unused: float | None,
    datasets: bool,
    indexes: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Show what is kept and no longer needed, with sizes, and remove it.

    That is, in $VBENCH_HOME: converted files whose source is gone or has changed, ground truth
    that a deeper one replaces, computations and downloads that were stopped, and what killed
    processes left. Of each RUN: the trials that newer ones replaced (its folder `old`). What a
    process is writing now is let be. Without a terminal nothing is asked, and nothing removed
    but with --yes.
    """
    from vbench.data import prune as pruning
    from vbench.data.documents import DataPruned, PrunableItem

    items = [
        *pruning.prunable(unused_days=unused, datasets=datasets, indexes=indexes),
        *(item for run in runs for item in _replaced(run)),
    ]
    if not as_json:
        _print(items)
    removes = bool(items) and not dry_run and (yes or _agreed(as_json))
    freed = pruning.remove(items) if removes else 0
    swept = [] if dry_run else pruning.sweep_home()
    if as_json:
        print_json(
            DataPruned(
                items=[
                    PrunableItem(
                        kind=each.kind, reason=each.reason, path=str(each.path), bytes=each.bytes
                    )
                    for each in items
                ],
                bytes=sum(each.bytes for each in items),
                removed=removes,
                freed=freed,
                swept=[str(path) for path in swept],
            )
        )
        return
    _print_end(items, removes=removes, freed=freed, swept=len(swept), dry_run=dry_run)


def _agreed(as_json: bool) -> bool:
    """Ask, where there is somebody to be asked."""
    if as_json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    return click.confirm("Remove it?")


def _replaced(run: Path) -> list[Any]:
    """What lies in a run's `old`."""
    from vbench.data.prune import Item, size_of
    from vbench.runs import files

    files.read_manifest(run)  # says so where it is no run
    old = run / files.OLD
    if not old.is_dir():
        return []
    with files.hold_folder(run):
        return [Item("old trials", "newer ones replaced them", old, size_of(old))]


def _print(items: list[Any]) -> None:
    from vbench.render.terminal.tables import make_table

    if not items:
        return
    text = ("reason", "path")
    table = make_table("", "kind", "size", *text, text=text)
    for each in items:
        table.add_row(each.kind, write(each.bytes, "bytes"), each.reason, str(each.path))
    print_table(console(), table)


def _print_end(items: list[Any], *, removes: bool, freed: int, swept: int, dry_run: bool) -> None:
    total = write(sum(each.bytes for each in items), "bytes")
    if swept:
        say(f"{swept} temporary files of dead processes removed")
    if removes:
        say(f"removed: {write(freed, 'bytes')}")
    elif not items:
        say("nothing that is not needed")
    elif dry_run:
        say(f"{total} would be removed")
    else:
        say(f"{total}, nothing removed; --yes removes it")
