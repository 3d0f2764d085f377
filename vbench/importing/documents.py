"""Results in JSON: of qdrant's vector-db-benchmark and of VectorDBBench.

Both keep means. The first has recall and time of every query where it was told to
(`DETAILED_RESULTS=1`), in their order only where one process asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from vbench._document import Params
from vbench.analysis.imported import Means
from vbench.importing.results import Arrays, Result, ResultError

_QDRANT_OWN = {"dataset", "experiment", "engine", "parallel", "top"}


def read_json(path: Path, k: int | None) -> Iterator[Result | Means]:
    """The results in a file; none where it tells of uploads only.

    `k` is the number of neighbors where the file does not say it.

    Raises
    ------
    ResultError
        The file is damaged, or of neither tool.
    """
    try:
        document = msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ResultError(f"{path}: not whole JSON: {error}") from None
    try:
        match document:
            case {"params": dict(params), "results": dict(results)}:
                if "mean_precisions" in results:
                    yield _of_qdrant(path, params, results, k)
                elif "upload_time" not in results:
                    raise ResultError(f"{path}: no mean_precisions in its results")
            case {"task_label": _, "results": list(results)}:
                for each in results:
                    yield _of_vectordbbench(path, each)
            case _:
                raise ResultError(
                    f"{path}: results of neither vector-db-benchmark (params, results) nor "
                    "VectorDBBench (task_label, results)"
                )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ResultError(
            f"{path}: not as the tool writes it: {type(error).__name__} {error}"
        ) from None


def _of_qdrant(
    path: Path, params: Mapping[str, Any], results: Mapping[str, Any], k: int | None
) -> Result | Means:
    dataset, engine = str(params.get("dataset", "")), str(params.get("engine", "engine"))
    parallel, top = params.get("parallel", 1), params.get("top") or k
    parameters = {
        **({"experiment": params["experiment"]} if "experiment" in params else {}),
        **_flat({name: each for name, each in params.items() if name not in _QDRANT_OWN}),
    }
    precisions = results.get("precisions")
    if precisions is None or parallel != 1:
        return Means(
            file=str(path),
            index=engine,
            dataset=dataset,
            parameters={**parameters, "parallel": parallel},
            k=top,
            recall=float(results["mean_precisions"]),
            qps=results.get("rps"),
            p95=results.get("p95_time"),
            p99=results.get("p99_time"),
        )
    if top is None:
        raise ResultError(
            f"{path}: does not say how many neighbors were asked for; give it with -k"
        )
    hits = _hits(precisions, int(top), path)
    seconds = results.get("latencies")
    arrays = Arrays(
        hits=hits, seconds=None if seconds is None else np.asarray(seconds, dtype=np.float64)
    )
    if arrays.seconds is not None and arrays.seconds.shape != hits.shape:
        raise ResultError(f"{path}: {len(hits)} precisions and {len(arrays.seconds)} latencies")
    return Result(
        tool="vector-db-benchmark",
        file=path,
        algorithm=engine,
        parameters=parameters,
        # One experiment is uploaded once, and searched at each of its settings.
        build=(engine, params.get("experiment"), dataset),
        label=path.stem,
        k=int(top),
        dataset=dataset,
        rule="id",
        read=lambda: arrays,
        passes=1,
    )


def _hits(precisions: Sequence[float], k: int, path: Path) -> Any:
    shares = np.asarray(precisions, dtype=np.float64)
    hits = np.rint(shares * k)
    if shares.ndim != 1 or not np.isfinite(shares).all() or np.abs(hits - shares * k).max() > 1e-3:
        raise ResultError(
            f"{path}: precisions are no multiples of 1/{k}; give the number of neighbors that was "
            "asked for with -k"
        )
    return hits.astype(np.int32)


def _of_vectordbbench(path: Path, result: Mapping[str, Any]) -> Means:
    metrics, task = result["metrics"], result["task_config"]
    config = {
        name: value
        for name, value in task.get("db_case_config", {}).items()
        if isinstance(value, int | float | str) and value != ""
    }
    case = task.get("case_config", {})
    label = (task.get("db_config") or {}).get("db_label", "")
    return Means(
        file=str(path),
        index=" ".join(filter(None, (str(task["db"]), label))),
        dataset=f"case {case.get('case_id')}",
        parameters=config,
        k=case.get("k"),
        recall=metrics.get("recall") or None,
        qps=metrics.get("qps") or None,
        p95=metrics.get("serial_latency_p95") or None,
        p99=metrics.get("serial_latency_p99") or None,
        build_seconds=metrics.get("load_duration") or None,
    )


def _flat(given: Mapping[str, Any]) -> Params:
    """Parameters of nested documents by their own names."""
    found: dict[str, Any] = {}
    for name, value in given.items():
        if isinstance(value, Mapping):
            found |= _flat(value)
        elif isinstance(value, int | float | str | bool):
            found[name] = value
    return found
