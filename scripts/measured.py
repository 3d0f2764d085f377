"""Measure what README and docs state, and store it: docs/measured/NAME.json.

``python scripts/measured.py [NAME ...]``, or ``make measured`` for all of them, which takes hours.
What the commands of a result leave is kept in build/measured, and runs go on with what is there.
A result is a table: rows by name, each with values by name, in the order in which pages show them;
beside it stand the commands, and the last commit that had changed the package.
tests/test_measured.py compares every number of the pages with them.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
STORED = ROOT / "docs" / "measured"
FOLDER = "build/measured"
Table = dict[str, dict[str, float | None]]


class Result(NamedTuple):
    """Shell commands, and what is taken from the files that they leave in FOLDER."""

    commands: tuple[str, ...]
    select: Callable[[], Table]


RESULTS: dict[str, Result] = {}


def result(*commands: str) -> Callable[[Callable[[], Table]], Callable[[], Table]]:
    """Make a result of a function that selects it; the function's name is the result's."""

    def register(select: Callable[[], Table]) -> Callable[[], Table]:
        RESULTS[select.__name__] = Result(commands, select)
        return select

    return register


def read(name: str) -> Any:
    """A JSON document that a command left."""
    return json.loads((ROOT / FOLDER / name).read_text())


SEGMENTS = (("kind", "user"), ("cold", "true"), ("kind", "item"), ("taste", "tail"))
BOTH = (
    "vbench run --index hnsw --index ivf-mips --at-recall 0.9 --builds 8 --repeats 1 "
    f"--out {FOLDER}/both"
)


@result(f"vbench run --index hnsw --out {FOLDER}/ef --json > {FOLDER}/ef.json")
def ef() -> Table:
    """HNSW at four values of `ef`: the first table of the README."""
    return {f"ef={row['setting']['ef']}": dict(_of_ef(row)) for row in read("ef.json")["settings"]}


def _of_ef(row: dict[str, Any]) -> Iterator[tuple[str, float | None]]:
    measures = row["measures"]
    for name in ("Recall@10", "Robustness(delta=0.5)@10", "Robustness(delta=0.9)@10"):
        yield name, measures[name]["value"]
        yield f"{name}, spread", measures[name]["spread"]
    yield "Percentile(p=5)@10", measures["Percentile(p=5)@10"]["value"]
    yield "CVaR(alpha=0.05)@10", measures["CVaR(alpha=0.05)@10"]["value"]
    yield "CVaR(alpha=0.05)@10, spread", measures["CVaR(alpha=0.05)@10"]["spread"]
    yield "Failure@10", measures["Failure@10"]["value"]
    yield "persistent", row["tail"]["persistent"]["value"]
    yield "build-dependent", row["tail"]["build_dependent"]["value"]
    yield "QPS", measures["QPS"]["value"]
    yield "Latency(p=99), µs", 1e6 * measures["Latency(p=99)"]["value"]


@result(BOTH, f"vbench compare {FOLDER}/both --json > {FOLDER}/compare.json")
def compare() -> Table:
    """HNSW and an inverted file at one mean recall, eight builds each."""
    rows = read("compare.json")["comparisons"]
    table = {row["measure"]: _compared(row) for row in rows}
    for row in rows:
        if found := row["discordant"]:
            table[f"{row['measure']}, discordant"] = {
                "both": found["both"],
                "neither": found["neither"],
                "only_baseline": len(found["only_baseline"]),
                "only_candidate": len(found["only_candidate"]),
            }
    return table


def _compared(row: dict[str, Any]) -> dict[str, float | None]:
    return {
        "baseline": row["baseline_value"]["value"],
        "candidate": row["candidate_value"]["value"],
        **{key: row[key] for key in ("difference", "low", "high", "p_holm")},
        "minimum_detectable_difference": row["minimum_detectable_difference"],
    }


TAIL = f"vbench tail {FOLDER}/both --graph --json > {FOLDER}/tail.json"


@result(BOTH, TAIL)
def inside() -> Table:
    """Why each of the two fails."""
    shown = {
        "graph": ("reachable", "orphans", "missed_unreachable", "found_unreachable"),
        "lists": ("mean", "lists", "mean_in_tail"),
    }
    return {
        kind: {key: row["internals"][kind][key]["value"] for key in keys}
        for row in read("tail.json")["indexes"]
        for kind, keys in shown.items()
        if row["internals"][kind]
    }


@result(BOTH, TAIL)
def tail() -> Table:
    """The tails of the same two."""
    report = read("tail.json")
    table: Table = {}
    for row in report["indexes"]:
        name = row["index"]
        table[name] = {
            "under": row["under"]["value"],
            "persistent": row["persistent"]["share"],
            "build_dependent": row["build_dependent"]["share"],
        }
        for each in row["segments"]:
            if (each["column"], each["segment"]) not in SEGMENTS:
                continue
            segment = table.setdefault(f"{each['column']}={each['segment']}", {})
            segment["queries"] = each["queries"]
            segment |= {f"{name}, {key}": each[key] for key in ("share", "low", "high")}
            segment[f"{name}, lift"] = each["lift"]
    for each in report["overlap"]:
        table[f"tail of {each['index']}, served by {each['other']}"] = {"share": each["share"]}
    return table


@result(
    f"vbench run --index hnsw --index hnsw-mips --index ivf-flat --at-recall 0.9 --repeats 1 "
    f"--out {FOLDER}/items --json > {FOLDER}/items-run.json",
    f"vbench tail {FOLDER}/items --json > {FOLDER}/items-tail.json",
)
def items() -> Table:
    """The items that three indexes lose at one mean recall of queries."""
    table: Table = {}
    measures = {row["name"]: row["measures"] for row in read("items-run.json")["settings"]}
    for row in read("items-tail.json")["indexes"]:
        of_queries, of_items = measures[row["name"]], row["items"]
        table[row["index"]] = {
            **{name: of_queries[f"{name}@10"]["value"] for name in ("Recall", "Failure")},
            **_interval("lost", of_items["lost"]),
            "in every build": of_items["in_every_build"]["share"],
            "in some builds": of_items["in_some_builds"]["share"],
            **_interval("lost, in 5 lists", of_items["lost_often"]),
            "ItemRecall": of_items["recall"]["value"],
            "Gini": of_items["exposure"]["index"]["value"],
            "exact Gini": of_items["exposure"]["exact"]["value"],
        }
        for each in of_items["groups"]:
            group = table.setdefault(f"{each['column']}: {each['segment']}", {})
            group["items"] = each["items"]
            group |= {f"{row['index']}, {key}": each[key] for key in ("share", "of_lost")}
    return table


class Learned(NamedTuple):
    """What is learned from and asked; two `nprobe` that compare as many, without and with."""

    dataset: str
    learn: str
    probes: tuple[int, int] | None

    def level(self) -> tuple[str, str]:
        """Learn or not, at one mean recall."""
        return self._run("recall", "--at-recall 0.95"), self._compare("recall")

    def work(self) -> tuple[str, ...]:
        """Learn or not, at as many comparisons."""
        if self.probes is None:
            return ()
        plain, learning = self.probes
        return (
            self._run("work", f"--set nprobe={plain},{learning}"),
            self._compare(
                "work",
                f"--baseline 'ivf-learned power=0.0 nprobe={plain}'",
                f"--candidate 'ivf-learned power=0.5 nprobe={learning}'",
            ),
        )

    def path(self, fixed: str) -> str:
        """Where a run lies, and its comparison with a suffix."""
        return f"learned-{fixed}-{self.dataset.replace(':', '-')}"

    def _run(self, fixed: str, how: str) -> str:
        return (
            f"vbench run --index ivf-learned --dataset {self.dataset} --learn {self.learn} "
            f"--set power=0,0.5 {how} --builds 5 --repeats 1 --out {FOLDER}/{self.path(fixed)}"
        )

    def _compare(self, fixed: str, *sides: str) -> str:
        names = ("Work", "Recall@10", "Robustness(delta=0.9)@10", "CVaR(alpha=0.05)@10")
        measures = [f"--measure '{each}'" for each in names]
        folder = f"{FOLDER}/{self.path(fixed)}"
        return " ".join(
            ["vbench compare", folder, *sides, *measures, "--json", ">", f"{folder}.json"]
        )


LEARNED = (
    Learned("books", "2000", (8, 19)),
    Learned("glove-50", "2000", (74, 75)),
    # Readers alone are learned from: books that are asked are left out.
    Learned("books:items", "datasets/books/queries.npy", None),
)


@result(
    "vbench data fetch glove-50",
    *(command for each in LEARNED for command in (*each.level(), *each.work())),
)
def learned() -> Table:
    """An inverted file that learned from queries, and the same without."""
    return {
        f"{each.dataset}, same {fixed}: {row['measure']}": _compared(row)
        for each in LEARNED
        for fixed in ("recall", "work")
        if fixed == "recall" or each.probes
        for row in read(f"{each.path(fixed)}.json")["comparisons"]
    }


CURED = {
    "books": "--index hnsw-mips --set hnsw.ef=58 --set hnsw-mips.ef=37,128 --set nprobe=16",
    "glove-50": "--at-recall 0.9",
    "wordnet": "--at-recall 0.9",
}
"""Datasets of the pages on causes and cures; each has a graph and an inverted file near 0.9."""
COUNTED = ("Recall@10", "Robustness(delta=0.9)@10", "CVaR(alpha=0.05)@10", "Failure@10")


def cured(dataset: str) -> tuple[str, ...]:
    """The run of a dataset that these pages are about."""
    fetch = [] if dataset == "books" else [f"vbench data fetch {dataset}"]
    return (
        *fetch,
        f"vbench run --index hnsw --index ivf-flat --dataset {dataset} {CURED[dataset]} "
        f"--builds 4 --repeats 1 --out {FOLDER}/cure-{dataset} --json "
        f"> {FOLDER}/cure-{dataset}.json",
    )


def combined(dataset: str) -> tuple[str, ...]:
    """What indexes are together."""
    command = f"vbench combine {FOLDER}/cure-{dataset} --json > {FOLDER}/combine-{dataset}.json"
    return *cured(dataset), command


@result(*combined("books"))
def combined_books() -> Table:
    """Indexes alone, two together, and a tenth of the queries sent on."""
    return _combined("books")


@result(*combined("glove-50"))
def combined_glove() -> Table:
    """The same on glove-50."""
    return _combined("glove-50")


@result(*combined("wordnet"))
def combined_wordnet() -> Table:
    """The same on wordnet."""
    return _combined("wordnet")


def _combined(dataset: str) -> Table:
    table: Table = {}
    for row in read(f"cure-{dataset}.json")["settings"]:
        table[row["name"]] = _counted(row["measures"])
    found = read(f"combine-{dataset}.json")
    for each in found["unions"]:
        table[f"{each['first']} and {each['second']}"] = _counted(each["measures"])
    reach, zero = COUNTED[1], COUNTED[3]
    for each in found["routes"]:
        at = {point["share"]: point["measures"] for point in each["points"]}
        line = table.setdefault(f"{each['first']}, then {each['second']}", {})
        line |= _interval("auc", each["auc"])
        line.setdefault(f"{reach}, none sent", at[0][reach]["value"])
        line |= {f"{reach}, {each['order']}{end}": at[0.1][reach][key] for key, end in ENDS}
        # Behind the others: as the page has it.
        before = line.pop(f"{zero}, none sent", at[0][zero]["value"])
        order = {key: line.pop(key) for key in list(line) if key.startswith(zero)}
        line |= {f"{zero}, none sent": before} | order
        line |= {f"{zero}, {each['order']}{end}": at[0.1][zero][key] for key, end in ENDS}
    return table


def caused(dataset: str) -> tuple[str, ...]:
    """Why the graph of a run fails."""
    command = f"vbench tail {FOLDER}/cure-{dataset} --graph --json > {FOLDER}/cause-{dataset}.json"
    return *cured(dataset), command


@result(*(command for dataset in CURED for command in caused(dataset)))
def causes() -> Table:
    """How well hardness tells whom a graph fails: AUC of each tail."""
    table: Table = {}
    for dataset in CURED:
        for row in read(f"cause-{dataset}.json")["indexes"]:
            rho = {each["measure"]: each["spearman"] for each in row["hardness"]}
            for each in row["telling"]:
                table[f"{dataset}, {row['index']}: {each['measure']}"] = {
                    **_interval("own build", each["own_build"]),
                    **_interval("every build", each["persistent"]),
                    **_interval("which build", each["which_build"]),
                    "rho": rho[each["measure"]],
                }
    return table


def advised(dataset: str) -> tuple[str, ...]:
    """What was tried for the graph of a run."""
    folder = f"{FOLDER}/advise-{dataset}"
    return (
        *cured(dataset),
        f"cp -r {FOLDER}/cure-{dataset} {folder}",
        f"vbench tail {folder} --advise -i hnsw -n 0 --json > {folder}.json",
    )


ADVICE = {
    *(("books", change) for change in ("other space", "reinsert", "in-links")),
    *((dataset, "escape edges") for dataset in ("glove-50", "wordnet")),
}
"""What the page tells of."""


@result(*(command for dataset in CURED for command in advised(dataset)))
def advice() -> Table:
    """Changes of HNSW's graph at equal work, on held-out queries."""
    table: Table = {}
    for dataset in CURED:
        for row in read(f"advise-{dataset}.json")["indexes"]:
            for each in row["internals"]["advice"]:
                if (dataset, each["change"]) in ADVICE:
                    table[f"{dataset}: {each['change']}"] = {
                        **_interval("reached", each["reached"]),
                        **_interval("zero", each["zero"]),
                        "work before": each["work_before"],
                        "work": each["work"],
                    }
    return table


