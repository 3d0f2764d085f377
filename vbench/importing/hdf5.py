"""Result files of ann-benchmarks, VIBE and big-ann-benchmarks: HDF5, each in its own way.

ann-benchmarks has a file for each setting, VIBE one for each build with a group for each setting,
big-ann-benchmarks one for each setting without times and distances.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vbench.data.arrays import DAMAGE, first_line
from vbench.importing.naming import read_parameters
from vbench.importing.results import Arrays, Result, ResultError, Tool

SUFFIXES = (".hdf5", ".h5")
_KILO = 1024
"""All three count the size of an index in kilobytes, as the growth of their process."""


def read_hdf5(path: Path) -> Iterator[Result]:
    """The results in a file; none where it is a dataset of one of these tools.

    Raises
    ------
    ResultError
        The file is damaged, or holds something else.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            if "train" in file:
                return
            if any(name.startswith("neighbors_step") for name in file):
                raise ResultError(
                    f"{path}: answers of a streaming track, whose base changes from step to step; "
                    "take results of a track with one base"
                )
            if "lims" in file:
                raise ResultError(
                    f"{path}: answers of a range search; take results of a search for K neighbors"
                )
            if "neighbors" in file:
                tool: Tool = "ann-benchmarks" if "times" in file else "big-ann-benchmarks"
                yield _result(path, file, "", tool)
                return
            parts = [name for name, each in file.items() if _is_group(each)]
            if not parts:
                raise ResultError(
                    f"{path}: holds {', '.join(file) or 'nothing'}, and no answers; give result "
                    "files of ann-benchmarks, VIBE or big-ann-benchmarks"
                )
            for part in parts:
                yield _result(path, file[part], part, "VIBE")
    except DAMAGE as error:
        raise ResultError(f"{path}: not a whole HDF5 file: {first_line(error)}") from None


def _is_group(item: Any) -> bool:
    return hasattr(item, "keys") and "neighbors" in item and "times" in item


def _result(path: Path, group: Any, part: str, tool: Tool) -> Result:
    facts = {name: _plain(value) for name, value in group.attrs.items()}
    shape = group["neighbors"].shape
    if len(shape) != 2 or "algo" not in facts:
        raise ResultError(
            f"{path}: neighbors have the shape {shape}, of {facts.get('algo', 'no algorithm')}; "
            "a row for each query is needed, and the attribute algo"
        )
    passes = _number(facts, "run_count")
    work = _number(facts, "dist_comps")
    in_batch = facts.get("batch_mode") in (True, "True")
    best = _number(facts, "best_search_time")
    size = _number(facts, "index_size")
    batch = None
    if tool == "big-ann-benchmarks":
        batch = best  # of the whole call; the other two have seconds a query here
    elif in_batch and best is not None:
        batch = best * shape[0]
    build = (str(facts["algo"]), facts.get("build_time"), size)
    return Result(
        tool=tool,
        file=path,
        part=part,
        algorithm=str(facts["algo"]) + ("-batch" if in_batch else ""),
        parameters=read_parameters(str(facts.get("name", ""))),
        label=part or path.stem,
        build=build if facts.get("build_time") is not None else (*build, str(path)),
        k=int(_number(facts, "count") or shape[1]),
        dataset=str(facts.get("dataset", "")),
        metric=str(facts.get("distance", "")),
        read=functools.partial(_read, path, part, has_times=tool[:3] != "big" and not in_batch),
        passes=None if passes is None else int(passes),
        build_seconds=_number(facts, "build_time"),
        index_bytes=None if size is None or size <= 0 else int(size * _KILO),
        batch_seconds=batch,
        work=None if work is None else work / (shape[0] * max(1.0, passes or 1.0)),
    )


def _read(path: Path, part: str, *, has_times: bool) -> Arrays:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            group = file[part] if part else file
            ids = group["neighbors"][:].astype(np.int64)
            times = group["times"][:].astype(np.float64) if has_times else None
            distances = group["distances"][:].astype(np.float64) if "distances" in group else None
    except DAMAGE as error:
        raise ResultError(f"{path}: not a whole HDF5 file: {first_line(error)}") from None
    return Arrays(ids=ids, seconds=times, distances=distances)


def _number(facts: Mapping[str, Any], name: str) -> float | None:
    """A number that an attribute holds, which VIBE writes as text."""
    try:
        found = float(facts[name])
    except (KeyError, TypeError, ValueError):
        return None
    return found if np.isfinite(found) else None


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value.item() if isinstance(value, np.generic) else value
