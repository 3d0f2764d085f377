"""Make `reports/gallery`: figures and a picture of the page, from real runs on `books`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from measured import BOTH
from measured import FOLDER as MEASURED
from playwright.sync_api import sync_playwright

from vbench.render.figures import export
from vbench.render.page.page import write
from vbench.runs.run import Run
from vbench.runs.vectors import hardness_of

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "reports" / "gallery"
RUN = ROOT / "build" / "gallery-run"
INDEXES = ("hnsw", "hnsw-mips", "ivf-flat", "ivf-pq")
SHOWN = (
    "recall-distribution",
    "robustness-curves",
    "robustness-against-recall",
    "throughput-against-robustness",
    "tail-by-segment",
    "hardness",
    "effort",
    "build-spread",
)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def main() -> None:
    """Run, unless the runs are there already; then draw. The page is that of two indexes."""
    names = [word for index in INDEXES for word in ("--index", index)]
    vbench = str(Path(sys.executable).with_name("vbench"))
    subprocess.run([vbench, "run", *names, "--out", str(RUN)], check=True)
    run = Run(RUN)
    hardness_of(run, 10)
    FOLDER.mkdir(exist_ok=True)
    for path in export.write(run, RUN / "figures"):
        if path.stem in SHOWN:
            shutil.copyfile(path, FOLDER / path.name)
    subprocess.run([vbench, *BOTH.split()[1:]], check=True, cwd=ROOT)
    both = ROOT / MEASURED / "both"
    picture(write(Run(both), both / "report.html"), FOLDER)


def picture(page: Path, folder: Path) -> None:
    """The part of the page with the sliders, the bars and the curve, as a reader sees it."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for scheme in ("light", "dark"):
            shown = chromium.new_page(viewport={"width": 1280, "height": 1000}, color_scheme=scheme)
            shown.goto(page.as_uri())
            shown.wait_for_function("document.body.dataset.drawn === 'yes'")
            top = shown.locator("form.controls").bounding_box()
            curve = shown.locator("figure.chart").nth(1).bounding_box()
            assert top is not None
            assert curve is not None
            first, last = top["y"] - 16, curve["y"] + curve["height"] + 24
            clip = {"x": 0, "y": first, "width": 1280, "height": last - first}
            shown.screenshot(path=folder / f"page-{scheme}.png", full_page=True, clip=clip)
        chromium.close()


if __name__ == "__main__":
    main()
