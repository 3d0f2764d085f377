"""Bring what an older schema wrote up to the one this version reads.

What the older one did not record is None, which equals nothing that is recorded now.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from vbench._toml import rename_keys
from vbench.errors import DamagedFileError, VbenchError
from vbench.measures.grammar import parse

Document = dict[str, Any]


def upgrade(document: Any, wanted: str, path: Path) -> Document:
    """The document in the schema `wanted`.

    Raises
    ------
    DamagedFileError
        When it carries no schema, or lacks what its schema asks for.
    VbenchError
        When no step leads on from its schema.
    """
    if not isinstance(document, dict) or not isinstance(document.get("schema"), str):
        raise DamagedFileError(path, "it carries no schema: not written by vbench", "restore it")
    current: Document = document
    while current["schema"] != wanted:
        step = STEPS.get(current["schema"])
        if step is None:
            raise VbenchError(
                f"{path} has schema {current['schema']!r}, this vbench reads {wanted!r}; "
                "a newer vbench may have written it: pip install -U vbench-ann"
            )
        try:
            current = step(current)
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise DamagedFileError(
                path, f"{current['schema']} without {error}", "restore it, or run again"
            ) from None
    return _with_present_keys(current)


def _with_present_keys(document: Document) -> Document:
    """What was written before keys got the names that they have now."""
    levels = document.get("levels")
    if not isinstance(levels, list) or not all(isinstance(each, dict) for each in levels):
        return document
    renamed = [rename_keys(each, {"knob": "tune_parameter"}) for each in levels]
    return {**document, "levels": renamed}


_QUIET_1 = 0.93
"""CPU time / wall time under which 0.1 took a pass for disturbed."""


def _run_1(old: Document) -> Document:
    """run.json of 0.1: one machine, no codes, no views."""
    new = dict(old)
    facts, packages = dict(new.pop("machine")), new.pop("packages")
    environment = {"machine": facts, "packages": packages}
    dataset = dict(old["dataset"])
    dataset["columns"] = dict.fromkeys(dataset.pop("segments"), "segment")
    return new | {
        "schema": "vbench.run/2",
        # Of 0.1 the plan was one of code and settings too: it is another one's in any case.
        "plan": "",
        "environments": {"recorded": environment},
        "dataset": dataset,
        "options": {**old["options"], "warmup_from": "queries"},
        "builds": [_build_1(each) for each in old["builds"]],
    }


def _build_1(old: Document) -> Document:
    new = {key: value for key, value in old.items() if key != "knob"}
    return new | {"tune_parameter": old.get("knob"), "environment": "recorded"}


def _trial_1(old: Document) -> Document:
    """A trial's facts of 0.1: one number for each cost."""
    same = ("vbench", "redone", "size_source", "peak_bytes", "work", "unstable", "duplicates")
    size, seconds = old["index_bytes"], old["batch_seconds"]
    share = old["cpu_share"]
    return {key: old[key] for key in (*same, "pads", "ties", "outside_ns")} | {
        "schema": "vbench.trial/2",
        "key": old["trial"]["key"],
        "trial": old["trial"],
        "build": {**_build_1(old["build"]), "space": old["space"]},
        "environment": "recorded",
        "passes": [
            {"cpu_share": each, "disturbed": bool(old["disturbed"]) and each < _QUIET_1}
            for each in share
        ],
        "phases": {"fit": old["build_seconds"]},
        "sizes": {} if size is None else {"index": size},
        "batches": [{"size": 0, "seconds": seconds, "differs": old["batch_differs"]}],
    }


def _rank_1(old: Document) -> Document:
    """rank.json of 0.1: flat intervals; nothing of builds that left no result."""
    return old | {
        "schema": "vbench.rank/2",
        "settings": [_ranked_1(each) for each in old["settings"]],
        "prediction": [
            each | {"measures": [_predictor_1(row) for row in each["measures"]]}
            for each in old["prediction"]
        ],
        "delta": [
            _nested(each, "delta", "")
            | {"levels": [_nested(x, "relative", "") for x in each["levels"]]}
            for each in old["delta"]
        ],
    }


def _ranked_1(old: Document) -> Document:
    shown = " ".join(f"{key}={value}" for key, value in {**old["build"], **old["setting"]}.items())
    return {"same": [], "missing": 0, "name": f"{old['index']} {shown}".strip(), **old} | {
        "survival": {"10": old["survival"]},
        "measures": {
            name: {"relative_loss": None, **each} for name, each in old["measures"].items()
        },
    }


def _predictor_1(old: Document) -> Document:
    return _nested(_nested(old, "correlation", "correlation_"), "misordered", "misordered_")


def _nested(old: Document, name: str, ends: str = "") -> Document:
    """An interval as one object, where its ends were keys of their own."""
    low, high = f"{ends}low", f"{ends}high"
    new = {key: value for key, value in old.items() if key not in (low, high)}
    return new | {name: {"value": old[name], "low": old[low], "high": old[high]}}


def _compare_1(old: Document) -> Document:
    """comparisons.json of 0.1: the ends of an interval beside its value."""
    rows = [_compared_1(each) for each in old["comparisons"]]
    kept = ("runs", "dataset", "cluster", "level", "gate", "warnings")
    named = {key: old[key] for key in kept if key in old}
    return {"schema": "vbench.compare/2", "dataset": "", "runs": [], **named, "comparisons": rows}


def _compared_1(old: Document) -> Document:
    names = {"detectable": "minimum_detectable_difference", "changed_sides": "discordant"}
    new = rename_keys(old, names)
    for side in ("baseline", "candidate"):
        low, high = new.pop(f"{side}_interval", (None, None))
        new[f"{side}_value"] = {"value": old[f"{side}_value"], "low": low, "high": high}
    unknown = {"kind": "mean", "higher_is_better": True, "builds": []}
    return {**unknown, "unit": _unit_of(old["measure"]), **new}


def _unit_of(measure: str) -> str:
    try:
        return parse(measure).unit
    except VbenchError:
        return "number"  # of a plug-in that is not here


STEPS: Mapping[str, Callable[[Document], Document]] = {
    "vbench.run/1": _run_1,
    "vbench.trial/1": _trial_1,
    "vbench.rank/1": _rank_1,
    "vbench.compare/1": _compare_1,
}
"""From a schema's name to the function that makes the next version's document of it."""
