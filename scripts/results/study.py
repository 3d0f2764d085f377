"""The study of robustness."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from results.registry import FOLDER, Table, read, result

STUDY = ("vbench data fetch glove-50", f"vbench run --study robustness --out {FOLDER}/study")
TUNED = {"ef", "search_L", "nprobe"}
EVEN = (
    "Recall",
    "Robustness(delta=0.5)",
    "Robustness(delta=0.9)",
    "Failure",
    "CVaR(alpha=0.05)",
    "Percentile(p=1)",
    "Percentile(p=5)",
    "MAP",
    "nDCG",
    "MRR",
)


class Row(NamedTuple):
    """A setting of a study's table: a value for each measure."""

    dataset: str
    index: str
    setting: dict[str, Any]
    k: int
    values: dict[str, float]

    @property
    def name(self) -> str:
        """As the page calls it, without parameters that all settings share."""
        words = [self.index, *(f"{key}={self.setting[key]}" for key in TUNED & {*self.setting})]
        return f"{self.dataset}, {' '.join(words)}"


def rows_of(table: str, part: str) -> list[Row]:
    """The settings of one part in a table of the study, in order."""
    rows: dict[str, Row] = {}
    for each in read("study/study.json")["tables"][table]:
        if each["part"] == part:
            setting = {**each["build"], **each["setting"]}
            key = json.dumps([each["dataset"], each["index"], setting, each["k"]])
            new = Row(each["dataset"], each["index"], setting, each["k"], {})
            rows.setdefault(key, new).values[each["measure"]] = each["value"]
    return list(rows.values())


@result(*STUDY)
def study_equal() -> Table:
    """Every index at a mean recall@10 of 0.9."""
    rows = rows_of("equal-recall", "equal")
    return {row.name: {name: row.values[name] for name in EVEN} for row in rows if row.k == 10}


@result(*STUDY)
def study_wide() -> Table:
    """The same at K = 100."""
    shown = ("Recall", "Robustness(delta=0.5)", "Robustness(delta=0.9)", "CVaR(alpha=0.05)")
    rows = rows_of("equal-recall", "equal")
    return {row.name: {name: row.values[name] for name in shown} for row in rows if row.k == 100}


@result(*STUDY)
def study_sweep() -> Table:
    """What a wider search does to mean recall and to each threshold, measure after measure."""
    table: Table = {}
    rows = [row for row in rows_of("sweep", "sweep") if row.k == 10]
    for measure in ("Recall", *(f"Robustness(delta={delta})" for delta in (0.1, 0.5, 0.9))):
        for row in rows:
            if row.index in ("hnsw", "ivf-flat", "ivf-mips"):
                (value,) = (row.setting[key] for key in TUNED & {*row.setting})
                line = table.setdefault(f"{row.index}, {row.dataset}", {})
                line[f"{measure} at {value}"] = row.values[measure]
    return table


@result(*STUDY)
def study_trade() -> Table:
    """The fastest indexes under floors of Robustness-0.9, mean recall being 0.9 at least."""
    table: Table = {}
    rows = [row for row in rows_of("sweep", "sweep") if row.k == 10 and row.values["Recall"] >= 0.9]
    rows.sort(key=lambda row: -row.values["QPS"])
    for floor in (0.8, 0.9, 0.98):
        served = [row for row in rows if row.values["Robustness(delta=0.9)"] >= floor]
        for dataset in ("books", "glove-50"):
            fastest = [row for row in served if row.dataset == dataset][:2]
            line = table.setdefault(f"Robustness-0.9 of {floor}", {})
            line |= {row.name: row.values["QPS"] for row in fastest}
    return table


@result(*STUDY)
def study_degree() -> Table:
    """HNSW with few links and a wide search, and with many links and a narrow one."""
    rows = {
        (row.dataset, row.setting["M"], row.setting["ef"]): row.values
        for row in rows_of("sweep", "degree")
    }
    shown = ("Recall", "Robustness(delta=0.1)", "Robustness(delta=0.9)")
    table: Table = {}
    for dataset in ("books", "glove-50"):
        sparse, dense = rows[dataset, 8, 256], rows[dataset, 32, 64]
        table[f"{dataset}, M=8 ef=256 and M=32 ef=64"] = {
            **{f"sparse, {name}": sparse[name] for name in shown},
            **{f"dense, {name}": dense[name] for name in shown},
        }
        table[f"{dataset}, ef=64"] = {
            f"M={m}": rows[dataset, m, 64]["Robustness(delta=0.9)"] for m in (8, 16, 32)
        }
    return table
