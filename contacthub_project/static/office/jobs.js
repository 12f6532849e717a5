// Imports and exports: progress, of which only what has changed is replaced, and the import's form.
const BETWEEN = 1000; // milliseconds between looks while something moves
const AFTER_A_FAILURE = 5000;
const PREVIEWED = 256 * 1024;
const PREVIEWED_ARCHIVE = 16 * 1024 * 1024;

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const partsOf = (id) => document.querySelectorAll(`[data-job="${id}"]`);

document.addEventListener("DOMContentLoaded", () => {
  const news = document.getElementById("job-news");
  if (!news) return;
  const form = document.getElementById("import-form");
  if (form) importFile(form, news);
  else watchJobs(news);
});

// Follow the jobs of the page that move, until none does.
async function watchJobs(news) {
  for (;;) {
    const moving = new Set([...document.querySelectorAll("[data-job][data-moves]")].map((each) => each.dataset.job));
    if (!moving.size) return;
    await pause(document.hidden ? AFTER_A_FAILURE : BETWEEN);
    const jobs = await progressOf(news, moving);
    if (!jobs) await pause(AFTER_A_FAILURE);
    else for (const id of moving) showProgress(id, jobs[id], news);
  }
}

async function progressOf(news, ids) {
  const query = new URLSearchParams([...ids].map((id) => ["id", id]));
  try {
    const answer = await fetch(`${news.dataset.progress}?${query}`, { redirect: "error" });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null; // the server is away for a moment, or the session has ended
  }
}

function showProgress(id, job, news) {
  for (const element of partsOf(id)) {
    if (!job || !job.moves) delete element.dataset.moves;
    if (job) showJob(element, job);
  }
  if (!job || job.moves) return;
  news.textContent = job.news;
  for (const element of partsOf(id)) {
    if (element.dataset.outcome) replaceBy(element, element.dataset.outcome);
  }
}

function showJob(element, job) {
  const bar = element.querySelector("progress");
  if (bar && job.total !== null) Object.assign(bar, { max: job.total, value: job.done });
  for (const part of element.querySelectorAll("[data-part]")) {
    const text = job.parts[part.dataset.part];
    if (text !== undefined && part.textContent !== text) part.textContent = text;
  }
  const label = element.querySelector("[data-label]");
  if (label && label.textContent.trim() !== textOf(job.label)) label.innerHTML = job.label;
  for (const each of element.querySelectorAll("[data-when]")) {
    each.hidden = !{
      moving: job.moves, ended: job.has_ended, refused: job.has_refused, done: job.has_file,
    }[each.dataset.when];
  }
}

function textOf(html) {
  return new DOMParser().parseFromString(html, "text/html").body.textContent.trim();
}

async function replaceBy(element, address) {
  const answer = await fetch(address, { redirect: "error" });
  if (answer.ok) element.innerHTML = await answer.text();
}

// The form of an import: a preview, a dry run in the page, and then the import.
function importFile(form, news) {
  const page = {
    form, news,
    preview: document.getElementById("preview"),
    faults: document.getElementById("import-faults"),
    trial: document.getElementById("trial"),
  };
  form.file.hasChangeListener = true; // the theme's own expects a text field beside it
  takeDrops(form);
  form.file.addEventListener("change", () => (form.mapping.value = ""));
  form.addEventListener("change", ({ target }) => {
    if (target.name === "typed") return;
    forgetTrial(page);
    const isColumn = target.matches("[data-header]");
    if (isColumn) mapColumn(form, target);
    previewFile(page, { keepsTable: isColumn });
    form.querySelector("[data-for-deletion]").hidden = form.operation.value !== "DELETE";
    const template = form.querySelector("[data-template]");
    template.search = new URLSearchParams({ node: form.node.value, rows: form.rows.value });
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    sendFile(page, event.submitter && event.submitter.name === "dryRun");
  });
}

