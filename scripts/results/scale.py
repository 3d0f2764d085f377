"""Growth, and ten million vectors."""

from __future__ import annotations

from results.registry import FOLDER, ROOT, Table, read, result

SCALING = (
    "vbench data fetch glove-50",
    f"vbench run --study scaling --out {FOLDER}/scaling",
)


@result(*SCALING)
def scaling() -> Table:
    """HNSW on samples of `glove-50`: by size, with each doubling, and at a hundred million."""
    return _growth("scaling")


@result(
    "vbench data fetch glove-50-all",
    f"vbench run --study scaling-all --out {FOLDER}/scaling-all",
)
def scaling_all() -> Table:
    """The same on samples of all words of GloVe."""
    return _growth("scaling-all")


def _growth(folder: str) -> Table:
    table: Table = {}
    for line in read(f"{folder}/study.json")["scaling"]["scaling"]:
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
    f"{MADE} --index ivf-flat --set nlist=1024 --set nprobe=26 --builds 2 "
    f"--out {FOLDER}/large-curves",
    f"{MADE} --index ivf-sq8 --set nlist=1024 --set nprobe=37 --builds 2 --jobs 2 "
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


@result(f"python benchmarks/many_queries.py --json > {FOLDER}/many_queries.json")
def many_queries() -> Table:
    """What commands take on a run of 100,000 queries and 60 trials: CPU seconds, peak in GiB."""
    found: Table = read("many_queries.json")
    return found
