"""What the ranking stage loses."""

from __future__ import annotations

import shlex
from typing import Any

from results.registry import FOLDER, Table, interval, read, result
from results.study import STUDY


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
            **interval("nDCG@10", row["measures"]["nDCG@10"]["exact"]),
            **row["facts"],
        }
        for each in row["gains"]:
            over = f"over {each['over']}"
            line |= interval(over, each["gain"])
            for part in each["segments"]:
                name = f"{over}, {part['column']}: {part['group']}"
                line |= interval(name, part["gain"])
            if each["of_teacher"] is not None:
                line |= interval("of its teacher's gain", each["of_teacher"])
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
            **interval("nDCG@10", row["measures"]["nDCG@10"]["exact"]),
            "parameters": row["facts"].get("parameters"),
        }
    table |= _levels(report, [row["ranker"] for row in order])
    for row in report["prediction"]:
        for each in row["measures"] or ():
            if each["measure"] in PREDICTORS:
                line = table.setdefault(each["measure"], {})
                line |= interval(row["ranker"], each["correlation"])
                line |= interval(f"misordered, {row['ranker']}", each["misordered"])
                line[f"misordered near, {row['ranker']}"] = each["misordered_near"]
    for row in report["delta"]:
        if row["recall"] == "Recall@100":
            table[f"delta, {row['ranker']}"] = interval("all", row["delta"])
            for each in row["segments"]:
                name = f"{each['column']}: {each['group']}"
                table[f"delta, {row['ranker']}"] |= interval(name, each["delta"])
    return table


def _levels(report: dict[str, Any], order: list[str]) -> Table:
    """Shares that rankers lose at each level of a measure, in this order, and their slope."""
    table: Table = {}
    for row in report["levels"]:
        shares = {each["ranker"]: each["share"] for each in row["shares"]}
        line: dict[str, float | None] = {key: row[key] for key in ("low", "high", "trials")}
        for name in order:
            line |= interval(name, shares[name])
        line |= interval("slope", row["slope"])
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
            **interval("nDCG@10", row["measures"]["nDCG@10"]["exact"]),
            **interval("re-ranked", row["reranked"]["exact"]),
            **interval("gain", row["rerank_gain"]),
        }
    for row in report["settings"]:
        line = table.setdefault(row["name"], {"recall": row["recall"]})
        line |= interval(f"lost, {row['ranker']}", row["measures"]["nDCG@10"]["index_loss"])
        line |= interval(f"lost, {row['ranker']}, re-ranked", row["reranked"]["index_loss"])
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
            table[row["ranker"]] |= interval("delta", row["delta"])
    for row in read("movielens-skew.json")["versions"]:
        line = table[f"age {row['age']:g}"] = {
            key: row[key] for key in ("age", "cosine", "agreement")
        }
        for key in ("robustness", "hit_rate_loss", "ndcg_loss"):
            line |= interval(key, row[key])
    for row in report["settings"]:
        line = table.setdefault(row["name"], {"recall": row["recall"]})
        line |= interval(f"lost, {row['ranker']}", row["measures"]["nDCG@10"]["index_loss"])
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
            **interval("nDCG@10", exact["nDCG@10"]),
            "Hit@10": exact["Hit@10"]["value"],
            **interval("above popularity", row["above_popularity"]),
            "kendall": row["kendall"],
        }
    for row in report["settings"]:
        ranker, lost = row["ranker"], row["measures"]["nDCG@10"]
        survival = {f"top {depth}": each for depth, each in row["survival"].items()}
        line = table.setdefault(row["name"], {"recall": row["recall"], **survival})
        line |= interval(f"lost behind {ranker}", lost["index_loss"])
        line[f"lost behind {ranker}, share"] = lost["relative_loss"]
        line[f"lost behind {ranker}, worst"] = row["worst"]["index_loss"]["value"]
    for row in report["prediction"]:
        for each in row["measures"] or ():
            if each["measure"] not in PREDICTORS:
                continue
            line = table.setdefault(each["measure"], {})
            line |= interval(f"correlation, {row['ranker']}", each["correlation"])
            line[f"misordered near, {row['ranker']}"] = each["misordered_near"]
    for row in report["delta"]:
        table.setdefault("delta", {}).update(interval(row["ranker"], row["delta"]))
    return table


@result(f"python scripts/cs3.py {FOLDER}/cs3")
def cs3() -> Table:
    """Towers with the parts of CS3, and what indexes make of their vectors."""
    return dict(read("cs3/cs3.json"))


ON_GLOVE = (
    *("hnsw", "ivf-flat", "ivf-rabitq", "rabitq-ivf", "scann", "voyager", "ivf-sq8", "vsag"),
    *("symqg", "annoy", "pgvector-ivfflat"),
)
