"""The run folder's files, typed. Everything that is shown is computed from them.

A field that is None was not recorded, or does not apply.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from vbench._document import Params
from vbench._process.text import FailureKind
from vbench.measures.hits import Rule
from vbench.metric import Metric

RUN_SCHEMA = "vbench.run/2"
TRIAL_SCHEMA = "vbench.trial/2"
QUERIES_SCHEMA = "vbench.queries/2"
ITEMS_SCHEMA = "vbench.items/2"
GROUND_TRUTH_SCHEMA = "vbench.ground_truth/2"
HARDNESS_SCHEMA = "vbench.hardness/2"
GRAPH_HARDNESS_SCHEMA = "vbench.graph_hardness/1"
STATIC = "static"
"""Key of the view that has no condition and no history: the whole base, as it was fitted."""
SINGLE = "single"
"""Key of the load that asks one query after another, from one client, warm."""

Role = Literal["id", "segment", "cluster", "other"]
"""What a column of the queries is for: `id` names each query, `segment` divides them, `cluster`
joins those of one user or session, `other` is none of these."""


class Warn(msgspec.Struct, frozen=True):
    """One finding: what about, what was seen, why it matters, what to try.

    `code` is a stable word for programs; `setting` names the setting that it is about, if one.
    """

    about: str
    message: str
    why: str
    remedy: str
    code: str = ""
    setting: str | None = None


class Copies(msgspec.Struct, frozen=True, kw_only=True):
    """Base vectors that equal another one: their share, and the size of the largest group."""

    share: float
    largest: int


class LearnInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Queries that indexes may learn from, none of which is asked: how many, and their digest."""

    rows: int
    digest: str


class DatasetInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The dataset as the run found it. `source` opens it again.

    `query_id` and `item_id` name the columns that their ids come from; `columns` are those of the
    queries, `attributes` those of the items. `zero_rows` counts base vectors without a direction,
    `queries_in_base` the queries that equal a base vector, `hold_out` those that were taken out
    of it. `queries_at_most` and `base_at_most` are there where a part of them was drawn: `count`,
    `of` how many, by which `seed`. `ground_truth` says where the exact neighbors come from.
    """

    name: str
    n: int
    m: int
    d: int
    metric: Metric
    fingerprint: str
    source: Params = {}
    columns: dict[str, Role] = {}
    attributes: list[str] = []
    query_id: str | None = None
    item_id: str | None = None
    dtype: str | None = None
    parts: int | None = None
    zero_rows: int | None = None
    copies: Copies | None = None
    queries_in_base: int | None = None
    hold_out: int | None = None
    queries_at_most: dict[str, int] | None = None
    base_at_most: dict[str, int] | None = None
    learn: LearnInfo | None = None
    ground_truth: Literal["computed", "given", "none"] = "computed"

    @property
    def asked(self) -> str:
        """How many queries are asked, and of how many they were drawn."""
        part = self.queries_at_most
        if part is None:
            return f"{self.m:,} queries"
        return f"{self.m:,} of {part['of']:,} queries (drawn by seed {part['seed']})"


class DatasetFacts(DatasetInfo, frozen=True, kw_only=True):
    """The same, with the card of a dataset of the catalog."""

    card: Params = {}


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How the run measures. `jobs` and `device` stand in no key: they change no answer."""

    k: list[int]
    builds: int
    repeats: int
    threads: int = 1
    build_threads: int | None = None
    jobs: int = 1
    seed: int = 0
    rule: Rule = "exact-tie"
    warmup: int = 0
    warmup_from: Literal["base", "queries"] = "base"
    timeout: float | None = None
    memory_limit: int | None = None
    at_recall: float | None = None
    tolerance: float = 0.005
    trust: bool = False
    device: str | None = None


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Processor, cores, memory and system, as far as the system tells."""

    processor: str | None = None
    architecture: str | None = None
    cores: int | None = None
    usable_cores: int | None = None
    memory_bytes: int | None = None
    system: str | None = None
    python: str | None = None
    governor: str | None = None


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """What a trial was measured on. `host` is a digest of the machine's name.

    `kernels` are the BLAS and SIMD kernels in use, by library.
    """

    machine: Machine = Machine()
    host: str | None = None
    packages: dict[str, str] = {}
    kernels: dict[str, str] = {}


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A call as it was made: on the command line, or in Python; `folder` is where."""

    argv: list[str] | None = None
    python: str | None = None
    folder: str = ""


class Later(msgspec.Struct, frozen=True, kw_only=True):
    """A call that went on with the run: what it added, what it measured anew, and why."""

    at: str
    call: Call
    added: int = 0
    remeasured: int = 0
    why: list[str] = []


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """The tool whose results these are, its files' digests, and what they do not say."""

    tool: str
    version: str | None = None
    files: dict[str, str] = {}
    lost: list[str] = []