ENDS = (("value", ""), ("low", ", low"), ("high", ", high"))


def _counted(measures: dict[str, Any]) -> dict[str, float | None]:
    ends = ((name, key) for name in COUNTED for key in ("value", "low", "high"))
    return {name if key == "value" else f"{name}, {key}": measures[name][key] for name, key in ends}


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
        line |= _interval(each["measure"], each)
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


SCALING = (
    "vbench data fetch glove-50",
    f"vbench run --study scaling --out {FOLDER}/scaling",
)


@result(*SCALING)
def scaling() -> Table:
    """HNSW on samples of `glove-50`: by size, with each doubling, and at a hundred million."""
    table: Table = {}
    for line in read("scaling/study.json")["scaling"]["scaling"]:
        if line["measure"] == "CpuTime":
            continue  # of one machine, and of what else it did
        row: dict[str, float | None] = {}
        for n in sorted({each["n"] for each in line["values"]}):
            own = [each["value"] for each in line["values"] if each["n"] == n]
            row[f"{n}"] = sum(own) / len(own)
        told = {
            "a doubling": line["per_doubling"],
            "forecast": line["forecast"],
            "largest, foretold": line["left_out"],
        }
        for name, each in told.items():
            row |= {name: each["value"], f"{name}, low": each["low"], f"{name}, high": each["high"]}
        table[f"{line['part']} {line['measure']}"] = row
    return table


