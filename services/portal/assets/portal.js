// Saves reloads and work, nothing more: pages work without it. At every event of the server the changing part of the page is
// fetched anew; what has the keyboard's attention keeps it.
"use strict";
(() => {
  const part = document.getElementById("part");
  if (!part || !window.EventSource) return;
  const offline = document.querySelector(".offline");
  let busy = false, again = false;
  const typing = () => {
    const at = document.activeElement;
    return at && part.contains(at) && /^(INPUT|SELECT|TEXTAREA)$/.test(at.tagName);
  };
  const renew = async () => {
    if (busy || typing()) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(part.dataset.part, { credentials: "same-origin", cache: "no-store" });
      if (answer.redirected || answer.status === 401) { location.reload(); return; }
      if (answer.ok) {
        const fresh = await answer.text();
        const at = document.activeElement && part.contains(document.activeElement) ? document.activeElement.id : "";
        const scroll = [window.scrollX, window.scrollY];
        part.innerHTML = fresh;
        if (at) document.getElementById(at)?.focus({ preventScroll: true });
        window.scrollTo(...scroll);
      }
    } finally {
      busy = false;
      if (again) { again = false; setTimeout(renew, 300); }
    }
  };
  const events = new EventSource(part.dataset.events);
  events.addEventListener("changed", renew);
  events.onopen = () => { if (offline) offline.hidden = true; document.documentElement.dataset.live = "yes"; };
  events.onerror = () => { if (offline) offline.hidden = false; };
  window.addEventListener("pagehide", () => events.close());
})();

// A report file goes in parts, each kept as it arrives, and goes on by itself after a cut line (tus 1.0). Without this
// the form sends it in one go.
(() => {
  const form = document.querySelector("form[data-tus]");
  if (!form || !window.fetch) return;
  const PART = 4 << 20, said = form.querySelector("[role=status]"), bar = form.querySelector("progress");
  const base64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
  const rest = (ms) => new Promise((done) => setTimeout(done, ms));
  const ask = (method, to, headers, body) =>
    fetch(to, { method, body, credentials: "same-origin", headers: { "Tus-Resumable": "1.0.0", ...headers } });
  // What the center refuses for good; everything else is the line, or passes.
  const refusal = async (answer) => {
    if (answer.ok || answer.status === 423 || (answer.status >= 500 && answer.status !== 507)) return null;
    const why = await answer.json().catch(() => ({}));
    if (["U003", "U004", "U018"].includes(why.code) || (answer.status === 429 && !why.code)) return null;
    return `${form.dataset.stopped} ${why.title || answer.status} ${why.detail || ""}`;
  };
  // Asks again until there is an answer, more and more slowly.
  const surely = async (...what) => {
    for (let pause = 500; ; pause = Math.min(pause * 2, 30000)) {
      try {
        const answer = await ask(...what), no = await refusal(answer);
        if (no) throw Object.assign(new Error(no), { final: true });
        if (answer.ok) return answer;
      } catch (error) {
        if (error.final) throw error;
      }
      said.textContent = form.dataset.cut;
      await rest(pause);
    }
  };
  const send = async (file, key) => {
    const pairs = { filename: file.name, filetype: file.type || "application/octet-stream", key };
    const metadata = Object.entries(pairs).map(([name, value]) => `${name} ${base64(value)}`).join(",");
    const begun = await surely("POST", form.dataset.tus, { "Upload-Length": file.size, "Upload-Metadata": metadata });
    const place = begun.headers.get("Location");
    const offset = async () => Number((await surely("HEAD", place, {})).headers.get("Upload-Offset"));
    for (let at = await offset(); at < file.size;) {
      bar.value = at / file.size;
      said.textContent = form.dataset.sending;
      const headers = { "Content-Type": "application/offset+octet-stream", "Upload-Offset": at };
      let answer = null;
      try { answer = await ask("PATCH", place, headers, file.slice(at, at + PART)); } catch { /* the line */ }
      const no = answer && await refusal(answer);
      if (no) throw Object.assign(new Error(no), { final: true });
      if (answer && answer.ok) { at = Number(answer.headers.get("Upload-Offset")); continue; }
      said.textContent = form.dataset.cut;
      await rest(1000);
      at = await offset();
    }
    bar.value = 1;
    location.assign(place.replace(form.dataset.tus, "/submissions"));
  };
  form.addEventListener("submit", async (event) => {
    const file = form.elements.file.files[0];
    if (!file) return;
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    bar.parentElement.hidden = false;
    said.textContent = form.dataset.sending;
    try {
      await send(file, form.elements.key.value);
    } catch (error) {
      said.textContent = error.message;
      // Another file is another submission.
      form.elements.key.value = crypto.randomUUID();
      bar.parentElement.hidden = true;
      button.disabled = false;
    }
  });
})();

// What is being worked on is looked at again.
(() => {
  const again = document.querySelector("[data-again]");
  if (again) setTimeout(() => location.reload(), 1000 * again.dataset.again);
})();
