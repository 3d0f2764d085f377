"""What differs between the two sides of a comparison beside their answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from vbench.numbers import write
from vbench.runs.pairing import Pair
from vbench.runs.run import Run
from vbench.runs.schema import Environment, Warn
from vbench.runs.settings import Setting

Aspect = Literal["origin", "version", "code", "machine", "threads", "dataset", "setting"]
Facts = dict[tuple[Aspect, str], list[str]]

_NOTHING = "–"
_UNRECORDED = "not recorded"
_ASPECTS: tuple[Aspect, ...] = (
    *("origin", "version", "code", "machine", "threads", "dataset", "setting"),
)
_OF_COSTS = frozenset({"processor", "architecture", "cores", "usable cores", "governor"})
"""What makes a machine another one; its kernel or the size of its memory may be updated."""
_PLURAL = {"machine": "machines", "threads": "numbers of threads"}
_OPTIONS = ("seed", "repeats", "warmup", "warmup_from", "at_recall", "jobs")


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the baseline and the candidate were measured with, and differ in.

    Attributes
    ----------
    aspect
        `origin`: who measured; `version` of a package, of a server or of vbench; `code` of the
        adapter; `machine`; `threads`; `dataset`: its name, as the vectors are the same; `setting`:
        a parameter or an option of the run.
    name
        Which one of these, such as ``hnswlib`` or ``processor``.
    baseline, candidate
        Several values, where builds differ among themselves, with commas between.
    """

    aspect: Aspect
    name: str
    baseline: str
    candidate: str

    def __str__(self) -> str:
        return f"{self.name} {self.baseline} → {self.candidate}"

    @property
    def changes_costs(self) -> bool:
        """Whether it makes times and memory of the two sides incomparable."""
        unrecorded = _UNRECORDED in (self.baseline, self.candidate)
        return self.aspect in ("origin", "threads") or (
            self.aspect == "machine" and (self.name in _OF_COSTS or unrecorded)
        )


def find_changes(pair: Pair) -> list[Change]:
    """In what the two sides of a pair differ, versions first."""
    a, b = pair.sides
    same_index = a.index == b.index
    sides = [_facts_of(each, same_index=same_index) for each in pair.sides]
    recorded = [any(aspect == "machine" for aspect, _ in each) for each in sides]
    if recorded[0] != recorded[1]:
        # What only one side recorded is one change, and not one for each package.
        for each in sides:
            for key in [key for key in each if key[0] in ("version", "machine")]:
                del each[key]
        for each, known in zip(sides, recorded, strict=True):
            each["machine", "machine"] = ["recorded" if known else _UNRECORDED]
    keys = dict.fromkeys(key for each in sides for key in each)
    return [
        Change(
            aspect=aspect,
            name=name,
            baseline=_joined(sides[0].get((aspect, name))),
            candidate=_joined(sides[1].get((aspect, name))),
        )
        for aspect, name in sorted(keys, key=lambda key: _ASPECTS.index(key[0]))
        if sides[0].get((aspect, name)) != sides[1].get((aspect, name))
        # Where the builds of one side were made on two machines, so were those of both.
        or (name in _OF_COSTS and len(sides[0].get((aspect, name), ())) > 1)
    ]


def _joined(values: list[str] | None) -> str:
    return ", ".join(values) if values else _NOTHING


def _facts_of(setting: Setting, *, same_index: bool) -> Facts:
    found: Facts = {}
    for aspect, name, value in _facts(setting, same_index=same_index):
        values = found.setdefault((aspect, name), [])
        if str(value) not in values:
            values.append(str(value))
    return {key: sorted(values) for key, values in found.items()}


