"""What the builds of a setting look like inside, as the run folder keeps it."""

from __future__ import annotations

import msgspec

from vbench._document import Estimated, Interval
from vbench.errors import DamagedFileError
from vbench.runs import files
from vbench.runs.settings import Setting

SCHEMA = "vbench.internals/2"


class GraphInternals(msgspec.Struct, frozen=True, kw_only=True):
    """The graph's shape, and which kinds of vectors are missed, found, and there are at all.

    Attributes
    ----------
    reachable, orphans
        Shares of the base vectors that a search can reach, and that have no in-links.
    in_degree_least … in_degree_most
        Quartiles and ends of the in-degree.
    out_degree
        Mean.
    base_unreachable … found_anti_hub
        Share of each kind among the base, the true neighbors that were missed, and those that
        were found.
    """

    reachable: Estimated
    orphans: Estimated
    in_degree_least: Estimated
    in_degree_lower_quarter: Estimated
    in_degree_median: Estimated
    in_degree_upper_quarter: Estimated
    in_degree_most: Estimated
    out_degree: Estimated
    base_unreachable: Estimated
    base_hub: Estimated
    base_anti_hub: Estimated
    missed_unreachable: Estimated
    missed_hub: Estimated
    missed_anti_hub: Estimated
    found_unreachable: Estimated
    found_hub: Estimated
    found_anti_hub: Estimated


class ListInternals(msgspec.Struct, frozen=True, kw_only=True):
    """In how many of the `lists` the true neighbors of a query lie, and how that goes with recall.

    `mean_in_tail` and `mean_elsewhere` are over the queries under δ, and the others.
    """

    lists: Estimated
    mean: Estimated
    most: Estimated
    mean_in_tail: Estimated
    mean_elsewhere: Estimated
    spearman_with_recall: Estimated


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """A change that was tried at equal work, on queries that were held out.

    Attributes
    ----------
    change, what
        What it is called, and what it is.
    widths
        Candidates that a search keeps before and after, of each build.
    work_before, work
        Distance computations of a query.
    queries
        How many judged.
    recall, reached, zero
        By how much mean recall, the share of queries at δ and that without a hit changed, over
        builds and queries.
    gained
        Whether the interval of `reached` or of `zero` says that it helps, and of none that it
        harms.
    advice
        What to do.
    """

    change: str
    what: str
    widths: tuple[tuple[int, int], ...]
    work_before: float
    work: float
    queries: int
    recall: Interval
    reached: Interval
    zero: Interval
    gained: bool
    advice: str


class Internals(msgspec.Struct, frozen=True, kw_only=True):
    """Graph and lists of a setting's builds, None where the index does not show them.

    `same` is the share of the queries that get identical ids from a build that was made again.
    `advice` is what was tried, None until ``--advise`` has.
    """

    same: Estimated
    graph: GraphInternals | None
    lists: ListInternals | None
    advice: tuple[Advice, ...] | None = None


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    schema: str
    settings: dict[str, Internals]


def internals_of(setting: Setting, delta: float) -> Internals | None:
    """What :func:`vbench.analysis.rebuild.explain_internals` found of this setting, if it did."""
    return _read(setting).get(_key(setting, delta))


def store_internals(setting: Setting, delta: float, internals: Internals) -> None:
    """Keep it in the run folder, for the report and the next look."""
    kept = _Kept(schema=SCHEMA, settings=_read(setting) | {_key(setting, delta): internals})
    files.write_json(setting.run.path / files.INTERNALS, kept)


def _read(setting: Setting) -> dict[str, Internals]:
    folder = setting.run.path
    path, found = folder / files.INTERNALS, files.read_json(folder / files.INTERNALS)
    if found is None:
        path = folder / "inside.json"  # as schema 1 left it
        found = {"settings": files.read_plain(path)}
    try:
        return msgspec.convert(found["settings"], dict[str, Internals])
    except (KeyError, msgspec.ValidationError) as error:
        raise DamagedFileError(path, str(error), "delete it") from None


def _key(setting: Setting, delta: float) -> str:
    """Name of a setting's entry: its trials, and δ."""
    return " ".join([*(trial.key for trial in setting.trials), f"delta={delta:g}"])
