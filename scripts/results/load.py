"""Indexes under load."""

from __future__ import annotations

from results.registry import FOLDER, Table, read, result

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
