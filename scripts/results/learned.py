"""Inverted files that learn from queries."""

from __future__ import annotations

from typing import NamedTuple

from results.registry import FOLDER, Table, compared, read, result


class Learned(NamedTuple):
    """What is learned from and asked; two `nprobe` that compare as many, without and with."""

    dataset: str
    learn: str
    probes: tuple[int, int] | None

    def level(self) -> tuple[str, str]:
        """Learn or not, at one mean recall."""
        return self._run("recall", "--at-recall 0.95"), self._compare("recall")

    def work(self) -> tuple[str, ...]:
        """Learn or not, at as many comparisons."""
        if self.probes is None:
            return ()
        plain, learning = self.probes
        return (
            self._run("work", f"--set nprobe={plain},{learning}"),
            self._compare(
                "work",
                f"--baseline 'ivf-learned power=0.0 nprobe={plain}'",
                f"--candidate 'ivf-learned power=0.5 nprobe={learning}'",
            ),
        )

    def path(self, fixed: str) -> str:
        """Where a run lies, and its comparison with a suffix."""
        return f"learned-{fixed}-{self.dataset.replace(':', '-')}"

    def _run(self, fixed: str, how: str) -> str:
        return (
            f"vbench run --index ivf-learned --dataset {self.dataset} --learn {self.learn} "
            f"--set power=0,0.5 {how} --builds 5 --repeats 1 --out {FOLDER}/{self.path(fixed)}"
        )

    def _compare(self, fixed: str, *sides: str) -> str:
        names = ("Work", "Recall@10", "Robustness(delta=0.9)@10", "CVaR(alpha=0.05)@10")
        measures = [f"--measure '{each}'" for each in names]
        folder = f"{FOLDER}/{self.path(fixed)}"
        return " ".join(
            ["vbench compare", folder, *sides, *measures, "--json", ">", f"{folder}.json"]
        )


LEARNED = (
    Learned("books", "2000", (8, 19)),
    Learned("glove-50", "2000", (74, 75)),
    # Readers alone are learned from: books that are asked are left out.
    Learned("books:items", "datasets/books/queries.npy", None),
)


@result(
    "vbench data fetch glove-50",
    *(command for each in LEARNED for command in (*each.level(), *each.work())),
)
def learned() -> Table:
    """An inverted file that learned from queries, and the same without."""
    return {
        f"{each.dataset}, same {fixed}: {row['measure']}": compared(row)
        for each in LEARNED
        for fixed in ("recall", "work")
        if fixed == "recall" or each.probes
        for row in read(f"{each.path(fixed)}.json")["comparisons"]
    }
