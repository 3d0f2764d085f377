"""Indexes under filters, and as their base changes."""

from __future__ import annotations

from collections.abc import Iterable

from results.registry import FOLDER, ROOT, Table, interval, read, result
from results.study import TUNED

WORKLOADS = (
    "vbench data fetch glove-50",
    f"vbench run --study workloads --out {FOLDER}/workloads",
)


def _under_conditions(table: str, measures: Iterable[str]) -> Table:
    """Measures of each setting of a table of the study, with their intervals, by condition."""
    found: Table = {}
    for each in read("workloads/study.json")["tables"][table]:
        if each["measure"] not in measures:
            continue
        setting = {**each["build"], **each["setting"]}
        words = [each["part"], each["dataset"], each["index"]]
        words += [f"{key}={setting[key]}" for key in sorted(TUNED & {*setting})]
        if each["part"] == "churn" and "replace_deleted" in setting:
            words.append("reused" if setting["replace_deleted"] else "left")
        if age := each["age"]:
            words.append(f"{age['replaced_share']:.0%} replaced, {age['live']} vectors")
        if each["view"] and each["view"]["filter"]:
            words.append(each["view"]["filter"])
        line = found.setdefault(" ".join(words), {})
        line |= interval(each["measure"], each)
    return found


SHARES = ("Recall", "Robustness(delta=0.9)", "Failure")


@result(*WORKLOADS)
def workloads_filters() -> Table:
    """Indexes of `books` under filters."""
    return _under_conditions("filters", (*SHARES, "Work"))


@result(*WORKLOADS)
def workloads_ages() -> Table:
    """Indexes whose base is replaced, or grows."""
    return _under_conditions("ages", (*SHARES, "Work"))


@result(*WORKLOADS)
def workloads_half_lives() -> Table:
    """Shares of `books` that were replaced when Robustness had lost 0.05."""
    import vbench

    (found,) = vbench.open(ROOT / FOLDER / "workloads/runs/churn-books").summary().ageing
    return {
        each.name: {
            "share": each.share.value,
            "low": each.share.low,
            "high": each.share.high,
            "lost in builds": each.lost,
        }
        for each in found.half_lives
    }


@result(*WORKLOADS)
def workloads_items() -> Table:
    """What indexes of `books` lose of the items."""
    return _under_conditions("items", (*SHARES, "LostItems", "LostItems(least=5)"))


PARTS_OF_SPEECH = (
    "vbench data fetch wordnet",
    "vbench run --dataset wordnet --index hnsw --index ivf-flat --set ef=32 --set nprobe=16 "
    "--builds 1 --repeats 1 --filter query:part --filter \"query:part & word < 'm'\" "
    f"--out {FOLDER}/parts-of-speech --json > {FOLDER}/parts-of-speech.json",
)


@result(*PARTS_OF_SPEECH)
def parts_of_speech() -> Table:
    """Glosses of the part of speech that the sentence asks for."""
    filtering = read("parts-of-speech.json")["filtering"]
    table: Table = {
        each["filter"]: {"share": each["selectivity"], "correlation": each["correlation"]}
        for each in filtering["filters"]
    }
    for row in filtering["settings"]:
        under = row["view"]["filter"] if row["view"] else "none"
        table[f"{row['index']}, {under}"] = {
            name: row["measures"][f"{name}@10"]["value"] for name in SHARES
        } | {"Work": row["measures"]["Work"]["value"]}
    return table
