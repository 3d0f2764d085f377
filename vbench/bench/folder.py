"""Claim a folder for a run: empty, or the same plan to go on with, and nobody else writing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vbench.bench.plan import Plan, identity
from vbench.errors import VbenchError
from vbench.leftovers import is_leftover, sweep
from vbench.results import files


@contextmanager
def claim(folder: Path, plan: Plan, *, fresh: bool) -> Iterator[None]:
    """Make the folder ready and hold it.

    Raises
    ------
    VbenchError
        When it holds something that is not this run, or another process writes it.
    """
    existed = folder.exists()
    if existed:
        _check_contents(folder, plan, fresh=fresh)
    try:
        (folder / "trials").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VbenchError(f"cannot make the run folder {folder}: {error.strerror}") from None
    with files.locked(folder):
        if fresh:
            _empty(folder)
        for place in (folder, *(path for path in folder.iterdir() if path.is_dir())):
            sweep(place)
        try:
            yield
        finally:
            if not existed and not (folder / files.MANIFEST).exists():
                shutil.rmtree(folder)


def _check_contents(folder: Path, plan: Plan, *, fresh: bool) -> None:
    if not folder.is_dir():
        raise VbenchError(f"{folder} is a file; give --out a folder")
    names = {entry.name for entry in folder.iterdir() if not is_leftover(entry)}
    if names <= {"trials"} and not any((folder / "trials").glob("[!.]*")):
        return
    if files.MANIFEST not in names:
        raise VbenchError(f"{folder} holds something else than a run; give --out another folder")
    if fresh:
        return
    before = files.read_manifest(folder)
    if (before.plan or identity(before.trials)) != plan.identity:
        raise VbenchError(
            f"{folder} holds a run of another plan (other data, indexes, settings or seed); "
            "give --out another folder, or --fresh to throw that run away"
        )


def _empty(folder: Path) -> None:
    (folder / files.MANIFEST).unlink(missing_ok=True)
    shutil.rmtree(folder / "trials")
    (folder / "trials").mkdir()
    for path in files.derived(folder):
        path.unlink(missing_ok=True)
