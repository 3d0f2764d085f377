"""What a study file says: the runs, the figures, the tables."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import msgspec

from vbench._paths import resource_dir
from vbench._toml import read_toml
from vbench.bench.prepare import MeasureOptions
from vbench.errors import UnknownNameError, VbenchError
from vbench.measures.grammar import parse


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One run on one dataset. Parts of one name are the same question to other data."""

    name: str
    dataset: str
    indexes: list[str]
    k: list[int] = msgspec.field(default_factory=lambda: [10])
    builds: int = 3
    repeats: int = 3
    settings: dict[str, list[Any]] = {}
    at_recall: float | None = None
    seed: int = 0

    def measure_options(
        self, threads: int = 1, timeout: float | None = None, memory_limit: int | None = None
    ) -> MeasureOptions:
        """How it is measured, on a machine that allows so much."""
        return MeasureOptions(
            k=self.k,
            builds=self.builds,
            repeats=self.repeats,
            threads=threads,
            at_recall=self.at_recall,
            timeout=timeout,
            memory_limit=memory_limit,
            seed=self.seed,
        )

    @property
    def folder(self) -> str:
        """The name of the run's folder."""
        label = f"{self.name}-{Path(self.dataset).stem}"
        return "".join(c if c.isalnum() or c in "._-" else "_" for c in label)


class Figure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One function that draws, for every dataset and every K of its parts."""

    name: str
    parts: list[str]
    draw: str
    arguments: dict[str, Any] = {}
    caption: str = ""
    paper: str = ""


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Measures of every setting of its parts; ``@K`` stands for each K."""

    name: str
    parts: list[str]
    measures: list[str]

    def at(self, k: int) -> list[str]:
        """The measures at K."""
        return [
            f"{name.removesuffix('@K')}@{k}" if name.endswith("@K") else name
            for name in self.measures
        ]


class Study(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that a study measures and shows."""

    title: str
    parts: list[Part]
    about: str = ""
    figures: list[Figure] = []
    tables: list[Table] = []
    name: str = ""

    def of(self, names: list[str], dataset: str) -> list[Part]:
        """The parts of these names on a dataset."""
        return [part for part in self.parts if part.name in names and part.dataset == dataset]

    @property
    def datasets(self) -> list[str]:
        """The datasets, in order."""
        return list(dict.fromkeys(part.dataset for part in self.parts))


def studies() -> dict[str, Path]:
    """The study files of the catalog, by name."""
    return {
        path.stem: path for path in sorted((resource_dir("reports") / "studies").glob("*.toml"))
    }


def read_study(spec: str) -> Study:
    """The study of a name, or in a TOML file.

    Raises
    ------
    VbenchError
        There is none, or it is wrong: a key, a measure, a part that is not there.
    """
    known = studies()
    if spec not in known and not spec.endswith(".toml"):
        raise UnknownNameError("study", spec, known, "or give a .toml file")
    path = known.get(spec, Path(spec))
    study = read_toml(path, Study)
    try:
        _check(study)
    except VbenchError as error:
        raise VbenchError(f"{path}: {error}") from None
    return msgspec.structs.replace(study, name=study.name or path.stem)


def _check(study: Study) -> None:
    from vbench.study.figures import drawers

    folders = [part.folder for part in study.parts]
    for folder in folders:
        if folders.count(folder) > 1:
            raise VbenchError(f"two parts have one name and dataset: {folder}")
    names = {part.name for part in study.parts}
    shown: list[Figure | Table] = [*study.figures, *study.tables]
    for each in shown:
        if unknown := [name for name in each.parts if name not in names]:
            raise UnknownNameError(f"part in {each.name}", unknown[0], names)
    for figure in study.figures:
        if figure.draw not in drawers():
            raise UnknownNameError(f"figure function in {figure.name}", figure.draw, drawers())
        known_arguments = set(inspect.signature(drawers()[figure.draw]).parameters)
        if unknown := sorted(set(figure.arguments) - known_arguments):
            raise VbenchError(f"{figure.name}: {figure.draw} takes no {', '.join(unknown)}")
    for table in study.tables:
        for measure in table.at(10):
            parse(measure)
