"""Make `reports/vega.js`: Vega, Vega-Lite and Vega-Embed in one script, as vl-convert bundles them.

The page carries it, so that it asks nothing of the network. It lies in the repository because the
bundling takes seconds, and vl-convert 33 MB, which no reader of a report should wait for.
"""

from __future__ import annotations

from pathlib import Path

import vl_convert

VEGA_LITE = "6.4"
TARGET = Path(__file__).parents[1] / "reports" / "vega.js"
NOTICE = """\
/*! Vega {vega}, Vega-Lite {vega_lite}, Vega-Embed {vega_embed}, Vega-Tooltip: Copyright University
of Washington Interactive Data Lab and contributors, BSD-3-Clause. D3: Copyright Mike Bostock, ISC.
The licenses are in vega-LICENCES.txt beside the report's template. */
"""

notice = NOTICE.format(
    vega=vl_convert.get_vega_version(),
    vega_lite=VEGA_LITE,
    vega_embed=vl_convert.get_vega_embed_version(),
)
bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=VEGA_LITE)
TARGET.write_text(notice + bundle, encoding="utf-8")
print(f"{TARGET}: {TARGET.stat().st_size:,} bytes")
