"""The results in files and folders, and the dataset that they are answers on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from vbench._invocation import spell_option
from vbench.analysis.imported import LeftOut, Means
from vbench.data import catalog
from vbench.errors import VbenchError
from vbench.importing import hdf5, tables
from vbench.importing.documents import read_json
from vbench.importing.results import Result, ResultError

_SUFFIXES = (*hdf5.SUFFIXES, ".json")


class Found(NamedTuple):
    """What some paths hold: results, means alone, what cannot be read, and tables of answers."""

    results: list[Result]
    means: list[Means]
    left_out: list[LeftOut]
    tables: list[Path]


def find_results(paths: Sequence[str | Path], k: int | None = None) -> Found:
    """Look through files and folders.

    Raises
    ------
    VbenchError
        A path is not there, is a dataset, or is of no known kind; nothing in them is a result.
    """
    found = Found([], [], [], [])
    for given in paths:
        path = Path(given).expanduser()
        if not path.exists():
            raise VbenchError(f"{path}: no such file or folder")
        if path.is_dir():
            for file in sorted(path.rglob("*")):
                if file.suffix.lower() in _SUFFIXES and file.is_file():
                    _take(file, k, found)
            continue
        if path.suffix.lower() in tables.SUFFIXES:
            found.tables.append(path)
            continue
        if path.suffix.lower() not in _SUFFIXES:
            raise VbenchError(
                f"{path}: results are read from {', '.join((*_SUFFIXES, *tables.SUFFIXES))}"
            )
        before = _count(found)
        _take(path, k, found)
        if _count(found) == before:
            raise VbenchError(
                f"{path}: holds no answers"
                + (
                    f"; it is a dataset: give it with {spell_option('dataset')}, beside results"
                    if path.suffix.lower() in hdf5.SUFFIXES
                    else ": it tells of the upload only"
                )
            )
    if not any(found):
        raise VbenchError(
            f"{', '.join(map(str, paths))}: no results there; give .hdf5 files of ann-benchmarks, "
            "VIBE or big-ann-benchmarks, .json files of vector-db-benchmark or VectorDBBench, or "
            "a .parquet file of answers"
        )
    return found


def _count(found: Found) -> int:
    return sum(len(each) for each in found)


def _take(file: Path, k: int | None, found: Found) -> None:
    try:
        for each in _read(file, k):
            if isinstance(each, Means):
                found.means.append(each)
            else:
                found.results.append(each)
    except ResultError as error:
        found.left_out.append(LeftOut(file=str(file), reason=str(error)))


def _read(file: Path, k: int | None) -> Iterator[Result | Means]:
    if file.suffix.lower() == ".json":
        yield from read_json(file, k)
    else:
        yield from hdf5.read_hdf5(file)


def one_dataset(results: Sequence[Result]) -> str:
    """What the dataset of all results is called; "" where none says it.

    Raises
    ------
    VbenchError
        They are of several, or of several tools.
    """
    tools = list(dict.fromkeys(each.tool for each in results))
    if len(tools) > 1:
        raise VbenchError(
            f"results of {' and '.join(tools)}: a run is of one tool; import each on its own, and "
            "compare the runs"
        )
    names = list(dict.fromkeys(each.dataset for each in results if each.dataset))
    if len(names) > 1:
        raise VbenchError(
            f"results on {', '.join(names)}: a run is on one dataset; give the files of one"
        )
    return names[0] if names else ""


def locate_dataset(name: str, results: Sequence[Result]) -> str:
    """Where the dataset of some results lies, by its name: in the catalog, or beside them.

    Raises
    ------
    VbenchError
        Nowhere: it has to be given.
    """
    if name:
        for folder in dict.fromkeys(parent for x in results for parent in x.file.resolve().parents):
            for path in (folder / "data" / f"{name}.hdf5", folder / f"{name}.hdf5"):
                if path.is_file():
                    return str(path)
        if name in catalog.names():
            return name
    what = f"the dataset {name}" if name else "a dataset that they do not name"
    raise VbenchError(
        f"these are answers on {what}, whose vectors are not among them; give it with "
        f"{spell_option('dataset', 'FILE' if not name else f'{name}.hdf5')}: exact neighbors are "
        "found in it"
    )
