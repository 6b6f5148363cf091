// Saves reloads, nothing more: pages work without it. At every event of the server the changing part of the page is
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
