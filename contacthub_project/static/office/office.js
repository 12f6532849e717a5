// What the pages of the back-office do in the browser. All of it stands here: the
// Content-Security-Policy lets no script and no handler run that stands in a page.

Object.assign(htmx.config, { allowEval: false, allowScriptTags: false, includeIndicatorStyles: false });

document.addEventListener("DOMContentLoaded", () => {
  // The theme draws icons by the words of a font; those who listen to a page should not hear them.
  for (const icon of document.querySelectorAll(".material-symbols-outlined")) {
    icon.setAttribute("aria-hidden", "true");
  }
  const jobs = document.getElementById("job-form");
  if (jobs) previewFile(jobs, document.getElementById("preview"));
  const crontabs = document.getElementById("readable-crontabs");
  if (crontabs) describeCrontab(JSON.parse(crontabs.textContent));
});

document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (event.target.matches("[data-goes-to-value]")) location.href = event.target.value;
  else if (form && form.matches("[data-submit-on-change]")) form.requestSubmit();
});

document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copies]");
  if (button) navigator.clipboard.writeText(document.getElementById(button.dataset.copies).textContent);
});

// A picture that does not load, or that its site lets nobody else show, gives way to the initial.
document.addEventListener("error", ({ target: picture }) => {
  if (!(picture instanceof HTMLImageElement) || !picture.matches(".office-person img")) return;
  picture.nextElementSibling.hidden = false;
  picture.remove();
}, true);

// What is wrong with a file's columns, before it is sent.
function previewFile(form, preview) {
  form.file.hasChangeListener = true; // the theme's own expects a text field beside it
  form.addEventListener("change", async () => {
    const file = form.file.files[0];
    if (!file) {
      preview.textContent = "";
      return;
    }
    const body = new FormData(form);
    const archive = /\.(xlsx|zip|gz)$/i.test(file.name);
    const isWhole = file.size <= (archive ? PREVIEWED_ARCHIVE : PREVIEWED);
    if (archive && !isWhole) {
      preview.textContent = "The file is too large for a preview. Try a dry run.";
      return;
    }
    body.set("file", isWhole ? file : file.slice(0, PREVIEWED), file.name);
    body.set("isWhole", isWhole);
    const answer = await fetch(form.dataset.preview, { method: "POST", body });
    preview.innerHTML = await answer.text();
  });
  // What is chosen for columns goes along as a mapping; who empties a field leaves the column out.
  preview.addEventListener("change", (event) => {
    const field = event.target.closest("[data-header]");
    if (!field) return;
    const mapping = JSON.parse(form.mapping.value || "{}");
    mapping[field.dataset.header] = field.value.trim() || null;
    form.mapping.value = JSON.stringify(mapping);
  });
  form.file.addEventListener("change", () => (form.mapping.value = ""));
}

const PREVIEWED = 256 * 1024;
const PREVIEWED_ARCHIVE = 16 * 1024 * 1024;

// The crontab that is chosen for a periodic task, in words.
function describeCrontab(words) {
  const select = document.getElementById("id_crontab");
  const field = document.querySelector(".field-crontab");
  if (!select || !field) return;
  const help = field.appendChild(document.createElement("p"));
  const describe = () => (help.textContent = words[select.value] || "");
  select.addEventListener("change", describe);
  describe();
}

// The theme's pages have expressions that Alpine's build without eval does not read: what stands for them.
const READABLE = {
  "sidebarDesktopOpen = !sidebarDesktopOpen; localStorage.setItem('sidebarDesktopOpen', sidebarDesktopOpen ? '1' : '0');":
    "sidebarDesktopOpen = !sidebarDesktopOpen",
  "if (!$event.metaKey && !$event.ctrlKey) selectItem(false, false)":
    "!$event.metaKey && !$event.ctrlKey && selectItem(false, false)",
  "'width: ' + changeListWidth + 'px'": "{ width: changeListWidth + 'px' }",
};

document.addEventListener("alpine:init", () => {
  document.body.setAttribute("x-init", "restorePage()");
  for (const element of document.querySelectorAll("*")) {
    for (const { name, value } of element.attributes) {
      if (name.startsWith("x-") && value in READABLE) element.setAttribute(name, READABLE[value]);
    }
  }
  // The theme's functions; expressions see no global names.
  for (const name of ["searchForm", "searchDropdown", "searchCommand"]) Alpine.data(name, window[name]);
  Alpine.data("theme", (scheme) => ({
    ...theme(scheme),
    localStorage: { getItem: (key) => localStorage.getItem(key) },
    window: { location: { pathname: location.pathname, search: location.search } },
    restorePage() {
      if (this.activeTab) this.activeTab = getCurrentTab() || this.activeTab;
      this.$watch("sidebarDesktopOpen", (open) => localStorage.setItem("sidebarDesktopOpen", open ? "1" : "0"));
    },
  }));
});
