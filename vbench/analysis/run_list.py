"""Which runs there are: the document of `vbench runs`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from vbench._document import Document
from vbench.errors import VbenchError
from vbench.runs import files
from vbench.runs.run import Run


class FoundRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run folder.

    Attributes
    ----------
    planned, done, failed : trials
    bytes : what the folder holds
    kept : what other commands left in it: `compare`, `rank`, `tune`
    """

    path: str
    created: str
    dataset: str
    indexes: list[str]
    k: list[int]
    builds: int
    planned: int
    done: int
    failed: int
    bytes: int
    kept: list[str] = []


class RunList(Document, frozen=True, kw_only=True, tag="vbench.runs/1"):
    """Runs, the latest first; `damaged` are folders that cannot be read, with the reason."""

    runs: list[FoundRun]
    damaged: tuple[str, ...] = ()


_KEPT = {"compare": files.COMPARISONS, "rank": files.RANK, "tune": files.TUNE}


def find_folders(paths: Sequence[str | Path]) -> list[Path]:
    """The run folders among some paths, and those that lie in them, up to two folders deep.

    Raises
    ------
    VbenchError
        A path holds none.
    """
    found: dict[Path, Path] = {}
    for path in map(Path, paths):
        inside = _inside(path)
        if not inside:
            raise VbenchError(f"{path} is no run folder, and holds none")
        found |= {each.resolve(): each for each in inside}
    return list(found.values())


def _inside(path: Path) -> list[Path]:
    """The run itself; else those in a folder, but not what lies in one of them."""
    if (path / files.MANIFEST).is_file():
        return [path]
    near = sorted(each.parent for each in path.glob(f"*/{files.MANIFEST}"))
    deeper = sorted(each.parent for each in path.glob(f"*/*/{files.MANIFEST}"))
    return [*near, *(each for each in deeper if each.parent not in near)]


def list_runs(paths: Sequence[str | Path]) -> RunList:
    """What the run folders in some folders hold."""
    runs: list[FoundRun] = []
    damaged: list[str] = []
    for folder in find_folders(paths):
        try:
            runs.append(_describe(Run(folder)))
        except VbenchError as error:
            damaged.append(str(error))
    runs.sort(key=lambda each: each.created, reverse=True)
    return RunList(runs=runs, damaged=tuple(damaged))


def _describe(run: Run) -> FoundRun:
    facts = run.manifest
    done = sum(map(run.is_done, facts.trials))
    failed = {failure.trial for failure in facts.failures}
    return FoundRun(
        path=str(run.path),
        created=facts.created,
        dataset=facts.dataset.name,
        indexes=list(dict.fromkeys(build.index for build in facts.builds)),
        k=list(facts.options.k),
        builds=facts.options.builds,
        planned=len(facts.trials),
        done=done,
        failed=sum(each.key in failed and not run.is_done(each) for each in facts.trials),
        bytes=sum(path.stat().st_size for path in run.path.rglob("*") if path.is_file()),
        kept=[name for name, file in _KEPT.items() if (run.path / file).is_file()],
    )
