"""Search parameters that change nothing: the same answers, values beyond what they mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from vbench import _plugins
from vbench._invocation import spell_option
from vbench.bench.findings.chance import check_command
from vbench.errors import VbenchError
from vbench.indexes.registry import check_stranger, resolve
from vbench.runs.run import Run
from vbench.runs.schema import Build, Warn
from vbench.runs.settings import Setting, join_values, merge_same, spell

_LISTS = ("nlist", "n_list", "nlists", "n_lists")
_PROBES = ("nprobe", "n_probe", "nprobes", "n_probes")
_WIDTHS = ("ef", "ef_search", "efSearch", "search_L", "L_search")
"""What libraries call the number of lists, those that are looked into, and a graph's candidates."""


def warn_of_idle(run: Run, settings: Sequence[Setting]) -> Iterator[Warn]:
    """Warn of settings that answer alike, and of values beyond a parameter's meaning."""
    for first in merge_same(settings):
        # Exact answers are alike whatever the parameter.
        if first.others and first.hits.min() < first.k:
            yield _same(run, (replace(first, others=()), *first.others))
    seen: set[str] = set()
    for setting in settings:
        for warn in _beyond(run, setting, settings):
            if warn.message not in seen:
                seen.add(warn.message)
                yield warn


def _same(run: Run, group: Sequence[Setting]) -> Warn:
    first = group[0]
    name = f"{first.index} {spell(first.build)}".strip()
    values = {
        key: list(dict.fromkeys(each.search.get(key) for each in group)) for key in first.search
    }
    moved = {key: each for key, each in values.items() if len(each) > 1}
    low = [
        key
        for key, each in moved.items()
        if all(isinstance(value, int) and value <= first.k for value in each[:-1])
    ]
    check = f"{check_command(run, first)} says whether its set() takes effect"
    remedy = check
    if low:
        wider = [first.k * factor for factor in (2, 4, 8)]
        remedy = (
            f"graph libraries raise {low[0]} to K={first.k}: give values above it, "
            f"{spell_option('settings', {low[0]: wider})}; else {check}"
        )
    alike = join_values([each.search for each in group])
    return Warn(
        "the same answers",
        f"{name}: {spell(alike)} at K={first.k}: the same ids for every query in every build",
        "they are one setting, and are shown as one",
        remedy,
        code="same-answers",
        setting=str(first),
    )


def _beyond(run: Run, setting: Setting, settings: Sequence[Setting]) -> Iterator[Warn]:
    """Values of one index that are larger than its parameter can mean."""
    build = run.build_of(setting.trials[0])
    n = run.manifest.dataset.n
    for name, limit in _limits(build, n).items():
        values = [
            each.search[name]
            for each in settings
            if each.variant is setting.variant and isinstance(each.search.get(name), int | float)
        ]
        over = list(dict.fromkeys(value for value in values if value > limit))
        if over:
            shown = f"{setting.index} {spell(setting.build)}".strip()
            whole = float(limit).is_integer()
            fitting = {max(1, int(limit) // part) for part in (4, 2, 1)} if whole else {limit}
            yield Warn(
                "beyond its meaning",
                f"{shown}: {name}={', '.join(map(str, over))}, of which {limit:,g} is the most "
                f"that means anything with {n:,} vectors",
                "larger values change no answer",
                spell_option("settings", {f"{setting.index}.{name}": sorted(fitting)}),
                code="beyond",
                setting=str(setting),
            )


def _limits(build: Build, n: int) -> dict[str, float]:
    """The largest meaningful value of each search parameter: by usual names, and as a class tells.

    A run that somebody else began may name a class of theirs, which is not asked.
    """
    lists = [build.params[name] for name in _LISTS if isinstance(build.params.get(name), int)]
    limits = dict.fromkeys(_WIDTHS, float(n)) | {
        name: float(count) for name in _PROBES for count in lists
    }
    try:
        check_stranger(build.adapter, "the run")
        kind = resolve(build.adapter)
        with _plugins.guard(f"{build.adapter} fails in limits()"):
            told = kind.limits(n, build.params) if callable(getattr(kind, "limits", None)) else {}
            return limits | {str(name): float(value) for name, value in told.items()}
    except VbenchError:
        return limits
