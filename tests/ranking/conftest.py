"""A judged dataset and a run over it."""

from ranked_run import dataset, run, stage

__all__ = ["dataset", "run", "stage"]
