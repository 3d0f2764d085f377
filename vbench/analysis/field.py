"""The map of a field: indexes on datasets at one mean recall, and which are not told apart.

Indexes are ranked by Robustness-0.9. Every two of a dataset are compared, the p values adjusted
by Holm over all pairs; a row needs three builds, else it is shown and not ranked.
"""

from __future__ import annotations

import itertools
import shlex
import string
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from vbench._document import Document, Interval
from vbench.analysis.compare import compare_pairs
from vbench.analysis.document import SettingRow
from vbench.analysis.gather import Panel, Report, nearest, words_of_part
from vbench.analysis.summary import summarize_setting
from vbench.measures import usual
from vbench.measures.grammar import parse
from vbench.runs.pairing import Pair
from vbench.runs.settings import Setting

LEAST_BUILDS = 3
"""Builds that a row needs to be ranked."""


class FieldRow(SettingRow, frozen=True, kw_only=True):
    """One index on one dataset, at the setting nearest to the level.

    Attributes
    ----------
    title
        What the index is called among those of its dataset.
    label
        What it is called on the map: without the space that this dataset's metric has it search in.
    recall, robustness, worst, failure
        Mean recall, Robustness-0.9, mean recall of the worst 5 %, share of zero-recall queries.
    letters
        Indexes that share one are not told apart; empty where it is not ranked.
    rank
        Best and worst rank by Robustness-0.9 that the comparisons leave.
    unranked
        Why it has no rank.
    curve
        Share of the queries that reach δ = j/K, j = 0 … K.
    command
        What measures it again: the call as it was made, or of a study its own part of it.
    origin
        Who measured, where it was imported.
    """

    title: str
    label: str = ""
    run: str
    recall: Interval
    robustness: Interval
    worst: Interval
    failure: Interval
    letters: str = ""
    rank: tuple[int, int] | None = None
    unranked: str = ""
    curve: list[float]
    command: str
    origin: str | None = None


class FieldEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One dataset at one K: its indexes, the best first.

    `page` is the file about all of them, `part` says what was drawn of the base.
    """

    data: str
    k: int
    n: int
    m: int
    d: int
    metric: str
    level: float
    rows: list[FieldRow]
    page: str = ""
    part: str = ""

    @property
    def name(self) -> str:
        """What it is called: dataset and K."""
        part = f" ({self.part})" if self.part not in self.data else ""
        return f"{self.data}{part}, K = {self.k}"


class Field(Document, frozen=True, kw_only=True, tag="vbench.site/1"):
    """Datasets × indexes, and where the site lies."""

    indexes: list[str]
    entries: list[FieldEntry]
    folder: str = ""


def map_field(report: Report, level: float) -> Field:
    """The entry of every dataset and K of some runs, indexes at the mean recall nearest a level."""
    return label_rows([_entry(panel, level) for panel in report.panels])


def label_rows(entries: Sequence[FieldEntry]) -> Field:
    """Let an index stand in one row of the map, whatever space it searches in on each dataset.

    Where it is on one dataset in several spaces, they are several rows.
    """
    plain = {row.title: _without_space(row) for entry in entries for row in entry.rows}
    for entry in entries:
        seen = Counter(plain[row.title] for row in entry.rows)
        twice = {name for name, count in seen.items() if count > 1}
        plain = {title: title if name in twice else name for title, name in plain.items()}
    labeled = [
        replace(entry, rows=[replace(row, label=plain[row.title]) for row in entry.rows])
        for entry in entries
    ]
    indexes = dict.fromkeys(row.label for entry in labeled for row in entry.rows)
    return Field(indexes=list(indexes), entries=labeled)


def _without_space(row: FieldRow) -> str:
    return row.title.removesuffix(f" ({row.space})")


def _entry(panel: Panel, level: float) -> FieldEntry:
    chosen = nearest(panel, level)
    why = {title: _why_unranked(setting, level) for title, setting in chosen.items()}
    ranked = {title: setting for title, setting in chosen.items() if not why[title]}
    better = _better_pairs(ranked)
    places = _rank(list(ranked), better)
    rows = [
        _row(title, setting, why[title], places.get(title)) for title, setting in chosen.items()
    ]
    rows.sort(key=lambda row: (not row.letters, -(row.robustness.value or 0.0)))
    facts = panel.facts
    return FieldEntry(
        data=panel.data + (panel.under and f" {panel.under}"),
        part=words_of_part(facts),
        k=panel.k,
        n=facts.n,
        m=facts.m,
        d=facts.d,
        metric=facts.metric,
        level=level,
        rows=rows,
    )


def _why_unranked(setting: Setting, level: float) -> str:
    if len(setting.trials) < LEAST_BUILDS:
        return f"{len(setting.trials)} of {LEAST_BUILDS} builds"
    if not usual.is_at(setting.recall, level):
        return f"no setting at {level:g}"
    return ""


def _better_pairs(ranked: Mapping[str, Setting]) -> set[tuple[str, str]]:
    """Pairs of the titles of a better index and a worse one, of all that are told apart."""
    titles = list(itertools.combinations(ranked, 2))
    found = [Pair(ranked[a], ranked[b]) for a, b in titles]
    if not found:
        return set()
    k = found[0].k
    rows = compare_pairs(found, measures=[parse(f"Robustness(delta=0.9)@{k}")]).comparisons
    return {
        (a, b) if row.better == "baseline" else (b, a)
        for (a, b), row in zip(titles, rows, strict=True)
        if row.different and row.better is not None
    }


class _Place(NamedTuple):
    letters: str
    rank: tuple[int, int]


def _rank(titles: Sequence[str], better: Collection[tuple[str, str]]) -> dict[str, _Place]:
    """Letters and ranks of the indexes."""
    apart = {frozenset(pair) for pair in better}
    groups = group_alike(titles, apart)
    above = {title: sum(pair[1] == title for pair in better) for title in titles}
    below = {title: sum(pair[0] == title for pair in better) for title in titles}
    groups.sort(key=lambda group: sum(above[title] for title in group) / len(group))
    names = [_letter(place) for place in range(len(groups))]
    return {
        title: _Place(
            "".join(name for name, group in zip(names, groups, strict=True) if title in group),
            (1 + above[title], len(titles) - below[title]),
        )
        for title in titles
    }


def group_alike(titles: Sequence[str], apart: Collection[frozenset[str]]) -> list[set[str]]:
    """The largest sets of which no two are told apart.

    Insert and absorb: https://doi.org/10.1198/1061860043515 (Piepho 2004). Each pair that is told
    apart divides the sets that hold both; sets within others go.
    """
    groups = [set(titles)] if titles else []
    for pair in apart:
        one, other = pair
        divided = [
            part
            for group in groups
            for part in ([group - {one}, group - {other}] if pair <= group else [group])
        ]
        groups = []
        for part in sorted(divided, key=len, reverse=True):
            if not any(part <= kept for kept in groups):
                groups.append(part)
    return groups


def _letter(place: int) -> str:
    """The letter of a place: A to Z, then A1 and so on."""
    lap, at = divmod(place, len(string.ascii_uppercase))
    return string.ascii_uppercase[at] + (str(lap) if lap else "")


def _row(title: str, setting: Setting, unranked: str, place: _Place | None) -> FieldRow:
    measures = summarize_setting(setting).measures
    manifest = setting.run.manifest

    def of(name: str) -> Interval:
        found = measures[f"{name}@{setting.k}"]
        return Interval(found.value, found.low, found.high)

    return FieldRow.from_setting(
        setting.run.setting_of(setting.trials),
        title=title,
        run=str(setting.run.path),
        recall=of("Recall"),
        robustness=of("Robustness(delta=0.9)"),
        worst=of("CVaR(alpha=0.05)"),
        failure=of("Failure"),
        letters="" if place is None else place.letters,
        rank=None if place is None else place.rank,
        unranked=unranked,
        curve=[round(float(value), 5) for value in setting.curve.value],
        command=_command(setting),
        origin=None if manifest.origin is None else manifest.origin.tool,
    )


def _command(setting: Setting) -> str:
    """What measures a row again, without the folders of the machine that measured it."""
    manifest = setting.run.manifest
    call, options = manifest.call, manifest.options
    if call.argv is None:
        return call.python or ""
    if "--study" not in call.argv:
        return shlex.join(["vbench", *_without_out(call.argv)])
    given = {**setting.variant.build, **setting.search}
    values = [f"{name}={_spelled(value)}" for name, value in given.items() if value is not None]
    data = manifest.dataset
    parts = {"--base-at-most": data.base_at_most, "--queries-at-most": data.queries_at_most}
    words = [
        *("--index", setting.index, "--dataset", str(data.source["name_or_path"])),
        *(word for option, part in parts.items() if part for word in (option, str(part["count"]))),
        *("-k", str(setting.k), "--builds", str(options.builds), "--repeats", str(options.repeats)),
        *(word for value in values for word in ("--set", value)),
    ]
    return shlex.join(["vbench", "run", *words])


def _without_out(argv: Sequence[str]) -> list[str]:
    """A call that leaves its results where they go by default."""
    return [
        word
        for before, word in zip(["", *argv], argv, strict=False)
        if "--out" not in (before, word) and not word.startswith("--out=")
    ]


def _spelled(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