def _facts(setting: Setting, *, same_index: bool) -> Iterator[tuple[Aspect, str, object]]:
    """All that is known of how one side was measured, each thing as often as there are builds."""
    run, manifest = setting.run, setting.run.manifest
    options = manifest.options
    for trial in setting.trials:
        facts, build = run.facts(trial), run.build_of(trial)
        environment = manifest.environments.get(facts.environment or build.environment or "")
        if environment is not None:
            yield from _of_environment(environment)
        if same_index:
            for name, version in {**(build.requires or {}), **(build.server or {})}.items():
                yield "version", name, version
            if build.code is not None:
                yield "code", f"code of {setting.index}", build.code[:12]
    yield from _origin_of(run)
    yield "version", "vbench", f"{manifest.vbench} {manifest.git or ''}".strip()
    yield "threads", "threads", options.threads
    yield "threads", "build threads", options.build_threads or options.threads
    yield "dataset", "dataset", manifest.dataset.name
    if same_index:
        for name, value in {**setting.build, **setting.search}.items():
            yield "setting", name, value
        yield "setting", "space", setting.space
        for digest in {build.learn for build in map(run.build_of, setting.trials)} - {None}:
            yield "setting", "queries learned from", str(digest)[:12]
    for name in _OPTIONS:
        yield "setting", name.replace("_", " "), getattr(options, name)


def _origin_of(run: Run) -> Iterator[tuple[Aspect, str, object]]:
    """Who measured; of what was imported nobody knows the machine, so each folder is its own."""
    origin = run.manifest.origin
    yield (
        "origin",
        "measured by",
        "vbench" if origin is None else f"{origin.tool} in {run.path.name}",
    )


def _of_environment(environment: Environment) -> Iterator[tuple[Aspect, str, object]]:
    for name, value in msgspec.structs.asdict(environment.machine).items():
        if name == "python":
            yield "version", name, value
        elif value is not None:
            shown = write(value, "bytes") if name == "memory_bytes" else value
            yield "machine", name.removesuffix("_bytes").replace("_", " "), shown
    for name, version in environment.packages.items():
        yield "version", name, version
    for name, kernel in environment.kernels.items():
        yield "version", f"kernel of {name}", kernel


def tell_unlike(changes: Sequence[Change], *, costs: bool) -> Iterator[Warn]:
    """What unlike machines or threads mean for what is compared; `costs` tells that times are."""
    telling = [each for each in changes if each.changes_costs]
    if not telling:
        return
    if any(each.aspect == "origin" for each in telling):
        yield from _tell_origins(telling, costs=costs)
        return
    what = "machine" if any(each.aspect == "machine" for each in telling) else "threads"
    differs = "; ".join(dict.fromkeys(map(str, telling)))
    if costs:
        yield Warn(
            "costs not comparable",
            f"the two sides were measured on unlike {_PLURAL[what]}: {differs}",
            "times and memory differ for that reason, whatever the index does; accuracy is "
            "comparable",
            "measure both on the same machine, with the same number of threads",
            code="unlike-costs",
        )
    else:
        yield Warn(
            f"unlike {_PLURAL[what]}",
            differs,
            "accuracy is comparable all the same; times and memory would not be",
            "compare costs of runs on the same machine, with the same number of threads",
            code="unlike-machines",
        )


def tell_origins(runs: Sequence[Run]) -> Iterator[Warn]:
    """That runs which are shown together were measured by several tools."""
    origins = dict.fromkeys(str(value) for run in runs for *_, value in _origin_of(run))
    if len(origins) > 1:
        yield Warn(
            "unlike origins",
            f"measured by {', by '.join(origins)}",
            "recall is comparable; the times of one say nothing beside those of another",
            "measure all with vbench run on one machine to compare what they cost",
            code="unlike-origins",
        )


def _tell_origins(telling: Sequence[Change], *, costs: bool) -> Iterator[Warn]:
    """That one tool measured the one side, and another the other."""
    differs = next(str(each) for each in telling if each.aspect == "origin")
    yield Warn(
        "unlike origins",
        differs,
        "recall is comparable, as it is counted here for both; "
        + ("times are not, and are not judged" if costs else "times would not be"),
        "measure both with vbench run on one machine to compare what they cost",
        code="unlike-costs" if costs else "unlike-origins",
    )
