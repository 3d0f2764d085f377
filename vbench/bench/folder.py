"""Claim a folder for a run: empty, or a run to go on with, and nobody else writing."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from vbench._leftovers import is_leftover, sweep
from vbench.bench.growth import check_fits, check_trials
from vbench.bench.prepare import PreparedRun
from vbench.errors import DamagedFileError, VbenchError, warn
from vbench.runs import files
from vbench.runs.schema import Manifest

_OURS = {
    *(files.MANIFEST, files.QUERIES, files.ITEMS, files.GROUND_TRUTH, files.TRIALS, files.OLD),
    *(files.COMPARISONS, files.INTERNALS, files.RANK, "inside.json", "ranking.json"),
    *("report.html", "figures"),
}


class ClaimedFolder(NamedTuple):
    """What a folder holds: its manifest, and the keys of the trials that are whole."""

    before: Manifest | None
    done: frozenset[str]
    damaged: bool
    """Whether something of it was damaged, and is to be made anew."""


@contextmanager
def claim(folder: Path, prepared: PreparedRun, *, fresh: bool) -> Iterator[ClaimedFolder]:
    """Make the folder ready and hold it.

    Raises
    ------
    VbenchError
        When it holds something that is not a run, or one of other data or options, or another
        process writes it.
    """
    existed = folder.exists()
    if existed:
        _check_contents(folder)
    try:
        (folder / files.TRIALS).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VbenchError(f"cannot make the run folder {folder}: {error.strerror}") from None
    with files.hold_folder(folder):
        if fresh:
            _empty(folder)
        for place in (folder, *(path for path in folder.iterdir() if path.is_dir())):
            sweep(place)
        try:
            yield _claimed(folder, prepared)
        finally:
            if not existed and not (folder / files.MANIFEST).exists():
                shutil.rmtree(folder)


def _claimed(folder: Path, prepared: PreparedRun) -> ClaimedFolder:
    """What is there, after what is damaged has been set aside and told."""
    before, damaged = None, False
    if (folder / files.MANIFEST).is_file():
        try:
            before = files.read_manifest(folder)
        except DamagedFileError as error:
            damaged = True
            files.set_aside(folder, folder / files.MANIFEST)
            warn(f"{error.path} is damaged ({error.problem}): made anew, from what was measured")
        else:
            check_fits(before, prepared.plan, prepared.options, folder)
    done, wrong = check_trials(folder)
    for each in wrong:
        damaged = True
        files.set_aside(folder, Path(str(each.path)))
        warn(
            f"{each.path} is damaged ({each.problem}): set aside, and measured again where "
            "this call asks for it"
        )
    return ClaimedFolder(before, frozenset(done), damaged)


def _check_contents(folder: Path) -> None:
    if not folder.is_dir():
        raise VbenchError(f"{folder} is a file; give --out a folder")
    names = {entry.name for entry in folder.iterdir() if not is_leftover(entry)}
    is_run = files.MANIFEST in names or (names <= _OURS and files.TRIALS in names)
    if names and not is_run:
        raise VbenchError(f"{folder} holds something else than a run; give --out another folder")


def _empty(folder: Path) -> None:
    (folder / files.MANIFEST).unlink(missing_ok=True)
    for name in (files.TRIALS, files.OLD):
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / files.TRIALS).mkdir()
    for path in files.derived_paths(folder):
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
