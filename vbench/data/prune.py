"""What is kept between runs and no longer needed: found, and removed."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from vbench import _paths
from vbench._leftovers import is_leftover, sweep
from vbench._locks import is_held
from vbench.data import conversions

_DAY_SECONDS = 86_400.0
_MADE_AGAIN = ("converted", "truth", "hardness", "rankers", "training", "remote", "runs")
"""Folders of what is made anew when it is needed."""
FACTS_OF_INDEX = "kept.json"
"""What a kept index lies with; its time of writing is that of its last use."""


class Item(NamedTuple):
    """Something that can go: what it is, why it can, and its files or folders."""

    kind: str
    reason: str
    path: Path
    bytes: int
    more: tuple[Path, ...] = ()


def prunable(
    *, unused_days: float | None = None, datasets: bool = False, indexes: bool = False
) -> list[Item]:
    """Find what the home folder holds that nothing needs; what is in use now is none of it.

    With `unused_days` also what is made anew when it is needed (converted files, ground truth,
    hardness, rankers, checkpoints, kept indexes), where nobody has read it for so many days; with
    `datasets` also the fetched datasets themselves, with `indexes` all kept indexes.
    """
    home = _paths.home()
    items = [
        *_stale_conversions(home / "converted"),
        *_ground_truth(home / "truth"),
        *_half_downloads(home / "datasets"),
        *_of_version_0_1_0(home),
    ]
    if unused_days is not None:
        items += _unused(home, unused_days)
    if indexes or unused_days is not None:
        items += _indexes(home / "indexes", None if indexes else unused_days)
    if datasets:
        items += _datasets(home / "datasets")
    first: dict[Path, Item] = {}
    for item in items:
        first.setdefault(item.path, item)
    # A folder that goes takes with it what lies in it.
    return [item for item in first.values() if not any(each in first for each in item.path.parents)]


def remove(items: list[Item]) -> int:
    """Remove them; the bytes that are free now."""
    freed = 0
    for item in items:
        for path in (item.path, *item.more):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        freed += item.bytes * (not item.path.exists())
        with contextlib.suppress(OSError):
            item.path.parent.rmdir()  # only if nothing else is in it
    return freed


def sweep_home() -> list[Path]:
    """Remove what dead processes left anywhere in the home folder."""
    home = _paths.home()
    folders = [home, *(path for path in home.rglob("*") if path.is_dir())]
    return [path for folder in folders for path in sweep(folder)]


def size_of(path: Path) -> int:
    """Bytes of a file, or of all in a folder."""
    files = path.rglob("*") if path.is_dir() and not path.is_symlink() else [path]
    total = 0
    for file in files:
        with contextlib.suppress(OSError):
            total += file.lstat().st_size * (not file.is_dir())
    return total


def _item(kind: str, reason: str, path: Path, *more: Path) -> Item:
    there = tuple(each for each in more if each.exists())
    return Item(kind, reason, path, sum(map(size_of, (path, *there))), there)


def _stale_conversions(folder: Path) -> Iterator[Item]:
    gone: set[str] = set()
    waiting = sorted(folder.glob("*.npy"))
    # A file may have been made of another converted one, which goes before it.
    while waiting:
        found = {path: reason for path in waiting if (reason := _stale(path, gone))}
        for path, reason in found.items():
            gone.add(str(path.resolve()))
            yield _item("converted", reason, path, path.with_suffix(".json"))
        waiting = [path for path in waiting if path not in found] if found else []
    for path in sorted(folder.glob("*.json")):
        if not path.with_suffix(".npy").exists():
            yield _item("converted", "a note without its file", path)


def _stale(path: Path, gone: set[str]) -> str:
    """Why a converted file serves nobody; empty where it does, or is being made."""
    if is_held(path):
        return ""
    note = conversions.read_note(path)
    if note is None:
        return "nobody knows what it was made of"
    for file in note.origin.files:
        if file.path in gone or not Path(file.path).exists():
            return f"{file.path} is gone"
        if not file.is_current():
            return f"{file.path} has changed"
    return ""


def _ground_truth(folder: Path) -> Iterator[Item]:
    for own in sorted(path for path in folder.glob("*") if path.is_dir()):
        depths = {
            int(number): path
            for path in own.glob("depth-*.npz")
            if (number := path.stem.partition("-")[2]).isdecimal()
        }
        for depth, path in depths.items():
            if depth < max(depths):
                yield _item("ground truth", f"that of depth {max(depths)} serves too", path)
        for path in sorted(own.glob("unfinished-*.npz")):
            if not is_held(own / path.name.replace("unfinished", "depth")):
                yield _item("ground truth", "its computation was stopped", path)


def _half_downloads(folder: Path) -> Iterator[Item]:
    for dataset in sorted(path for path in folder.glob("*") if path.is_dir()):
        if is_held(dataset):
            continue
        for path in sorted(dataset.rglob("*.part")):
            if not is_leftover(path):
                mark = path.with_name(f"{path.name}.json")
                yield _item("download", "only half of it came", path, mark)


def _of_version_0_1_0(home: Path) -> Iterator[Item]:
    """Temporary files that were not yet swept by themselves."""
    for name in ("converted", "truth"):
        for path in sorted((home / name).rglob(".*.part")):
            if not is_leftover(path):
                yield _item("temporary", "an earlier version left it", path)


def _unused(home: Path, days: float) -> Iterator[Item]:
    before = time.time() - days * _DAY_SECONDS
    for name in _MADE_AGAIN:
        for path in sorted(path for path in (home / name).rglob("*") if path.is_file()):
            facts = path.stat()
            if path.suffix == ".json" or is_leftover(path) or is_held(path):
                continue
            # Where the file system notes no reading, the time of writing has to do.
            if max(facts.st_atime, facts.st_mtime) <= before:
                kind = "ground truth" if name == "truth" else name
                note = path.with_suffix(".json")
                yield _item(kind, f"not used for {days:g} days", path, note)


def _indexes(folder: Path, days: float | None) -> Iterator[Item]:
    """Kept indexes that were not used for so many days; None: all."""
    for path in sorted(path for path in folder.glob("*") if path.is_dir()):
        if is_leftover(path) or is_held(path):
            continue
        facts = path / FACTS_OF_INDEX
        last = (facts if facts.exists() else path).stat().st_mtime
        if days is None:
            yield _item("index", "the next run that needs it builds it again", path)
        elif last <= time.time() - days * _DAY_SECONDS:
            yield _item("index", f"not used for {days:g} days", path)


def _datasets(folder: Path) -> Iterator[Item]:
    for path in sorted(path for path in folder.glob("*") if path.is_dir()):
        if not is_held(path):
            yield _item("dataset", "vbench data fetch brings it again", path)
