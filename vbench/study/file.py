"""What a study file says: the runs, the figures and what may draw them, the tables."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec

from vbench._document import Params
from vbench._paths import resource_dir
from vbench._toml import read_toml
from vbench.analysis.gather import gather, nearest
from vbench.bench.prepare import MeasureOptions
from vbench.data.dataset import Dataset
from vbench.data.load import load
from vbench.errors import UnknownNameError, VbenchError
from vbench.measures.grammar import parse
from vbench.measures.sample import Sample
from vbench.render import figures
from vbench.render.palette import looks
from vbench.workloads.runbook import STATIC_WORKLOAD
from vbench.workloads.views import MASKS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MEASURES = {
    "recall": "Recall@{k}",
    "MAP": "MAP@{k}",
    "nDCG": "nDCG@{k}",
    "MRR": "MRR@{k}",
    "median": "Percentile(p=50)@{k}",
    "p5": "Percentile(p=5)@{k}",
    "p1": "Percentile(p=1)@{k}",
    "worst 5 %": "CVaR(alpha=0.05)@{k}",
    "R-0.1": "Robustness(delta=0.1)@{k}",
    "R-0.5": "Robustness(delta=0.5)@{k}",
    "R-0.9": "Robustness(delta=0.9)@{k}",
}


INSTALLED = "@installed"
"""In place of an index: every one of the catalog that is installed, can be brought to a recall,
and can do the metric and the dimensions."""


Count = Annotated[int, msgspec.Meta(ge=1)]


class Data(NamedTuple):
    """The vectors of a part, which other parts may share: a dataset, and what of it is drawn."""

    dataset: str
    learn: int | str | None
    queries_at_most: int | None
    queries_seed: int
    base_at_most: int | None
    base_seed: int

    def load(self) -> Dataset:
        """Open it."""
        return load(
            self.dataset,
            learn=self.learn,
            queries_at_most=self.queries_at_most,
            queries_seed=self.queries_seed,
            base_at_most=self.base_at_most,
            base_seed=self.base_seed,
        )


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
    learn: int | str | None = None
    """Queries that indexes may learn from, as `--learn` takes them."""
    queries_at_most: int | None = None
    """Queries to ask at most, drawn by the seed."""
    base_at_most: int | None = None
    """Base vectors to search at most, drawn by the seed."""
    sizes: list[Count] = []
    """Sizes of samples of the base: a run on each, of the same queries."""
    samples: Count = 1
    """Samples to draw of each size; of one number the smaller lies in the larger."""
    sample: int = 0
    """Number of the sample that is searched; samples of several are made by the two above."""
    filters: list[str] = []
    masks: int = MASKS
    only_filtered: bool = False
    workload: str = STATIC_WORKLOAD
    clients: list[int] | None = None
    rate: list[float] | None = None
    batch: list[int] | None = None

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
            filters=self.filters,
            masks=self.masks,
            only_filtered=self.only_filtered,
            workload=self.workload,
            clients=self.clients,
            rate=self.rate,
            batch=self.batch,
            timeout=timeout,
            memory_limit=memory_limit,
            seed=self.seed,
        )

    @property
    def data(self) -> Data:
        """What :func:`vbench.load` takes of it."""
        return Data(
            self.dataset,
            self.learn,
            self.queries_at_most,
            0 if self.queries_at_most is None else self.seed,
            self.base_at_most,
            0 if self.base_at_most is None else self.seed + self.sample,
        )

    def on_samples(self) -> list[Part]:
        """The parts that it stands for: itself, or one for each size and sample."""
        return [
            msgspec.structs.replace(self, sizes=[], samples=1, base_at_most=size, sample=sample)
            for size in self.sizes
            for sample in range(self.samples)
        ] or [self]

    @property
    def is_sample(self) -> bool:
        """Whether a part of the base is searched."""
        return self.base_at_most is not None

    @property
    def folder(self) -> str:
        """The name of the run's folder."""
        label = f"{self.name}-{Path(self.dataset).stem}"
        if self.base_at_most is not None:
            label += f"-{self.base_at_most}-{self.sample}"
        return "".join(c if c.isalnum() or c in "._-" else "_" for c in label)


class Figure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One function that draws, for every dataset and every K of its parts."""

    name: str
    parts: list[str]
    draw: str
    arguments: Params = {}
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


class Scaling(Table, frozen=True, forbid_unknown_fields=True):
    """Measures of parts with `sizes` against the logarithm of the size, and at another one."""

    to: Count


class Study(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that a study measures and shows."""

    title: str
    parts: list[Part]
    about: str = ""
    figures: list[Figure] = []
    tables: list[Table] = []
    scaling: list[Scaling] = []
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
    study = msgspec.structs.replace(
        study, parts=[each for part in study.parts for each in part.on_samples()]
    )
    try:
        _check(study)
    except VbenchError as error:
        raise VbenchError(f"{path}: {error}") from None
    return msgspec.structs.replace(study, name=study.name or path.stem)


def _check(study: Study) -> None:
    folders = [part.folder for part in study.parts]
    for folder in folders:
        if folders.count(folder) > 1:
            raise VbenchError(f"two parts have one name and dataset: {folder}")
    names = {part.name for part in study.parts}
    shown: list[Figure | Table] = [*study.figures, *study.tables, *study.scaling]
    for each in shown:
        if unknown := [name for name in each.parts if name not in names]:
            raise UnknownNameError(f"part in {each.name}", unknown[0], names)
    for figure in study.figures:
        if figure.draw not in drawers():
            raise UnknownNameError(f"figure function in {figure.name}", figure.draw, drawers())
        known_arguments = set(inspect.signature(drawers()[figure.draw]).parameters)
        if unknown := sorted(set(figure.arguments) - known_arguments):
            raise VbenchError(f"{figure.name}: {figure.draw} takes no {', '.join(unknown)}")
    for table in (*study.tables, *study.scaling):
        for measure in table.at(10):
            parse(measure)


def drawers() -> Mapping[str, Callable[..., None]]:
    """Every function that draws a chart of runs into an Axes, by name."""
    found = {
        name: function
        for name, function in vars(figures).items()
        if inspect.isfunction(function)
        and not name.startswith("_")
        and list(inspect.signature(function).parameters)[:2] == ["run", "ax"]
    }
    return {**found, "measures": measures}


def measures(run: figures.Runs, ax: Axes, *, k: int | None = None, level: float = 0.9) -> None:
    """What each measure says of indexes at one mean recall: those that tell them apart spread."""
    report = gather(run)
    panel = report.panel(k)
    look = looks(report.indexes)
    for place, (index, shown) in enumerate(nearest(panel, level).items()):
        sample = Sample([shown.run.answers(trial) for trial in shown.trials])
        values = [
            sample.estimate(parse(spelling.format(k=panel.k))).value
            for spelling in _MEASURES.values()
        ]
        ax.plot(
            [number + 0.08 * place for number in range(len(values))],
            [value if value is not None else float("nan") for value in values],
            ls="none",
            marker=look[index].marker.matplotlib,
            color=look[index].color,
            label=figures.short(str(shown)),
        )
    ax.set_xticks(range(len(_MEASURES)), list(_MEASURES), rotation=45)
    ax.set_ylim(-0.02, 1.02)
    ax.grid(axis="x", visible=False)
    ax.set_ylabel(f"value at K={panel.k}")
