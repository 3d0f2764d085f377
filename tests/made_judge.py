"""A judge of settings whose answers a test makes up: no index is built."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from answers_factory import from_hits

from vbench.bench.parameter_search import Range
from vbench.bench.plan import Group
from vbench.measures.targets import parse_targets
from vbench.runs.schema import Build
from vbench.runs.settings import Setting, Variant
from vbench.tuning.evidence import weigh
from vbench.tuning.targets import parse_objective
from vbench.tuning.trials import Judge, Tried

M = 600


def group_of(params: dict[str, Any], index: str = "made") -> Group:
    """One build of an index whose ef moves from 1 to 1024."""
    build = Build(key=f"{index} {params}", index=index, adapter="made:Made", params=params)
    return Group((build,), {}, 10, Range("ef", 1, 1024, whole=True), 32.0)


class MadeJudge(Judge):
    """Recall of a group is enough from `enough` of its build parameters on, for 600 queries.

    A query takes a thousandth of a second, and from a value of `late` on nine of them.
    `disturbed` says at which numbers of tries the core was taken; `released` are the builds whose
    workers were let go.
    """

    def __init__(
        self,
        text: str,
        disturbed: Callable[[int], bool] = lambda number: False,
        enough: Callable[[dict[str, Any]], float] = lambda params: 16,
        objective: Callable[[dict[str, Any], float], float] = lambda params, value: value,
        late: float = np.inf,
    ) -> None:
        self.targets = parse_targets(text)
        self.objective = parse_objective(None, None)
        self.level = 0.95
        self.attainable = [True] * len(self.targets)
        self.tried = []
        self.released: list[str] = []
        self.run: Any = SimpleNamespace(manifest=SimpleNamespace(options=SimpleNamespace(seed=0)))
        workers = SimpleNamespace(release=lambda build: self.released.append(build.key))
        self.bench: Any = SimpleNamespace(workers=workers)
        self._disturbed, self._enough, self._cost = disturbed, enough, objective
        self._late = late

    def measure(self, group: Group, value: float | None) -> Tried:
        right = M if (value or 0) >= self._enough(group.build) else M // 2
        disturbed = self._disturbed(len(self.tried))
        slow = disturbed or (value or 0) >= self._late
        answers = from_hits(
            [10] * right + [0] * (M - right),
            10,
            latency_ns=np.full((M, 2), 9_000_000 if slow else 1_000_000),
            disturbed=(disturbed, disturbed),
        )
        evidence = tuple(weigh(each, [answers], self.level) for each in self.targets)
        variant = Variant(self.run, group.index, group.build, group.index, ())
        tried = Tried(
            setting=Setting(variant, group.setting(value), 10, ()),
            value=value,
            evidence=evidence,
            objective=self._cost(group.build, value or 0.0),
            slack=self.slack(evidence),
            judged_slack=self.slack(evidence, judged=True),
        )
        self.tried.append(tried)
        return tried
