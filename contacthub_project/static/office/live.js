"use strict";
// Shows events of a source as they come in: the table names the address that tells of them.
const SECONDS = 2;
const MOST_ROWS = 100;

function cell(row, text, className) {
  const made = row.insertCell();
  made.className = className;
  made.textContent = text;
}

// The time of day in the language of the page and the zone of the workspace.
function timeOf(table, moment) {
  const options = { timeStyle: "medium", timeZone: table.dataset.zone };
  return new Date(moment).toLocaleTimeString(document.documentElement.lang, options);
}

function show(table, element) {
  const row = table.tBodies[0].insertRow(0);
  row.className = "border-t border-base-200 align-top dark:border-base-800";
  const isRefused = element.outcome === "REFUSED";
  cell(row, timeOf(table, element.moment), "py-2 pr-4 whitespace-nowrap");
  const color = isRefused ? "text-red-700 dark:text-red-400" : "text-green-700 dark:text-green-400";
  cell(row, isRefused ? table.dataset.refused.replace("{reason}", element.reasonName) : table.dataset.accepted, `py-2 pr-4 ${color}`);
  cell(row, element.type || "–", "py-2 pr-4");
  const faults = element.errors.map((each) => `${each.path} ${each.message}`);
  const said = isRefused ? [element.message, ...faults].join("; ") : JSON.stringify(element.body.properties);
  cell(row, said, "py-2 break-all");
  while (table.tBodies[0].rows.length > MOST_ROWS) table.tBodies[0].deleteRow(-1);
}

async function watch(table) {
  const state = document.getElementById("live-state");
  for (;;) {
    if (document.visibilityState === "visible") {
      const after = encodeURIComponent(table.dataset.after);
      const answer = await fetch(`${table.dataset.live}?after=${after}`).catch(() => null);
      if (answer && answer.ok) {
        const page = await answer.json();
        table.dataset.after = page.next;
        for (const element of page.elements) show(table, element);
        if (page.elements.length) state.textContent = table.dataset.receiving;
      } else {
        state.textContent = table.dataset.failed;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
  }
}

for (const table of document.querySelectorAll("[data-live]")) watch(table);
