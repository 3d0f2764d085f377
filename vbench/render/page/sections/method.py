"""Section: how it was measured, and how to do it again."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from vbench.analysis.gather import Report
from vbench.bench.call import repeat_command
from vbench.numbers import write
from vbench.render.page.charts import Drawing
from vbench.render.page.parts import Facts, Section
from vbench.runs.run import Run
from vbench.runs.schema import Environment, Origin

DEFINITIONS = (
    ("Recall@K of a query", "The share of its K exact nearest neighbors that the index returned."),
    (
        "Robustness-δ@K",
        "The share of the queries whose recall is at least δ: h ≥ ⌈δ·K⌉ hits, counted in whole "
        "numbers. Wang et al., “Towards Robustness: A Critique of Current Vector Database "
        "Assessments”, https://arxiv.org/abs/2507.00379",
    ),
    ("zero-recall", "The share of the queries with no hit at all (Failure@K)."),
    (
        "worst 5 %",
        "Mean recall of the worst ⌈0.05 m⌉ of the m queries (CVaR). Rockafellar and Uryasev, "
        "https://doi.org/10.21314/JOR.2000.038",
    ),
    ("p5", "The 5th percentile of per-query recall, lower, without interpolation."),
    (
        "persistent, build-dependent",
        "Queries under δ in every build; under δ in some builds but not in all.",
    ),
    (
        "intervals",
        "95 %. With one build Wilson's (https://doi.org/10.1080/01621459.1927.10502953), over the "
        "queries; with several over builds and queries as crossed random effects. The band around "
        "a curve is simultaneous (Dvoretzky–Kiefer–Wolfowitz with Massart's constant, "
        "https://doi.org/10.1214/aop/1176990746, and the spread of the builds).",
    ),
    ("QPS", "Queries a second, one at a time: m / Σ of each query's fastest call of the repeats."),
    (
        "latency",
        "Wall time of the one call into the index for one query; percentiles are over all single "
        "calls of the passes that no other process disturbed.",
    ),
)


def section(report: Report, draw: Drawing) -> Section | None:
    """Machine, versions, seeds, data, the command, and definitions."""
    several = len(report.runs) > 1
    parts = [
        Facts(f"The run {run.path.resolve().name}" if several else "The run", _facts(run))
        for run in report.runs
    ]
    parts.append(Facts("Definitions", DEFINITIONS))
    return Section(
        "method",
        "How it was measured",
        "Everything that is needed to believe it, or to do it again.",
        parts,
    )


def _facts(run: Run) -> list[tuple[str, str]]:
    manifest = run.manifest
    data, options, card = manifest.dataset, manifest.options, manifest.dataset.card
    done = sum(run.is_done(trial) for trial in manifest.trials)
    rows = [
        ("Do it again", repeat_command(manifest.call)),
        *(("then", repeat_command(each.call)) for each in manifest.later),
        ("Data", f"{card.get('title') or data.name}: {data.n:,} × {data.d}, {data.asked}"),
        ("Learned from", _learned(run)),
        ("License", card.get("license") or card.get("licence", "")),
        ("Terms", card.get("terms", "")),
        ("Citation", card.get("citation", "")),
        ("Homepage", card.get("homepage", "")),
        ("Fingerprint", data.fingerprint),
        ("Trials", f"{done} of {len(manifest.trials)} planned left a result"),
        ("Seed", f"{options.seed} (each build has its own seed and insertion order)"),
        (
            "Passes",
            f"{options.warmup} warm-up queries, {options.repeats} counted repeats, "
            f"{options.threads} thread{'s' if options.threads > 1 else ''}",
        ),
        ("Recall rule", options.rule),
        *(row for each in manifest.environments.values() for row in _environment(each)),
        ("vbench", manifest.vbench + (f" at {manifest.git}" if manifest.git else "")),
        *_origin(manifest.origin),
        ("Measured" if manifest.origin is None else "Imported", manifest.created),
    ]
    if manifest.overhead:
        inside, outside = manifest.overhead.inside_ns, manifest.overhead.outside_ns
        rows.append(
            (
                "Harness",
                f"{inside:.0f} ns a query inside the timed call, {outside:.0f} ns outside it",
            )
        )
    return [(name, text) for name, text in rows if text]


def _learned(run: Run) -> str:
    """Which indexes learned from queries, and from how many."""
    learn = run.manifest.dataset.learn
    indexes = dict.fromkeys(build.index for build in run.manifest.builds if build.learn)
    if learn is None or not indexes:
        return ""
    return f"{learn.rows:,} other queries, none of which is asked: {', '.join(indexes)}"


def _origin(origin: Origin | None) -> list[tuple[str, str]]:
    """Who measured what was imported, from which files, and what they do not say."""
    if origin is None:
        return []
    return [
        ("Measured by", " ".join(filter(None, (origin.tool, origin.version)))),
        ("Files", ", ".join(f"{file} ({digest})" for file, digest in origin.files.items())),
        ("Not recorded", "; ".join(origin.lost)),
    ]


def _environment(environment: Environment) -> list[tuple[str, str]]:
    return [
        ("Machine", _listed(msgspec.structs.asdict(environment.machine))),
        ("Packages", _listed(environment.packages)),
        ("Kernels", _listed(environment.kernels)),
    ]


def _listed(facts: Mapping[str, object]) -> str:
    known = {name: value for name, value in facts.items() if value is not None}
    return ", ".join(f"{name.removesuffix('_bytes')} {_value(name, known[name])}" for name in known)


def _value(name: str, value: object) -> str:
    if name.endswith("_bytes") and isinstance(value, int | float):
        return write(value, "bytes")
    return str(value)
