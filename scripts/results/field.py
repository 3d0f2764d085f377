"""The map of the field."""

from __future__ import annotations

from results.registry import FOLDER, Table, interval, read, result


@result(
    "vbench data fetch glove-50",
    f"vbench run --study field --out {FOLDER}/field",
    f"vbench site {FOLDER}/field/runs/* --out {FOLDER}/site",
)
def field() -> Table:
    """Every index that is installed at a mean recall@10 of 0.9: the page about the field."""
    return _rows("site/site.json")


BESIDE = {
    "books": ("--at-recall 0.9", "0.9"),
    # What Milvus has there at ef=45, a setting of which takes a quarter of an hour.
    "glove-50": ("--set ef=45", "0.913"),
}


@result(
    "vbench data fetch glove-50",
    *(
        command
        for data, (how, level) in BESIDE.items()
        for command in (
            f"vbench run --dataset {data} --index milvus {how} --builds 3 --repeats 1 "
            f"--out {FOLDER}/beside/{data}-milvus",
            f"vbench run --dataset {data} --index hnsw --at-recall {level} --builds 3 --repeats 1 "
            f"--out {FOLDER}/beside/{data}-hnsw",
            f"vbench site {FOLDER}/beside/{data}-* --at-recall {level} "
            f"--out {FOLDER}/beside-{data}",
        )
    ),
)
def field_beside() -> Table:
    """Milvus, which takes an hour, and an index of the map beside it."""
    return _rows("beside-books/site.json") | _rows("beside-glove-50/site.json")


def _rows(site: str) -> Table:
    """Those of a site that have a rank."""
    table: Table = {}
    for entry in read(site)["entries"]:
        for row in (each for each in entry["rows"] if each["letters"]):
            line = table.setdefault(f"{entry['data']}, {row['title']}", {})
            for name in ("recall", "robustness", "worst", "failure"):
                line |= {name: row[name]["value"]}
                line |= {f"{name}, {end}": row[name][end] for end in ("low", "high")}
                if name == "recall":
                    line["Robustness(delta=0.5)"] = row["curve"][5]
    return table


AGAIN = {
    "svs": "--set alpha=1.2 --builds 3 --at-recall 0.9",
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
            line |= interval(each, measures[each])
    return table
