"""Audits of data and of claims, skew of towers, promises watched."""

from __future__ import annotations

from results.registry import FOLDER, Table, read, result


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
