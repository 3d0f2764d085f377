"""HNSW and an inverted file at one mean recall: the README, comparisons and tails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from results.registry import FOLDER, Table, compared, interval, read, result

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
    table = {row["measure"]: compared(row) for row in rows}
    for row in rows:
        if found := row["discordant"]:
            table[f"{row['measure']}, discordant"] = {
                "both": found["both"],
                "neither": found["neither"],
                "only_baseline": len(found["only_baseline"]),
                "only_candidate": len(found["only_candidate"]),
            }
    return table


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
            **interval("lost", of_items["lost"]),
            "in every build": of_items["in_every_build"]["share"],
            "in some builds": of_items["in_some_builds"]["share"],
            **interval("lost, in 5 lists", of_items["lost_often"]),
            "ItemRecall": of_items["recall"]["value"],
            "Gini": of_items["exposure"]["index"]["value"],
            "exact Gini": of_items["exposure"]["exact"]["value"],
        }
        for each in of_items["groups"]:
            group = table.setdefault(f"{each['column']}: {each['segment']}", {})
            group["items"] = each["items"]
            group |= {f"{row['index']}, {key}": each[key] for key in ("share", "of_lost")}
    return table