MADE = f"vbench run --dataset {FOLDER}/made-10m --repeats 1"
LARGE = (
    f"vbench data generate {FOLDER}/made-10m --count 1000",
    f"{MADE} --index ivf-flat --index ivf-pq --set nlist=1024 --set nprobe=8,16,24 --builds 2 "
    f"--out {FOLDER}/large",
    f"{MADE} --index ivf-pq --set nlist=512 --set nprobe=13,15 --builds 1 --out {FOLDER}/large-pq",
    f"{MADE} --index ivf-pq --set nlist=512 --set nprobe=16 --set k_factor=64 --builds 1 "
    f"--out {FOLDER}/large-pq64",
)


@result(*LARGE)
def large() -> Table:
    """Inverted files of 10,000,000 made vectors: what has been measured of them by now."""
    return {
        name: row
        for folder in ("large", "large-pq", "large-pq64")
        for name, row in _of_large(folder).items()
    }


def _of_large(folder: str) -> Table:
    import vbench

    table: Table = {}
    run = vbench.open(ROOT / FOLDER / folder)
    raw = 4.0 * run.manifest.dataset.n * run.manifest.dataset.d
    for row in run.summary().settings:
        shares = ("Recall@10", "Robustness(delta=0.9)@10", "CVaR(alpha=0.05)@10", "Failure@10")
        measures = {name: row.measures[name].value for name in shares}
        measures |= {f"{name}, spread": row.measures[name].spread for name in shares}
        measures["persistent"] = row.tail.persistent.value
        measures["build-dependent"] = row.tail.build_dependent.value
        for setting in run.settings():
            if (setting.index, dict(setting.search)) == (row.index, row.setting):
                peaks = [run.facts(trial).peak_bytes or 0 for trial in setting.trials]
                measures["peak of a worker, of the size in float32"] = max(peaks) / raw
        refined = f" k_factor={row.setting['k_factor']:g}" if "k_factor" in row.setting else ""
        table[f"{row.index} nprobe={row.setting['nprobe']}{refined}"] = measures
    return table


