"""Measure the parts of CS3 on `books`: tables of docs/towers.md, from raw data.

``python scripts/cs3.py FOLDER`` trains the towers without CS3, with each of its parts and with all
of them, for three seeds, and brings two indexes to one mean recall on each of the fifteen datasets.
What is in FOLDER already is not done again. It needs the extras `towers` and `als`, and an hour.
"""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from scipy.stats import skew, ttest_1samp

import vbench
from vbench.data.ground_truth import compute_ground_truth
from vbench.measures.hits import threshold
from vbench.stats.exact import holm
from vbench.stats.intervals import student

VBENCH = str(Path(sys.executable).with_name("vbench"))
SEEDS = (0, 1, 2)
VARIANTS = {
    "towers": (),
    "`cycle`": ("cycle",),
    "`sync`": ("sync",),
    "`cascade`": ("cascade",),
    "all three": ("cycle", "sync", "cascade"),
}
BASELINES = {"popularity": "popularity", "ALS": "als"}
INDEXES = ("hnsw", "hnsw-mips", "ivf-flat")
K, LEVEL, BUILDS, DELTA = 10, 0.9, 3, 0.9
QUALITY = {"HR@100": "hit_rate", "nDCG@10": "ndcg", "AUC": "auc", "LogLoss": "log_loss"}
Values = Mapping[str, float]
Tables = dict[str, dict[str, float]]


def main() -> None:
    """Train, index, and print the tables in Markdown; FOLDER/cs3.json has them too."""
    folder = Path(sys.argv[1])
    trained = {(name, seed): train(folder, name, seed) for name in VARIANTS for seed in SEEDS}

    def quality(name: str, seed: int) -> Values:
        found = trained["towers" if name in BASELINES else name, seed]["quality"]
        of_name = found[BASELINES.get(name, "towers")]
        return {label: of_name[key] for label, key in QUALITY.items()}

    tables = show("vectors", (*BASELINES, *VARIANTS), quality)
    tables |= show_differences(quality)
    tables |= show("shape", tuple(VARIANTS), functools.partial(shape, folder))
    for index in INDEXES:
        measure = functools.partial(evenness, folder, index)
        tables |= show(index, tuple(VARIANTS), measure)
    (folder / "cs3.json").write_text(json.dumps(tables, indent=1))


def train(folder: Path, name: str, seed: int) -> dict:
    """Train one variant, unless it is there; what the command said of it."""
    place = where(folder, name, seed)
    said = place.with_suffix(".json")
    if not said.exists():
        options = [word for part in VARIANTS[name] for word in ("--set", f"{part}=true")]
        if not VARIANTS[name]:
            options.append("--als")
        command = [VBENCH, "data", "train", "books", "--seed", str(seed), "--out", str(place)]
        place.parent.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [*command, *options, "--fresh", "--json"], check=True, stdout=subprocess.PIPE
        )
        said.write_bytes(done.stdout)
    return json.loads(said.read_text())


def where(folder: Path, name: str, seed: int) -> Path:
    """The dataset's folder."""
    return folder / f"{name.strip('`').replace(' ', '-')}-{seed}"


def evenness(folder: Path, index: str, name: str, seed: int) -> Values:
    """What an index makes of the vectors at one mean recall."""
    place = where(folder, name, seed)
    run = vbench.run(
        vbench.load(place), index, k=K, builds=BUILDS, repeats=1, at_recall=LEVEL, seed=seed,
        out=place / f"run-{index}",
    )  # fmt: skip
    (setting,) = run.settings()
    (parameter,) = setting.setting.values()
    hits = run.hits(setting)
    return {
        "parameter": parameter,
        "recall": hits.mean() / K,
        "R-0.1": (hits >= 1).mean(),
        "R-0.5": (hits >= threshold(0.5, K)).mean(),
        "R-0.9": (hits >= threshold(DELTA, K)).mean(),
        "zero": (hits == 0).mean(),
        "persistent": (hits < threshold(DELTA, K)).all(axis=0).mean(),
    }


def shape(folder: Path, name: str, seed: int) -> Values:
    """What makes vectors hard to index: hubs (Radovanović 2010), and lengths that differ."""
    dataset = vbench.load(where(folder, name, seed))
    hits = np.bincount(compute_ground_truth(dataset, K).ids.ravel(), minlength=dataset.n)
    lengths = np.linalg.norm(dataset.base.astype(np.float32), axis=1)
    return {
        "k-occurrence skew": float(skew(hits)),
        "spread of lengths": float(lengths.std() / lengths.mean()),
    }


def show(title: str, names: tuple[str, ...], values: Callable[[str, int], Values]) -> Tables:
    """A row for each name: mean ± standard deviation over seeds."""
    table = {name: [values(name, seed) for seed in SEEDS] for name in names}
    labels = list(table[names[0]][0])
    shown: Tables = {}
    print(f"\n| {title} | {' | '.join(labels)} |\n|{'---|' * (len(labels) + 1)}")
    for name, rows in table.items():
        cells = []
        for label in labels:
            column = np.array([row[label] for row in rows], dtype=float)
            mean, spread = float(column.mean()), float(column.std(ddof=1))
            digits = 1 if abs(mean) >= 3 else 4
            cells.append(f"{mean:.{digits}f} ± {spread:.{digits}f}")
            shown.setdefault(f"{title}: {name}", {}).update({label: mean, f"± {label}": spread})
        print(f"| {name} | {' | '.join(cells)} |")
    return shown


def show_differences(quality: Callable[[str, int], Values]) -> Tables:
    """Each part against the plain towers, seed by seed; p adjusted for all that is shown."""
    plain, *parts = VARIANTS
    shown = [(name, label) for name in parts for label in ("HR@100", "nDCG@10")]
    found = [
        np.array([quality(name, seed)[label] - quality(plain, seed)[label] for seed in SEEDS])
        for name, label in shown
    ]
    adjusted = holm([ttest_1samp(each, 0.0).pvalue for each in found])
    tables: Tables = {}
    print("\n| | difference | p |\n|---|---|---|")
    for (name, label), each, p in zip(shown, found, adjusted, strict=True):
        half = student(each).high - each.mean()
        print(f"| {name}, {label} | {each.mean():+.4f} ± {half:.4f} | {p:.3f} |")
        tables.setdefault(f"difference: {name}", {}).update(
            {label: float(each.mean()), f"± {label}": float(half), f"p of {label}": float(p)}
        )
    return tables


if __name__ == "__main__":
    main()