class Workload(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to the base between searches; `first` is the number of the first step."""

    name: str = "static"
    steps: list[Params] = []
    first: int = 0


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What the ground truth of a trial is: a step, a filter, a mask of the base.

    `step` is the number of the search in the steps of the `workload`; until then `inserted`,
    `deleted` and `replaced` vectors were, after ``fit``, and `live` ones are in the index.
    """

    key: str = STATIC
    step: int | None = None
    workload: str | None = None
    inserted: int | None = None
    deleted: int | None = None
    replaced: int | None = None
    filter: str | None = None
    kind: Literal["none", "expr", "random", "nearest", "query", "seen", "several"] = "none"
    mask: int | None = None
    mask_seed: int | None = None
    mask_digest: str | None = None
    live: int | None = None
    allowed: int | None = None
    selectivity: float | None = None


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """How an index is asked.

    In a `closed` loop each client asks its next query when the last is answered; in an `open` one
    queries come at a `rate` a second, and `clients` of them are answered at a time. `by` says
    what several clients are; `batch` how many queries a call has, None: one.
    """

    key: str = SINGLE
    mode: Literal["single", "closed", "open"] = "single"
    clients: int = 1
    by: Literal["forks", "threads", "processes"] | None = None
    rate: float | None = None
    batch: int | None = None
    cache: Literal["warm", "cold"] = "warm"


USUAL_LOAD = Load()
"""One query after another, from one client, warm."""


class Build(msgspec.Struct, frozen=True, kw_only=True):
    """One index, one set of build parameters, one seed.

    `space` is the transform that was chosen. `code` is a digest of the adapter's modules,
    `requires` are the versions of the libraries behind it, `server` what it said of its own
    after ``fit``. `order_seed` draws the order of insertion. `learn` is the digest of the queries
    that it learned from, `kept` that of the copy that was kept of the index. `service` names the
    server that it is built in.
    """

    key: str
    index: str
    adapter: str
    transform: str = "none"
    space: str | None = None
    params: Params = {}
    number: int = 0
    seed: int = 0
    order_seed: int | None = None
    seeded: bool | None = None
    threads: int | None = None
    code: str | None = None
    requires: dict[str, str] | None = None
    server: dict[str, str] | None = None
    learn: str | None = None
    tune_parameter: str | None = None
    environment: str | None = None
    kept: str | None = None
    service: str | None = None


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One build × one view × one load × one setting × one K."""

    key: str
    build: str
    setting: Params
    k: int
    view: str = STATIC
    load: str = SINGLE


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why a planned trial left no result, and the last lines its worker printed."""

    trial: str
    reason: str
    log: str = ""
    kind: FailureKind = "error"


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """How one index was brought to a mean recall, over its builds, by moving its `tune_parameter`.

    `fixed` are the other search parameters, `tried` the values of this one with the mean recall of
    each, in the order in which they were tried. `chosen` are the settings to show: one, or the
    two around the target where no value lies at it. `note` says in words why it is not reached.
    """

    index: str
    build: Params
    fixed: Params
    k: int
    target: float
    tune_parameter: str | None
    tried: list[tuple[float | int, float]]
    chosen: list[Params]
    reached: bool
    note: str = ""
    view: str = STATIC
    load: str = SINGLE
    tolerance: float = 0.005

    def __repr__(self) -> str:
        chosen = " and ".join(
            " ".join(f"{name}={value}" for name, value in each.items()) for each in self.chosen
        )
        how = "reached" if self.reached else "not reached"
        return (
            f"<Level {self.index} K={self.k}: recall {self.target:g} {how} at "
            f"{chosen or 'no setting'}, {len(self.tried)} tried>"
        )


class Overhead(msgspec.Struct, frozen=True):
    """The harness's own cost per query, measured with an index that does nothing."""

    inside_ns: float
    outside_ns: float


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """run.json. `digest` is that of everything else in it."""

    schema: str = RUN_SCHEMA
    vbench: str
    git: str | None = None
    created: str
    plan: str = ""
    """Digest of dataset, indexes and options: what a call must share to go on with the run."""
    digest: str = ""
    call: Call = Call()
    later: list[Later] = []
    environments: dict[str, Environment] = {}
    origin: Origin | None = None
    workload: Workload = Workload()
    dataset: DatasetFacts
    options: Options
    builds: list[Build] = []
    views: list[View] = msgspec.field(default_factory=lambda: [View()])
    loads: list[Load] = msgspec.field(default_factory=lambda: [Load()])
    trials: list[Trial] = []
    failures: list[Failure] = []
    overhead: Overhead | None = None
    warnings: list[Warn] = []
    levels: list[Level] = []