@result(
    LARGE[0],
    f"{MADE} --index ivf-pq --set nlist=1024 --set k_factor=64 --set nprobe=8,16,24 --builds 2 "
    f"--out {FOLDER}/large-pq2",
)
def large_codes() -> Table:
    """Product-quantized lists of the same vectors, refined, two builds: killed and resumed."""
    return _of_large("large-pq2")


@result(
    LARGE[0],
    f"{MADE} --index ivf-pq --set nlist=1024 --set k_factor=64 --at-recall 0.9 --builds 2 "
    f"--out {FOLDER}/large-curves-ivf-pq",
    f"{MADE} --index ivf-flat --set nlist=1024 --set nprobe=26 --builds 1 "
    f"--out {FOLDER}/large-curves",
    f"{MADE} --index ivf-sq8 --set nlist=1024 --set nprobe=37 --builds 1 "
    f"--out {FOLDER}/large-curves-sq8-37",
)
def large_curves() -> Table:
    """The share of queries at each δ and above, at a mean recall of about 0.9."""
    import vbench

    table: Table = {}
    for folder in ("large-curves", "large-curves-ivf-pq", "large-curves-sq8-37"):
        run = vbench.open(ROOT / FOLDER / folder)
        rows = {(row.index, repr(row.setting)): row for row in run.summary().settings}
        for setting in run.settings():
            row = rows[setting.index, repr(dict(setting.search))]
            curve = run.curve(setting)
            table[setting.index] = {"Recall@10": row.measures["Recall@10"].value} | {
                f"R-{delta:.1f}": value
                for delta, value in zip(curve["delta"], curve["value"], strict=True)
                if delta > 0
            }
            table[setting.index]["Failure@10"] = row.measures["Failure@10"].value
    return table


@result(f"python scripts/rates.py > {FOLDER}/rates.json")
def rates() -> Table:
    """What large runs take of a core, computed from rates."""
    sizes = read("rates.json")
    kinds = next(iter(sizes.values()))
    return {kind: {n: row[kind] for n, row in sizes.items()} for kind in kinds}


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


LOADED = (
    "vbench run --index hnsw-mips --index ivf-flat --at-recall 0.9 --measure "
    f"'Served(delta=0.9,within=1ms)@10' --out {FOLDER}/load"
)


@result(
    f"{LOADED} --clients 1,2,4 --batch 1,10",
    f"{LOADED} --rate 5000,20000 --json > {FOLDER}/load.json",
)
def load() -> Table:
    """Two indexes at one mean recall, alone, of several clients, in batches and at a rate."""
    table: Table = {}
    for row in read("load.json")["settings"]:
        asked = row["load"] or {}
        words = [f"{name} {asked[name]:g}" for name in ("rate", "batch") if asked.get(name)]
        words += [f"clients {asked['clients']}"] if asked.get("clients", 1) > 1 else []
        measures = row["measures"]
        table[f"{row['index']}, {' '.join(words) or 'alone'}"] = {
            "QPS": measures["QPS"]["value"],
            "Latency(p=50), µs": 1e6 * measures["Latency(p=50)"]["value"],
            "Latency(p=99), µs": 1e6 * measures["Latency(p=99)"]["value"],
            "Served(delta=0.9,within=1ms)@10": measures["Served(delta=0.9,within=1ms)@10"]["value"],
            "Robustness(delta=0.9)@10": measures["Robustness(delta=0.9)@10"]["value"],
        }
    return table


@result(
    "vbench data fetch glove-50 wordnet",
    f"python scripts/audit.py {FOLDER}/audit > {FOLDER}/audit.json",
)
def audit() -> Table:
    """Findings on datasets, and what copies do to indexes: a row each."""
    rows: Table = {}
    for name, values in read("audit.json").items():
        index, _, groups = name.partition(", ")
        for key, value in values.items():
            row, column = (groups, f"{index} {key}") if groups else (key, name)
            rows.setdefault(row, {})[column] = value
    return rows


