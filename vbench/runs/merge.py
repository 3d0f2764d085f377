"""Several run folders of the same data and options as one."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from vbench.errors import VbenchError
from vbench.runs import files
from vbench.runs.pairing import check_same_data
from vbench.runs.run import Run
from vbench.runs.schema import Call, Manifest

_MAY_DIFFER = ("jobs", "device", "timeout", "memory_limit")
"""Options that change no answer and no time."""


def merge(runs: Sequence[Run], out: Path, call: Call) -> Manifest:
    """Write a new run folder with the builds and trials of all, each once.

    What several hold is taken from the first that has a result of it. Nothing can be added to it
    by ``vbench run``.

    Raises
    ------
    VbenchError
        There are not two runs, they are of other data or were measured otherwise, or `out` exists.
    """
    if len(runs) < 2:
        raise VbenchError("one run; give those that are to be one")
    if out.exists():
        raise VbenchError(f"{out} exists; give a folder that does not")
    first = runs[0]
    for other in runs[1:]:
        check_same_data(first, other)
        _check_options(first, other)
    manifests = [run.manifest for run in runs]
    holders: dict[str, Run] = {}
    for run in runs:
        for trial in run.manifest.trials:
            if run.is_done(trial):
                holders.setdefault(trial.key, run)
    merged = msgspec.structs.replace(
        first.manifest,
        created=min(each.created for each in manifests),
        plan="",
        call=call,
        later=[],
        environments={key: env for each in manifests for key, env in each.environments.items()},
        builds=_union((each.builds for each in manifests), "key"),
        views=_union((each.views for each in manifests), "key"),
        loads=_union((each.loads for each in manifests), "key"),
        trials=_union((each.trials for each in manifests), "key"),
        failures=[
            failure
            for failure in _union((each.failures for each in manifests), "trial")
            if failure.trial not in holders
        ],
        levels=[level for each in manifests for level in each.levels],
        warnings=list(dict.fromkeys(warning for each in manifests for warning in each.warnings)),
    )
    (out / files.TRIALS).mkdir(parents=True)
    for key, run in holders.items():
        name = f"{key}.parquet"
        shutil.copy2(run.path / files.TRIALS / name, out / files.TRIALS / name)
    for run in reversed(runs):
        _copy_tables(run.path, out)
    files.write_manifest(out, merged)
    return merged


def _check_options(first: Run, other: Run) -> None:
    a, b = first.manifest, other.manifest
    for name in a.options.__struct_fields__:
        mine, theirs = getattr(a.options, name), getattr(b.options, name)
        if name not in _MAY_DIFFER and mine != theirs:
            raise VbenchError(
                f"{first.path} has {name}={mine} and {other.path} {name}={theirs}; runs that were "
                "measured otherwise are compared, not merged: vbench compare"
            )
    if a.workload != b.workload:
        raise VbenchError(
            f"{first.path} and {other.path} changed the base between searches in other steps"
        )


def _copy_tables(folder: Path, out: Path) -> None:
    """The queries, the items and the exact neighbors; those of the last call count."""
    for name in (files.QUERIES, files.ITEMS):
        if (folder / name).is_file():
            shutil.copy2(folder / name, out / name)
    if (folder / files.GROUND_TRUTH).is_dir():
        shutil.copytree(folder / files.GROUND_TRUTH, out / files.GROUND_TRUTH, dirs_exist_ok=True)


def _union(lists: Iterable[Sequence[Any]], key: str) -> list[Any]:
    found: dict[str, Any] = {}
    for each in lists:
        for one in each:
            found.setdefault(getattr(one, key), one)
    return list(found.values())
