"""The run folder's files, typed. Everything that is shown is computed from them."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from vbench.measures.hits import Rule
from vbench.metric import Metric

RUN_SCHEMA = "vbench.run/1"
TRIAL_SCHEMA = "vbench.trial/1"

State = Literal["pending", "done", "failed"]


class Warn(msgspec.Struct, frozen=True):
    """One finding: what about, what was seen, why it matters, what to try."""

    about: str
    message: str
    why: str
    remedy: str


class DatasetFacts(msgspec.Struct, frozen=True):
    """The dataset as the run found it. `source` opens it again."""

    name: str
    n: int
    m: int
    d: int
    metric: Metric
    fingerprint: str
    source: dict[str, Any]
    card: dict[str, Any]
    segments: list[str]


class Options(msgspec.Struct, frozen=True):
    """How the run measures."""

    k: list[int]
    builds: int
    repeats: int
    threads: int
    seed: int
    rule: Rule
    warmup: int
    timeout: float | None
    memory_limit: int | None
    at_recall: float | None = None


class Build(msgspec.Struct, frozen=True):
    """One index, one set of build parameters, one seed."""

    key: str
    index: str
    adapter: str
    transform: str
    params: dict[str, Any]
    number: int
    seed: int
    knob: str | None = None


class Trial(msgspec.Struct, frozen=True):
    """One build × one setting × one K."""

    key: str
    build: str
    setting: dict[str, Any]
    k: int


class Failure(msgspec.Struct, frozen=True):
    """Why a planned trial left no result, and the last lines its worker printed."""

    trial: str
    reason: str
    log: str


class Level(msgspec.Struct, frozen=True):
    """How one index was brought to a mean recall, over its builds, by moving its knob.

    `fixed` are the other search parameters, `tried` the values of the knob with the mean recall
    of each, in the order in which they were tried. `chosen` are the settings to show: one, or the
    two around the target where no value lies at it. `note` says in words why it is not reached.
    """

    index: str
    build: dict[str, Any]
    fixed: dict[str, Any]
    k: int
    target: float
    knob: str | None
    tried: list[tuple[float | int, float]]
    chosen: list[dict[str, Any]]
    reached: bool
    note: str = ""


class Overhead(msgspec.Struct, frozen=True):
    """The harness's own cost per query, measured with an index that does nothing."""

    inside_ns: float
    outside_ns: float


class Manifest(msgspec.Struct, frozen=True):
    """run.json."""

    schema: str
    vbench: str
    git: str | None
    created: str
    packages: dict[str, str]
    machine: dict[str, Any]
    dataset: DatasetFacts
    options: Options
    builds: list[Build]
    trials: list[Trial]
    failures: list[Failure] = []
    overhead: Overhead | None = None
    warnings: list[Warn] = []
    levels: list[Level] = []
    plan: str = ""
    """Digest of what the run is to do, where its trials are chosen while it goes on."""


class TrialFacts(msgspec.Struct, frozen=True):
    """What a trial's file says beside its rows, in the file's own metadata."""

    schema: str
    vbench: str
    trial: Trial
    build: Build
    space: str
    build_seconds: float
    build_cpu_seconds: float
    index_bytes: int | None
    size_source: str
    peak_bytes: int | None
    batch_seconds: float
    batch_differs: int
    work: float | None
    cpu_share: list[float]
    redone: int
    disturbed: bool
    unstable: int
    duplicates: int
    pads: int
    ties: int
    outside_ns: float