CLAIMS = {
    "books": "-d books",
    "books, exact reference": "-d books --set reference_ef=0",
    "glove-50": "-d glove-50",
    "wordnet": "-d wordnet",
}


def _claims_file(name: str) -> str:
    return f"claims-{name.partition(',')[0]}{'-exact' if ',' in name else ''}"


@result(
    "vbench data fetch glove-50 wordnet",
    *(
        f"vbench index audit epzero {options} --out {FOLDER}/{_claims_file(name)} --json "
        f"> {FOLDER}/{_claims_file(name)}.json || test $? -ne 2"
        for name, options in CLAIMS.items()
    ),
)
def claims() -> Table:
    """What an index claims of its recall, beside what it has."""
    rows: Table = {}
    for name in CLAIMS:
        found = read(f"{_claims_file(name)}.json")
        of = {each["way"]: each for each in found["costs"]}
        rows[name] = {
            "claimed": found["claimed"],
            **{f"true {end}": found["true"][end] for end in ("value", "low", "high")},
            **{f"deviation {end}": found["deviation"][end] for end in ("value", "low", "high")},
            "under": found["under"]["value"],
            "shortfall": found["shortfall"],
            **{
                key: found["calibration"][key]
                for key in ("error", "brier", "brier_of_mean", "window_error", "window_chance")
            },
            **{f"{way} {key}": of[way][key] for way in of for key in ("value", "reached")},
            "claimed of fixed": of["claimed"]["seconds"] / of["fixed"]["seconds"],
            "oracle of fixed": of["oracle"]["seconds"] / of["fixed"]["seconds"],
            "fixed certified": float(of["fixed"]["certified"]),
            "fixed ef": of["fixed"]["setting"]["ef"],
        }
    return rows


SKEW_RUN = (
    "vbench run --index hnsw-mips --set ef=37,128 -d books -k 10 -k 100 --builds 1 --repeats 1 "
    f"--out {FOLDER}/skew-run"
)


@result(
    SKEW_RUN,
    f"vbench skew books books:skew --ages 0.25 --run {FOLDER}/skew-run --json > {FOLDER}/skew.json",
)
def skew() -> Table:
    """A later version of a tower on the items of an earlier one, and indexes beside it."""
    found = read("skew.json")
    rows: Table = {
        "books": {"robustness": 1.0, "hit_rate": found["hit_rate"], "ndcg": found["ndcg"]}
    }
    for row in found["versions"]:
        ends = {
            key: {f"{key} {end}": row[key][end] for end in ("value", "low", "high")}
            for key in ("robustness", "hit_rate_loss", "ndcg_loss")
        }
        rows[row["dataset"]] = {
            **{key: row[key] for key in ("age", "cosine", "agreement")},
            **ends["robustness"],
            "hit_rate": row["hit_rate"],
            **ends["hit_rate_loss"],
            "ndcg": row["ndcg"],
            **ends["ndcg_loss"],
        }
    for row in found["indexes"]:
        rows[row["name"]] = {key: each for key, each in row.items() if key != "name"}
    return rows


@result(
    "vbench data fetch glove-50 wordnet",
    f"python scripts/watching.py --runs 200 > {FOLDER}/watch.json",
)
def watch() -> Table:
    """Promises that are kept and broken: simulated, and of an index that gets worse."""
    rows: Table = read("watch.json")
    return rows


@result(f"python scripts/watching.py --best > {FOLDER}/watch_best.json")
def watch_best() -> Table:
    """How soon a change could be found at all."""
    return dict(read("watch_best.json"))


@result(f"python scripts/simulations.py coverage > {FOLDER}/coverage.json")
def coverage() -> Table:
    """How often intervals hold the truth."""
    return dict(read("coverage.json"))


@result(f"python scripts/simulations.py items > {FOLDER}/items-coverage.json")
def items_coverage() -> Table:
    """How often the intervals of items' measures hold the truth."""
    return dict(read("items-coverage.json"))


@result(f"python scripts/simulations.py verdicts > {FOLDER}/verdicts.json")
def verdicts() -> Table:
    """How often verdicts are right."""
    return dict(read("verdicts.json"))


@result(f"python scripts/recall_tests.py normal > {FOLDER}/recall_tests_normal.json")
def recall_tests_normal() -> Table:
    """How often recall tests are wrong, by the spread of builds."""
    return dict(read("recall_tests_normal.json"))


@result(f"python scripts/recall_tests.py shapes > {FOLDER}/recall_tests_shapes.json")
def recall_tests_shapes() -> Table:
    """The same where builds are not normal."""
    return dict(read("recall_tests_shapes.json"))


@result(f"python scripts/recall_tests.py hnsw > {FOLDER}/recall_tests_hnsw.json")
def recall_tests_hnsw() -> Table:
    """The same of real builds of HNSW."""
    return dict(read("recall_tests_hnsw.json"))


