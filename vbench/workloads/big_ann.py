"""Runbooks of big-ann-benchmarks: YAML files of its streaming track, with one runbook a dataset.

A dataset's name holds `max_pts` and steps numbered from 1 on: ``operation: insert`` or ``delete``
with `start` and `end` (the second not included), ``search``, and ``replace`` of the tags from
`tags_start` to `tags_end` by the vectors from `ids_start` to `ids_end`. The tag of a vector is its
number, until another one is put in its place. What comes behind the last search is left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from vbench.errors import DataError, MissingExtraError, UnknownNameError
from vbench.workloads.steps import Step


class _Range(msgspec.Struct, frozen=True, tag_field="operation"):
    start: int
    end: int


class _Insert(_Range, frozen=True, tag="insert"):
    def step(self) -> Step:
        return Step(op="insert", rows=(self.start, self.end))


class _Delete(_Range, frozen=True, tag="delete"):
    def step(self) -> Step:
        return Step(op="delete", rows=(self.start, self.end))


class _Replace(msgspec.Struct, frozen=True, tag_field="operation", tag="replace"):
    tags_start: int
    tags_end: int
    ids_start: int
    ids_end: int

    def step(self) -> Step:
        by = (self.ids_start, self.ids_end)
        return Step(op="replace", rows=(self.tags_start, self.tags_end), by=by)


class _Search(msgspec.Struct, frozen=True, tag_field="operation", tag="search"):
    def step(self) -> Step:
        return Step(op="search")


def read_big_ann(path: str, key: str | None, dataset: str) -> tuple[Step, ...]:
    """The steps of a YAML file for a dataset.

    Parameters
    ----------
    key
        What the file calls the dataset; None: the dataset's own name, or the only one there is.

    Raises
    ------
    MissingExtraError
        PyYAML is not installed.
    DataError
        The file cannot be read, or a step is none that an index can be taken through.
    UnknownNameError
        It has no runbook of that name.
    """
    try:
        import yaml
    except ModuleNotFoundError:
        raise MissingExtraError("reading runbooks in YAML", "yaml") from None
    try:
        with Path(path).open(encoding="utf-8") as file:
            read = yaml.safe_load(file)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: is no YAML ({' '.join(str(error).split())})") from None
    books = {str(name): book for name, book in read.items()} if isinstance(read, dict) else {}
    if not books or not all(isinstance(book, dict) for book in books.values()):
        raise DataError(
            f"{path}: is no runbook of big-ann-benchmarks; it has the names of datasets, and under "
            "each max_pts and numbered steps"
        )
    if key is None:
        key = next(iter(books)) if len(books) == 1 else dataset
    if key not in books:
        hint = f"give it as {path}:NAME"
        raise UnknownNameError(f"runbook of {path}", key, books, hint)
    return tuple(_read(path, key, books[key]))


def _read(path: str, key: str, book: dict[Any, Any]) -> list[Step]:
    numbers = sorted(number for number in book if isinstance(number, int))
    if not numbers or numbers != list(range(1, len(numbers) + 1)):
        raise DataError(f"{path}: {key} is to have steps that are numbered 1, 2, … without a gap")
    steps = []
    for number in numbers:
        try:
            found = msgspec.convert(book[number], _Insert | _Delete | _Replace | _Search)
        except msgspec.ValidationError as error:
            raise DataError(
                f"{path}: {key}, step {number}: {error}; it takes insert and delete with start and "
                "end, replace with tags_start, tags_end, ids_start and ids_end, and search"
            ) from None
        steps.append(found.step())
    while steps and steps[-1].op != "search":
        steps.pop()
    return steps
