/* Contacthub tag: sends page views and events of a web site. See docs/web-tag.md. */
(function (window, document, navigator) {
  "use strict";
  var script = document.currentScript;
  if (!script) return;
  var given = script.dataset;
  var waiting = (window.contacthub && window.contacthub.q) || [];
  var root = (given.hub || new URL(script.src).origin) + "/hub/v1/workspaces/" + given.workspace;
  var KEY = "contacthub." + given.workspace + ".";
  var MOST = 200; // events that wait; later ones are dropped
  var BATCH = 40;
  var BYTES = 60000; // browsers send no more after a page has been left
  var LONGEST = 60000; // milliseconds between two attempts
  var memory = {};
  var mayStore = false;
  var failures = 0;
  var sending = false;
  var timer = 0;
  var lastUrl = "";
  var referrer = document.referrer;

  // Storage, first-party; in memory until the site has said that it may be used, or where there is none.
  function read(name) {
    try {
      if (mayStore) return JSON.parse(localStorage.getItem(KEY + name));
    } catch (e) { /* no storage, or not ours */ }
    return memory[name] === undefined ? null : memory[name];
  }

  function write(name, value) {
    memory[name] = value;
    if (!mayStore) return;
    try {
      if (value === null) localStorage.removeItem(KEY + name);
      else localStorage.setItem(KEY + name, JSON.stringify(value));
    } catch (e) { /* kept in memory */ }
  }

  function identifier() {
    if (window.crypto && crypto.randomUUID) return crypto.randomUUID();
    return "10000000-1000-4000-8000-100000000000".replace(/[018]/g, function (digit) {
      var random = crypto.getRandomValues(new Uint8Array(1))[0];
      return (digit ^ (random & (15 >> (digit / 4)))).toString(16);
    });
  }

  function isRefused() {
    return navigator.globalPrivacyControl === true ||
      navigator.doNotTrack === "1" || window.doNotTrack === "1";
  }

  function isAllowed() {
    if (isRefused()) return false;
    return mayStore;
  }

  function session() {
    var known = read("session");
    if (!known) {
      known = identifier();
      write("session", known);
    }
    return known;
  }

  function campaign() {
    var found = {};
    var any = false;
    new URLSearchParams(location.search).forEach(function (value, name) {
      if (/^utm_(source|medium|term|content|campaign)$/.test(name) && value) {
        found[name] = value.slice(0, 255);
        any = true;
      }
    });
    return any ? { ga: found } : null;
  }

  function add(entry) {
    var queue = read("queue") || [];
    if (queue.length >= MOST) return;
    queue.push(entry);
    write("queue", queue);
    if (isAllowed()) soon(0);
  }

  function track(type, properties) {
    if (isRefused()) return;
    var event = {
      type: type,
      context: "WEB",
      contextInfo: { client: { userAgent: navigator.userAgent } },
      properties: properties || {},
      // What is sent a second time is taken in once.
      externalId: identifier(),
      date: new Date().toISOString(),
    };
    var tracking = campaign();
    if (tracking) event.tracking = tracking;
    add({ id: event.externalId, event: event });
  }

  function page(properties) {
    lastUrl = location.href.split("#")[0];
    var said = { title: document.title, url: location.href, path: location.pathname };
    if (referrer) said.referer = referrer;
    if (location.search) said.search = location.search;
    referrer = location.href;
    for (var name in properties || {}) said[name] = properties[name];
    track("viewedPage", said);
  }

  function identify(profile) {
    if (!isRefused()) add({ id: identifier(), profile: profile || {} });
  }

  function consent(isGiven) {
    if (isGiven && !isRefused()) {
      var before = { queue: memory.queue, session: memory.session };
      mayStore = true;
      if (before.session) write("session", before.session);
      write("queue", (read("queue") || []).concat(before.queue || []).slice(0, MOST));
      write("consent", true);
      soon(0);
    } else {
      ["queue", "session", "consent"].forEach(function (name) { write(name, null); });
      mayStore = false;
      memory = {};
    }
  }

  function soon(milliseconds) {
    clearTimeout(timer);
    timer = setTimeout(function () { flush(false); }, milliseconds);
  }

  function call(method, path, body, key, isLeaving) {
    return fetch(root + path, {
      method: method,
      mode: "cors",
      credentials: "omit",
      keepalive: isLeaving,
      headers: {
        "Authorization": "Bearer " + given.token,
        "Content-Type": "application/json",
        "Idempotency-Key": key,
      },
      body: JSON.stringify(body),
    });
  }

  // What comes next: a profile by itself, or events up to the next profile.
  function next(queue) {
    if (queue[0].profile) return [queue[0]];
    var part = [];
    var bytes = 0;
    for (var i = 0; i < queue.length && part.length < BATCH && queue[i].event; i++) {
      bytes += JSON.stringify(queue[i].event).length * 2;
      if (part.length && bytes > BYTES) break;
      part.push(queue[i]);
    }
    return part;
  }

  function request(part, isLeaving) {
    var sid = session();
    if (part[0].profile) {
      var body = Object.assign({ nodeId: given.node }, part[0].profile);
      return call("POST", "/customers?sessionId=" + encodeURIComponent(sid), body, part[0].id, isLeaving);
    }
    var events = part.map(function (entry) {
      return Object.assign({
        bringBackProperties: { type: "SESSION_ID", value: sid, nodeId: given.node },
      }, entry.event);
    });
    return call("POST", "/events/batch", { events: events }, part[0].id + part.length, isLeaving);
  }

  function flush(isLeaving) {
    var queue = read("queue") || [];
    if (!queue.length || !isAllowed() || (sending && !isLeaving)) return;
    var part = next(queue);
    sending = true;
    request(part, isLeaving).then(function (answer) {
      // Too many requests, or a server that is away: the same again later.
      if (answer.status === 408 || answer.status === 429 || answer.status >= 500) {
        throw new Error(answer.status);
      }
      return answer;
    }).then(function (answer) {
      var done = {};
      part.forEach(function (entry) { done[entry.id] = true; });
      write("queue", (read("queue") || []).filter(function (entry) { return !done[entry.id]; }));
      failures = 0;
      sending = false;
      if (!answer.ok) warn(answer);
      if ((read("queue") || []).length) soon(0);
    }).catch(function () {
      sending = false;
      failures += 1;
      soon(Math.min(LONGEST, 1000 * Math.pow(2, failures - 1)) * (0.5 + Math.random() / 2));
    });
  }

  function warn(answer) {
    if (given.debug === undefined) return;
    answer.text().then(function (text) { console.warn("contacthub", answer.status, text); });
  }

  function navigated() {
    if (location.href.split("#")[0] !== lastUrl) setTimeout(page, 0); // when the title has followed
  }

  function watch(name) {
    var original = history[name];
    history[name] = function () {
      var result = original.apply(this, arguments);
      navigated();
      return result;
    };
  }

  var commands = { page: page, event: track, identify: identify, consent: consent, reset: function () {
    write("session", null);
  } };

  function run(parameters) {
    var command = commands[parameters[0]];
    if (command) command.apply(null, Array.prototype.slice.call(parameters, 1));
  }

  window.contacthub = function () { run(arguments); };

  if (given.consent === "given") mayStore = !isRefused();
  else {
    try {
      mayStore = !isRefused() && localStorage.getItem(KEY + "consent") === "true";
    } catch (e) { /* no storage */ }
  }
  if (given.pages !== "off") {
    page();
    if (window.history && history.pushState) {
      watch("pushState");
      watch("replaceState");
      window.addEventListener("popstate", navigated);
    }
  }
  for (var i = 0; i < waiting.length; i++) run(waiting[i]);
  window.addEventListener("online", function () { soon(0); });
  window.addEventListener("pagehide", function () { flush(true); });
  document.addEventListener("visibilitychange", function () {
    if (document.visibilityState === "hidden") flush(true);
  });
  if (isAllowed()) soon(0);
})(window, document, navigator);