@result(f"python benchmarks/tune.py > {FOLDER}/tune.txt")
def tune() -> Table:
    """How often certificates are given and hold, and what they cost."""
    found = re.findall(
        r"^tune (\S+): .* (\d+)\.000 .*\n"
        r"  certified in (\d+)% of splits, at ([\d.]+) × .* ([\d.]+) +\(",
        (ROOT / FOLDER / "tune.txt").read_text(),
        re.MULTILINE,
    )
    return {
        target: {
            "tried": int(tried),
            "certified": int(share) / 100,
            "wrong": float(wrong),
            "over": float(over),
        }
        for target, tried, share, over, wrong in found
    }


def behind(*rankers: str) -> str:
    """Options that name rankers."""
    return " ".join(f"--ranker {shlex.quote(name)}" for name in rankers)


PREDICTORS = (
    "Recall@100",
    "Recall(truth=10)@100",
    "CVaR(alpha=0.05)@100",
    "Robustness(delta=0.7)@100",
)
LEVEL = "-k 100 --at-recall 0.9 --repeats 1"
RANK_BOOKS = (
    *STUDY,
    f"vbench rank {FOLDER}/study/runs/equal-books -k 100 {behind('tower', 'popularity')} "
    f"{behind('cross', 'mixer')} --json > {FOLDER}/rank-books.json",
)
RANK_WORDNET = (
    "vbench data fetch wordnet",
    f"vbench run --index hnsw --index ivf-flat --dataset wordnet {LEVEL} --builds 8 "
    f"--out {FOLDER}/level-wordnet",
    "vbench run --index hnsw --index ivf-flat --dataset wordnet -k 100 --repeats 1 "
    "--set hnsw.M=4,16 --set ef=100,150,250,400 --set nprobe=1,2,4,8,16,32 "
    f"--out {FOLDER}/wide-wordnet",
    # The ranker as the page has it.
    f"sed -n '/^import sys$/,/^```$/p' docs/ranking.md | grep -v '^```' > {FOLDER}/senses.py",
    f"vbench rank {FOLDER}/level-wordnet {FOLDER}/wide-wordnet --ranker tower "
    f"--ranker 'command:python {FOLDER}/senses.py' --json > {FOLDER}/rank-wordnet.json",
)


@result(*RANK_BOOKS)
def rank_books() -> Table:
    """The ranking stage behind indexes of one mean recall on `books`, with four rankers."""
    return _ranked(read("rank-books.json"))


NETWORKS = ("cross", "mixer", "zenith", "unimixer", "hyformer", "msn")
STRATEGIES = (
    "cross(width=8)",
    "cross(width=8,teacher=4)",
    "cross(pearl=1)",
    "cross(segments=activity)",
)
SIZES = (
    "cross(width=8,depth=1)",
    "mixer(width=4,depth=1)",
    "zenith(width=8,depth=1)",
    "unimixer(width=4,depth=1)",
    "hyformer(width=4,depth=1)",
    "msn(width=8,depth=1)",
    "cross(width=64)",
    "mixer(width=4)",
    "zenith(width=8)",
    "unimixer(width=4)",
    "hyformer(width=4)",
    "msn(width=64)",
)
RANKING = f"vbench run --study ranking --out {FOLDER}/ranking"
LISTS = f"{FOLDER}/ranking/runs/lists-books"


RANK_ONE = (
    "vbench run --index hnsw --dataset books -k 100 --set ef=400 --builds 1 --repeats 1 "
    f"--out {FOLDER}/rank-one"
)


@result(
    RANK_ONE,
    *(
        f"vbench rank {FOLDER}/rank-one -k 100 --seeds 3 {behind('tower', 'popularity', name)} "
        f"--json > {FOLDER}/rank-gains-{name}.json"
        for name in NETWORKS
    ),
)
def rank_gains() -> Table:
    """What rankers have over `tower` and `popularity` behind exact search, three seeds each."""
    table: Table = {}
    for name in NETWORKS:
        table |= _gains(read(f"rank-gains-{name}.json"))
    return table


@result(
    RANK_ONE,
    f"vbench rank {FOLDER}/rank-one -k 100 {behind('tower', 'cross', *STRATEGIES)} "
    f"--json > {FOLDER}/rank-strategies.json",
)
def rank_strategies() -> Table:
    """What a teacher, percentiles and tokens of segments give a ranker."""
    return _gains(read("rank-strategies.json"))


def _gains(report: dict[str, Any]) -> Table:
    """What each ranker reaches, what it has over others, also by segment, and its facts."""
    table: Table = {}
    for row in report["rankers"]:
        line = table[row["ranker"]] = {
            **_interval("nDCG@10", row["measures"]["nDCG@10"]["exact"]),
            **row["facts"],
        }
        for each in row["gains"]:
            over = f"over {each['over']}"
            line |= _interval(over, each["gain"])
            for part in each["segments"]:
                name = f"{over}, {part['column']}: {part['group']}"
                line |= _interval(name, part["gain"])
            if each["of_teacher"] is not None:
                line |= _interval("of its teacher's gain", each["of_teacher"])
    return table


