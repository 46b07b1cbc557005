/** Style and script of the proof's page. */

export const PROOF_STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --line: #c9ced6; --soft: #f3f5f8;
  --all: #c62828; --site: #e08600; --none: #3b7a3b; --pick: #1a5fb4; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ee; --paper: #16181c; --line: #3a404a; --soft: #20242b;
    --all: #ff6b6b; --site: #ffb347; --none: #7cc47c; --pick: #78aeff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1200px; padding: 24px; background: var(--paper); color: var(--ink);
  font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 19px; margin: 32px 0 8px; }
.muted { opacity: .72; }
.legend span, .chip { border: 1px solid var(--line); border-left: 6px solid var(--line); border-radius: 4px;
  padding: 1px 7px; margin: 2px; display: inline-block; font-size: 13px; }
.chip { cursor: help; }
.chip.all, .legend .all { border-left-color: var(--all); } .chip.site, .legend .site { border-left-color: var(--site); } .chip.none, .legend .none { border-left-color: var(--none); }
.chip.picked { outline: 3px solid var(--pick); outline-offset: 1px; }
.map { display: grid; grid-template-columns: repeat(auto-fill, minmax(340px, 1fr)); gap: 16px; }
.place { border: 2px solid var(--line); border-radius: 8px; padding: 12px; background: var(--soft); }
.place h3 { margin: 0 0 6px; font-size: 16px; }
.server { border: 1px solid var(--line); border-radius: 6px; padding: 8px; margin-top: 8px; background: var(--paper); }
.machine { margin: 4px 0 0 8px; padding-left: 8px; border-left: 2px solid var(--line); }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: 5px 8px; border-bottom: 1px solid var(--line); vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
details.promise { border: 1px solid var(--line); border-radius: 6px; margin: 6px 0; }
details.promise > summary { cursor: pointer; padding: 8px 10px; display: flex; gap: 12px; flex-wrap: wrap; }
details.promise[open] > summary { background: var(--soft); }
summary .says { flex: 1 1 300px; font-weight: 600; } summary .figure { font-variant-numeric: tabular-nums; }
details.promise > div { padding: 4px 10px 10px; max-height: 420px; overflow: auto; }
tr.cut { cursor: pointer; } tr.cut:hover, tr.cut:focus { background: var(--soft); }
.finding { border-left: 6px solid var(--line); padding: 4px 12px; margin: 10px 0; }
.finding.critical { border-left-color: var(--all); } .finding.warning { border-left-color: var(--site); }
.finding code { font-size: 13px; }
.scroll { overflow-x: auto; }
`;

/** A cut that is clicked, or reached by keyboard, marks its components on the map. */
export const PROOF_SCRIPT = `
const chips = new Map();
for (const chip of document.querySelectorAll("[data-component]")) {
  const id = chip.dataset.component;
  chips.set(id, [...(chips.get(id) ?? []), chip]);
}
function pick(row) {
  for (const chip of document.querySelectorAll(".picked")) chip.classList.remove("picked");
  const picked = JSON.parse(row.dataset.cut).flatMap((id) => chips.get(id) ?? []);
  for (const chip of picked) chip.classList.add("picked");
  picked[0]?.scrollIntoView({ behavior: "smooth", block: "center" });
}
for (const row of document.querySelectorAll("tr.cut")) {
  row.addEventListener("click", () => pick(row));
  row.addEventListener("keydown", (event) => { if (event.key === "Enter") pick(row); });
}
`;
