"""What a trial's file says beside its rows, in the file's own metadata."""

from __future__ import annotations

from typing import Literal

import msgspec

from vbench.runs.schema import SINGLE, STATIC, TRIAL_SCHEMA, Build, Trial


class Pass(msgspec.Struct, frozen=True, kw_only=True):
    """One counted pass over the queries.

    `cpu_share` is CPU time / wall time; a pass is `disturbed` where other work on the machine
    took its core. `order_seed` draws the order in which the queries were asked.
    """

    cpu_share: float | None = None
    disturbed: bool = False
    order_seed: int | None = None
    wall_s: float | None = None


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """One call with many queries; `differs` counts those that got other ids than alone."""

    size: int
    seconds: float
    differs: int = 0


class Close(msgspec.Struct, frozen=True, kw_only=True):
    """How the index let go of what it held: seconds, and what went wrong."""

    s: float
    error: str | None = None


class TrialFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything but the rows.

    Attributes
    ----------
    digest : of each column, and under ``facts`` of everything else here
    answers
        Digest of the ids in the order of the base: equal for identical answers.
    phases, step_seconds
        Seconds of building by phase (load, fit, index, optimize, settle), and of each step.
    beside
        How many other builds were made at the same time, at most.
    built
        When the index was built, where a kept one was loaded: all that is said of building is of
        then. None where it was built to be measured here.
    sizes
        Bytes by kind; ``index`` is the index as `size_source` says it.
    peak_bytes
        High-water mark of `peak_of` while it built, less what it was with the data loaded.
    wall_s
        Seconds that several clients took together.
    cpu_ns, work, read_bytes : a query
    unseen_ns
        Median time of queries beside the timed ones, which no setting had asked before.
    cores_seen
        CPU time / wall time of the worker and all that it started, at most.
    clock_ratio
        Sum of latencies and own time against the time that the parent saw.
    """

    schema: str = TRIAL_SCHEMA
    vbench: str
    key: str
    digest: dict[str, str] = {}
    answers: str = ""
    trial: Trial
    build: Build
    view: str = STATIC
    load: str = SINGLE
    environment: str | None = None
    started: str | None = None
    ended: str | None = None
    passes: list[Pass] = []
    redone: int = 0
    phases: dict[str, float] = {}
    step_seconds: list[float] | None = None
    beside: int = 0
    built: str | None = None
    sizes: dict[str, int] = {}
    size_source: str = "unknown"
    peak_bytes: int | None = None
    peak_of: Literal["worker", "tree", "server"] = "worker"
    batches: list[Batch] = []
    wall_s: float | None = None
    cpu_ns: float | None = None
    unseen_ns: float | None = None
    work: float | None = None
    read_bytes: float | None = None
    filter_setup_s: float | None = None
    unstable: int = 0
    duplicates: int = 0
    pads: int = 0
    ties: int = 0
    outside_ns: float | None = None
    clock_ratio: float | None = None
    cores_seen: float | None = None
    close: Close | None = None

    @property
    def is_disturbed(self) -> bool:
        """Whether a counted pass was disturbed."""
        return any(each.disturbed for each in self.passes)

    @property
    def is_all_disturbed(self) -> bool:
        """Whether every counted pass was disturbed."""
        return bool(self.passes) and all(each.disturbed for each in self.passes)

    @property
    def build_seconds(self) -> float | None:
        """Seconds of building, all phases together, the loading of data left out."""
        phases = [seconds for name, seconds in self.phases.items() if name != "load"]
        return sum(phases) if phases else None

    @property
    def batch(self) -> Batch | None:
        """The call with all queries at once."""
        return self.batches[-1] if self.batches else None
