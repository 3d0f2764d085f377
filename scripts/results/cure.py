"""Causes, combinations and advice."""

from __future__ import annotations

from typing import Any

from results.registry import FOLDER, Table, interval, read, result

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
        line |= interval("auc", each["auc"])
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
                    **interval("own build", each["own_build"]),
                    **interval("every build", each["persistent"]),
                    **interval("which build", each["which_build"]),
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
                        **interval("reached", each["reached"]),
                        **interval("zero", each["zero"]),
                        "work before": each["work_before"],
                        "work": each["work"],
                    }
    return table


ENDS = (("value", ""), ("low", ", low"), ("high", ", high"))


def _counted(measures: dict[str, Any]) -> dict[str, float | None]:
    ends = ((name, key) for name in COUNTED for key in ("value", "low", "high"))
    return {name if key == "value" else f"{name}, {key}": measures[name][key] for name, key in ends}