@result(
    RANKING,
    f"vbench rank {FOLDER}/ranking/runs/graphs-books {LISTS} -k 100 "
    f"{behind('tower', 'popularity', *NETWORKS, *SIZES)} --json > {FOLDER}/rank-strength.json",
)
def rank_strength() -> Table:
    """What the same misses cost rankers of rising strength, which measure says so, and δ."""
    report = read("rank-strength.json")
    table: Table = {}
    order = sorted(report["rankers"], key=lambda row: row["measures"]["nDCG@10"]["exact"]["value"])
    for row in order:
        table[row["ranker"]] = {
            **_interval("nDCG@10", row["measures"]["nDCG@10"]["exact"]),
            "parameters": row["facts"].get("parameters"),
        }
    table |= _levels(report, [row["ranker"] for row in order])
    for row in report["prediction"]:
        for each in row["measures"] or ():
            if each["measure"] in PREDICTORS:
                line = table.setdefault(each["measure"], {})
                line |= _interval(row["ranker"], each["correlation"])
                line |= _interval(f"misordered, {row['ranker']}", each["misordered"])
                line[f"misordered near, {row['ranker']}"] = each["misordered_near"]
    for row in report["delta"]:
        if row["recall"] == "Recall@100":
            table[f"delta, {row['ranker']}"] = _interval("all", row["delta"])
            for each in row["segments"]:
                name = f"{each['column']}: {each['group']}"
                table[f"delta, {row['ranker']}"] |= _interval(name, each["delta"])
    return table


def _levels(report: dict[str, Any], order: list[str]) -> Table:
    """Shares that rankers lose at each level of a measure, in this order, and their slope."""
    table: Table = {}
    for row in report["levels"]:
        shares = {each["ranker"]: each["share"] for each in row["shares"]}
        line: dict[str, float | None] = {key: row[key] for key in ("low", "high", "trials")}
        for name in order:
            line |= _interval(name, shares[name])
        line |= _interval("slope", row["slope"])
        table[f"{row['measure']} {row['low']:g} – {row['high']:g}"] = line
    return table


@result(
    RANKING,
    f"vbench rank {LISTS} -k 100 {behind('cross')} --rerank --json > {FOLDER}/rank-rerank.json",
)
def rank_rerank() -> Table:
    """A list-wise stage behind a ranker, and what it loses to the same misses."""
    report = read("rank-rerank.json")
    table: Table = {}
    for row in report["rankers"]:
        table[row["ranker"]] = {
            **_interval("nDCG@10", row["measures"]["nDCG@10"]["exact"]),
            **_interval("re-ranked", row["reranked"]["exact"]),
            **_interval("gain", row["rerank_gain"]),
        }
    for row in report["settings"]:
        line = table.setdefault(row["name"], {"recall": row["recall"]})
        line |= _interval(f"lost, {row['ranker']}", row["measures"]["nDCG@10"]["index_loss"])
        line |= _interval(f"lost, {row['ranker']}, re-ranked", row["reranked"]["index_loss"])
    return table


MOVIELENS = f"{FOLDER}/movielens-100k"
LATER = (1, 2, 4)


@result(
    f"vbench data train movielens-100k --out {MOVIELENS} --json > {FOLDER}/movielens.json",
    *(
        f"vbench data train movielens-100k --set skew={age} --out {MOVIELENS}-{age}"
        for age in LATER
    ),
    f"vbench skew {MOVIELENS} {MOVIELENS}:skew "
    + " ".join(f"{MOVIELENS}-{age}:skew" for age in LATER)
    + f" --ages 0.25,{','.join(map(str, LATER))} --json > {FOLDER}/movielens-skew.json",
    f"vbench run --index hnsw --index ivf-flat --index ivf-mips --dataset {MOVIELENS} -k 100 "
    f"--builds 3 --repeats 1 --set nprobe=1,2,4,8 --set ef=100,200 --out {FOLDER}/wide-movielens",
    f"vbench rank {FOLDER}/wide-movielens -k 100 "
    f"{behind('tower', 'popularity', *NETWORKS)} --json > {FOLDER}/rank-movielens.json",
)
def rank_movielens() -> Table:
    """A dataset with time order: its towers, how they age, and every ranker behind indexes."""
    trained, report = read("movielens.json"), read("rank-movielens.json")
    table: Table = {f"trained, {name}": row for name, row in trained["quality"].items()}
    table |= {name: dict(line) for name, line in _gains(report).items()}
    for row in report["delta"]:
        if row["recall"] == "Recall@100":
            table[row["ranker"]] |= _interval("delta", row["delta"])
    for row in read("movielens-skew.json")["versions"]:
        line = table[f"age {row['age']:g}"] = {
            key: row[key] for key in ("age", "cosine", "agreement")
        }
        for key in ("robustness", "hit_rate_loss", "ndcg_loss"):
            line |= _interval(key, row[key])
    for row in report["settings"]:
        line = table.setdefault(row["name"], {"recall": row["recall"]})
        line |= _interval(f"lost, {row['ranker']}", row["measures"]["nDCG@10"]["index_loss"])
    order = sorted(report["rankers"], key=lambda row: row["measures"]["nDCG@10"]["exact"]["value"])
    table |= _levels(report, [row["ranker"] for row in order])
    return table


@result(*RANK_WORDNET)
def rank_wordnet() -> Table:
    """The same on WordNet, with a ranker that reads the texts."""
    return _ranked(read("rank-wordnet.json"))


