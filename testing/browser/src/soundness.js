(() => {
  const wrong = [];
  // What is in a closed `details` has a place and is not seen.
  const seen = e => e.getClientRects().length > 0 && e.checkVisibility({ visibilityProperty: true });
  const all = s => [...document.querySelectorAll(s)];
  const shown = e => (e.id ? "#" + e.id : e.tagName.toLowerCase() + (e.name ? "[name=" + e.name + "]" : ""));
  if (!document.title.trim()) wrong.push("no title");
  if (!document.documentElement.lang) wrong.push("no language");
  if (all("h1").filter(seen).length !== 1) wrong.push(all("h1").filter(seen).length + " headings of level 1");
  let level = 0;
  for (const h of all("h1,h2,h3,h4").filter(seen)) {
    const now = Number(h.tagName[1]);
    if (now > level + 1) wrong.push("heading `" + h.innerText + "` skips a level");
    level = now;
  }
  const ids = all("[id]").map(e => e.id);
  for (const id of new Set(ids.filter((id, at) => ids.indexOf(id) !== at))) wrong.push("#" + id + " stands twice");
  for (const name of ["aria-describedby", "aria-labelledby", "for"]) {
    for (const e of all("[" + name + "]")) {
      for (const id of e.getAttribute(name).split(/\s+/)) {
        if (!document.getElementById(id)) wrong.push(shown(e) + " " + name + " leads to no #" + id);
      }
    }
  }
  for (const a of all("a[href^='#']")) {
    if (!document.getElementById(a.getAttribute("href").slice(1))) wrong.push("link to no " + a.getAttribute("href"));
  }
  for (const e of all("input:not([type=hidden]),select,textarea").filter(seen)) {
    const named = e.getAttribute("aria-label") || [...(e.labels || [])].some(l => l.innerText.trim());
    if (!named) wrong.push(shown(e) + " has no label");
    if (e.getAttribute("aria-invalid") === "true" && !e.getAttribute("aria-describedby")) {
      wrong.push(shown(e) + " is wrong and nothing says why");
    }
  }
  for (const e of all("button,a[href],summary").filter(e => seen(e) && !e.closest("[aria-hidden=true]"))) {
    if (!(e.innerText.trim() || e.getAttribute("aria-label"))) wrong.push(shown(e) + " has no name");
  }
  for (const e of all("img")) if (!e.hasAttribute("alt")) wrong.push("a picture without words");
  for (const e of all("th")) if (!e.scope) wrong.push("a heading of a table says not of what");
  const hole = document.body.innerText.match(/\{\s*\$[^}]*\}|\b(page|joining|portal)(-[a-z]+){2,}/);
  if (hole) wrong.push("a text that was not found: " + hole[0]);
  if (document.documentElement.scrollWidth > window.innerWidth) {
    const wide = all("body *").find(e => e.getBoundingClientRect().right > window.innerWidth + 1);
    wrong.push("wider than the window: " + (wide ? shown(wide) + "." + wide.className : ""));
  }
  // WCAG 2.2, 2.5.8; links within sentences are excepted there.
  for (const e of all("button,summary,a.button,select,input:not([type=hidden])").filter(seen)) {
    const box = e.closest("label") ? e.closest("label").getBoundingClientRect() : e.getBoundingClientRect();
    if (!e.classList.contains("unseen") && (box.height < 24 || box.width < 24)) wrong.push(shown(e) + " is too small");
  }
  // WCAG 1.4.3.
  const parts = text => (text.match(/[\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => {
    const one = v => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * one(r) + 0.7152 * one(g) + 0.0722 * one(b);
  };
  const ground = e => {
    for (; e; e = e.parentElement) {
      const colour = parts(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const told = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !seen(e) || e.closest(":disabled")) continue;
    const style = getComputedStyle(e);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const [a, b] = [light(parts(style.color)), light(ground(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const key = style.color + ground(e);
    if (ratio < (large ? 3 : 4.5) && !told.has(key)) {
      told.add(key);
      wrong.push("`" + walker.currentNode.data.trim().slice(0, 20) + "` is hard to read: " + ratio.toFixed(1));
    }
  }
  return wrong;
})()
