"""How the report looks."""

REFERENCE_COLOR = "#2f9bff"
TEST_COLOR = "#ff9416"

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 1160px; margin: 2rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.6rem; margin: 0 0 .6rem; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; }
.note { background: #fff6e8; border-left: 4px solid #e07a1f; padding: .4rem .8rem; margin: .4rem 0; }
.wide { overflow-x: auto; margin: 1.2rem 0; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; width: 100%; }
th, td { padding: .3rem .5rem; text-align: right; border-bottom: 1px solid #e4e4e0; vertical-align: top; }
tr:first-child th { vertical-align: bottom; border-bottom: 2px solid #888; line-height: 1.2; }
th:first-child { text-align: left; white-space: nowrap; }
th { font-weight: 600; }
small { font-weight: 400; color: #777; }
.text { text-align: left; min-width: 9rem; }
.mean th, .mean td { border-top: 2px solid #888; border-bottom: none; font-weight: 600; }
.row { display: flex; flex-wrap: wrap; gap: 1.5rem; }
.chart { flex: 1 1 420px; max-width: 560px; }
.view { max-width: 100%; border: 1px solid #e4e4e0; }
.slices { display: grid; grid-template-columns: repeat(auto-fill, minmax(330px, 1fr)); gap: 1.2rem; }
figure { margin: 0; }
.sides { position: relative; display: inline-block; }
.sides .view { height: 330px; max-width: 100%; object-fit: contain; display: block; }
.sides b { position: absolute; top: 45%; left: .4rem; color: #fff; text-shadow: 0 0 3px #000; }
.sides b + b { left: auto; right: .4rem; }
.slice { width: 100%; height: 330px; display: block; }
figcaption, .small { font-size: 13px; color: #444; }
figcaption { margin-top: .3rem; }
.line { display: inline-block; width: 1.6em; height: 3px; vertical-align: middle; margin: 0 .2em 0 .8em; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.2rem; font-size: 14px; }
dt { font-weight: 600; }
dd { margin: 0; }
ul { font-size: 14px; padding-left: 1.2rem; }
@media print { body { margin: 0; } figure, .chart { break-inside: avoid; } }
"""