def _ranked(report: dict[str, Any]) -> Table:
    """Losses of the model, losses of the index, predictors, and δ."""
    table: Table = {"exact": report["exact"]}
    for row in report["rankers"]:
        exact = {name: each["exact"] for name, each in row["measures"].items()}
        table[row["ranker"]] = {
            **_interval("nDCG@10", exact["nDCG@10"]),
            "Hit@10": exact["Hit@10"]["value"],
            **_interval("above popularity", row["above_popularity"]),
            "kendall": row["kendall"],
        }
    for row in report["settings"]:
        ranker, lost = row["ranker"], row["measures"]["nDCG@10"]
        survival = {f"top {depth}": each for depth, each in row["survival"].items()}
        line = table.setdefault(row["name"], {"recall": row["recall"], **survival})
        line |= _interval(f"lost behind {ranker}", lost["index_loss"])
        line[f"lost behind {ranker}, share"] = lost["relative_loss"]
        line[f"lost behind {ranker}, worst"] = row["worst"]["index_loss"]["value"]
    for row in report["prediction"]:
        for each in row["measures"] or ():
            if each["measure"] not in PREDICTORS:
                continue
            line = table.setdefault(each["measure"], {})
            line |= _interval(f"correlation, {row['ranker']}", each["correlation"])
            line[f"misordered near, {row['ranker']}"] = each["misordered_near"]
    for row in report["delta"]:
        table.setdefault("delta", {}).update(_interval(row["ranker"], row["delta"]))
    return table


def _interval(name: str, found: dict[str, Any] | None) -> dict[str, float | None]:
    keys = {"value": name, "low": f"{name}, low", "high": f"{name}, high"}
    return {} if found is None else {label: found[key] for key, label in keys.items()}


@result(f"python scripts/cs3.py {FOLDER}/cs3")
def cs3() -> Table:
    """Towers with the parts of CS3, and what indexes make of their vectors."""
    return dict(read("cs3/cs3.json"))


ON_GLOVE = (
    *("hnsw", "ivf-flat", "ivf-rabitq", "rabitq-ivf", "scann", "voyager", "ivf-sq8", "vsag"),
    *("symqg", "annoy", "pgvector-ivfflat"),
)


@result(
    "vbench data fetch glove-50",
    f"vbench run --study field --out {FOLDER}/field",
    "vbench run --dataset glove-50 --base-at-most 20000 --at-recall 0.9 --builds 3 --repeats 1 "
    + " ".join(f"--index {name}" for name in ON_GLOVE)
    + f" --out {FOLDER}/field-glove",
    f"vbench site {FOLDER}/field/runs/field-books {FOLDER}/field-glove --out {FOLDER}/site",
)
def field() -> Table:
    """Every index that is installed at a mean recall@10 of 0.9: the page about the field."""
    table: Table = {}
    for entry in read("site/site.json")["entries"]:
        for row in (each for each in entry["rows"] if each["letters"]):
            line = table.setdefault(f"{entry['data']}, {row['title']}", {})
            for name in ("recall", "robustness", "worst", "failure"):
                line |= {name: row[name]["value"]}
                line |= {f"{name}, {end}": row[name][end] for end in ("low", "high")}
                if name == "recall":
                    line["Robustness(delta=0.5)"] = row["curve"][5]
    return table


AGAIN = {
    "svs": "--set alpha=1.0526 --builds 2 --at-recall 0.9",
    "diskann": "--set build_complexity=64 --builds 2 --at-recall 0.9",
    "rabitq-ivf": "--set nlist=1024 --set nprobe=11,12,13 --builds 3",
}


@result(
    *(
        f"vbench run --index {name} {how} --repeats 1 --measure 'Failure@10' "
        f"--measure 'CVaR(alpha=0.05)@10' --out {FOLDER}/again-{name} --json "
        f"> {FOLDER}/again-{name}.json"
        for name, how in AGAIN.items()
    )
)
def field_again() -> Table:
    """Three indexes of the field as they were built when they came out otherwise."""
    names = ("Recall@10", "Robustness(delta=0.5)@10", "Robustness(delta=0.9)@10")
    table: Table = {}
    for name in AGAIN:
        # Of several settings the largest, at which it had been measured.
        measures = read(f"again-{name}.json")["settings"][-1]["measures"]
        for each in (*names, "CVaR(alpha=0.05)@10", "Failure@10"):
            line = table.setdefault(name, {})
            line |= _interval(each, measures[each])
    return table


def main() -> int:
    """Run the commands of each result, and store what comes out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(RESULTS))
    names = parser.parse_args().names
    if unknown := sorted({*names} - {*RESULTS}):
        parser.error(f"no result: {', '.join(unknown)}; there are {', '.join(RESULTS)}")
    (ROOT / FOLDER).mkdir(parents=True, exist_ok=True)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for name in names or RESULTS:
        for command in RESULTS[name].commands:
            print(f"{name}: {command}", flush=True)
            subprocess.run(
                command, shell=True, check=True, cwd=ROOT, env={**os.environ, "PATH": path}
            )
        store(name)
    return 0


def store(name: str) -> None:
    """Write the document of a result: its values with seven digits, and the code they are of."""
    code = ["git", "log", "-1", "--format=%h", "--", "vbench"]
    said = subprocess.run(code, check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    commands, select = RESULTS[name]
    values = {
        row: {key: None if value is None else float(f"{value:.7g}") for key, value in each.items()}
        for row, each in select().items()
    }
    STORED.mkdir(exist_ok=True)
    document = {"code": said.stdout.strip(), "commands": commands, "values": values}
    text = json.dumps(document, indent=1, ensure_ascii=False)
    (STORED / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