function takeDrops(form) {
  const place = form.querySelector("[data-drop]");
  for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
    place.addEventListener(name, (event) => {
      event.preventDefault();
      place.classList.toggle("bg-base-50", name === "dragenter" || name === "dragover");
    });
  }
  place.addEventListener("drop", ({ dataTransfer }) => {
    if (!dataTransfer.files.length) return;
    form.file.files = dataTransfer.files;
    form.file.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

// What is chosen for a column goes along as a mapping; whoever empties the field leaves it out.
function mapColumn(form, field) {
  const mapping = JSON.parse(form.mapping.value || "{}");
  mapping[field.dataset.header] = field.value.trim() || null;
  form.mapping.value = JSON.stringify(mapping);
}

// With `keepsTable` only what is said of the file is replaced: somebody is at work in the table.
async function previewFile({ form, news, preview }, { keepsTable }) {
  const file = form.file.files[0];
  if (!file) return;
  const archive = /\.(xlsx|zip|gz)$/i.test(file.name);
  const isWhole = file.size <= (archive ? PREVIEWED_ARCHIVE : PREVIEWED);
  if (archive && !isWhole) {
    preview.textContent = news.dataset.tooLarge;
    return;
  }
  const body = new FormData(form);
  body.set("file", isWhole ? file : file.slice(0, PREVIEWED), file.name);
  body.set("isWhole", isWhole);
  try {
    const answer = await fetch(form.dataset.preview, { method: "POST", body, redirect: "error" });
    const shown = new DOMParser().parseFromString(await answer.text(), "text/html").body;
    const said = preview.querySelector("[data-said]");
    if (keepsTable && said) said.replaceWith(shown.querySelector("[data-said]"));
    else preview.replaceChildren(...shown.childNodes);
  } catch {
    preview.textContent = news.dataset.failed;
  }
}

function forgetTrial({ form, trial, faults }) {
  trial.hidden = true;
  form.tried.value = faults.textContent = "";
  form.querySelector("[data-deletions]").textContent = "–";
}

function sendFile(page, isTrial) {
  const { form, news, faults } = page;
  const body = new FormData(form);
  if (isTrial) body.set("dryRun", "true");
  const request = new XMLHttpRequest();
  request.open("POST", location.pathname);
  request.setRequestHeader("Accept", "application/json");
  request.responseType = "json";
  const buttons = form.querySelectorAll("button");
  const bar = page.trial.querySelector("progress");
  const ended = (messages) => {
    for (const each of buttons) each.disabled = false;
    faults.textContent = messages.join(" ");
  };
  request.upload.onprogress = ({ loaded, total }) => Object.assign(bar, { max: total, value: loaded });
  request.onload = () => {
    const answer = request.response;
    if (request.status !== 201) {
      page.trial.hidden = true;
      ended((answer && (answer.faults || [answer.message])) || [news.dataset.failed]);
    } else if (isTrial) {
      ended([]);
      followTrial(page, answer);
    } else location.href = answer.job;
  };
  request.onerror = () => {
    page.trial.hidden = true;
    ended([news.dataset.failed]);
  };
  for (const each of buttons) each.disabled = true;
  faults.textContent = "";
  page.trial.querySelector("[data-part]").textContent = news.textContent = news.dataset.sending;
  page.trial.querySelector("[data-trial-outcome]").replaceChildren();
  page.trial.hidden = false;
  request.send(body);
}

async function followTrial({ form, news, trial, faults }, { id, job, outcome }) {
  form.tried.value = id;
  trial.querySelector("[data-trial-link]").href = job;
  const shown = trial.querySelector("[data-trial-progress]");
  shown.querySelector("progress").removeAttribute("value");
  for (;;) {
    const jobs = await progressOf(news, [id]);
    if (form.tried.value !== id) return; // something else is to be tried
    if (jobs && !jobs[id]) return;
    if (jobs) showJob(shown, jobs[id]);
    if (jobs && !jobs[id].moves) {
      faults.textContent = jobs[id].parts.error;
      news.textContent = jobs[id].news;
      break;
    }
    await pause(jobs ? BETWEEN : AFTER_A_FAILURE);
  }
  const place = trial.querySelector("[data-trial-outcome]");
  await replaceBy(place, outcome);
  const deleted = place.querySelector('[data-part="outcome-deleted"]');
  if (deleted) form.querySelector("[data-deletions]").textContent = deleted.dataset.count;
}
