"""What a worker is told to open: a build, its vectors as files, what happens to its base."""

from __future__ import annotations

import hashlib
import sys

import msgspec
import numpy as np
from numpy.typing import NDArray

from vbench._leftovers import TemporaryFolder
from vbench.bench import wire
from vbench.bench.worker.files import array_file
from vbench.data.dataset import Dataset
from vbench.indexes.parameters import is_taken
from vbench.indexes.registry import resolve
from vbench.runs.schema import Build, Options
from vbench.workloads.allowed import Allowed

_FEW_ROWS = 1000


class Orders:
    """Orders to open builds of one dataset, and the files that they name, as long as needed.

    `fitted` are the base rows that ``fit`` takes, None: all; `is_kept` says whether vectors are
    added later.
    """

    def __init__(
        self,
        dataset: Dataset,
        options: Options,
        *,
        fitted: NDArray[np.int64] | None = None,
        is_kept: bool = False,
    ) -> None:
        self.dataset = dataset
        self.options = options
        self._fitted = fitted
        self._is_kept = is_kept
        self._files: tuple[wire.ArrayFile, wire.ArrayFile] | None = None
        self._learn_file: wire.ArrayFile | None = None
        self._spool = TemporaryFolder()

    def of(self, build: Build) -> wire.Open:
        """Open a build."""
        order = self._order(build, *self._arrays())
        order.is_kept = self._is_kept
        order.fitted = None if self._fitted is None else self.rows_file(self._fitted)
        return order

    def few_of(self, build: Build) -> wire.Open:
        """Open a build of the first rows alone."""
        base, queries = self._arrays()
        few = min(_FEW_ROWS, self.dataset.n), base.shape[1]
        return self._order(build, msgspec.structs.replace(base, shape=few), queries)

    def condition_file(self, view: str, allowed: Allowed) -> str:
        """Where workers read the condition of a view: written once."""
        path = self._spool.path / f"{view}.npz"
        if not path.is_file():
            allowed.save(path)
        return str(path)

    def rows_file(self, rows: NDArray[np.int64]) -> str:
        """Where workers read these rows: written once."""
        path = self._spool.path / f"{hashlib.sha256(rows.tobytes()).hexdigest()}.npy"
        if not path.is_file():
            np.save(path, rows)
        return str(path)

    def close(self) -> None:
        """Remove the files."""
        self._spool.close()

    def _order(self, build: Build, base: wire.ArrayFile, queries: wire.ArrayFile) -> wire.Open:
        return wire.Open(
            adapter=build.adapter,
            params=build.params,
            transform=build.transform,
            metric=self.dataset.metric,
            base=base,
            queries=queries,
            seed=build.seed,
            # The first version drew the order of insertion from the seed itself.
            order_seed=build.seed if build.order_seed is None else build.order_seed,
            threads=self.options.threads,
            build_threads=self.options.build_threads,
            memory_limit=self.options.memory_limit,
            sys_path=sys.path,
            left_out=[row for row in self.dataset.zero_row_ids.tolist() if row < base.shape[0]],
            learn=None if build.learn is None else self._learn(),
            attributes=self._attributes(build, base.shape[0]),
        )

    def _attributes(self, build: Build, n: int) -> str | None:
        """Where a worker reads the attributes of the first `n` vectors, if its index takes some."""
        items = self.dataset.items
        if items is None or not is_taken(resolve(build.adapter).fit, "attributes"):
            return None
        path = self._spool.path / f"attributes-{n}.arrow"
        if not path.is_file():
            items[:n].write_ipc(path)
        return str(path)

    def _arrays(self) -> tuple[wire.ArrayFile, wire.ArrayFile]:
        if self._files is None:
            self._files = (
                array_file(self.dataset.base, self._spool.path),
                array_file(self.dataset.queries, self._spool.path),
            )
        return self._files

    def _learn(self) -> wire.ArrayFile | None:
        if self._learn_file is None and self.dataset.learn is not None:
            self._learn_file = array_file(self.dataset.learn.vectors, self._spool.path)
        return self._learn_file
