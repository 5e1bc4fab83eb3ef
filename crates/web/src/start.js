// Starts the page. `script` and `wasm` stand before it, as the server wrote them; the server leaves the comments out.
//
// Hydration needs the very nodes that the server sent. Proxies, translators and extensions change them; then it
// would panic, or take one element for another. So the nodes are counted first, in the way of `shape.rs`. Where
// they differ, or hydration fails all the same, the page is drawn anew from the same data.

// The wasm is fetched once the page is painted: earlier it would take of the network what the paint waits for. A page that
// is not looked at is not painted.
const painted = new Promise((go) => {
  if (document.hidden) go();
  setTimeout(go, 500);
  new PerformanceObserver(go).observe({ type: "paint", buffered: true });
});

const load = async (from) => {
  await painted;
  const bytes = fetch(wasm);
  // At its first use the browser takes long for its calendars: now it waits for the network anyway.
  new Intl.DateTimeFormat();
  const page = await import(from);
  await page.default({ module_or_path: bytes });
  return page;
};

const shape = (node) => {
  let hash = 0;
  const add = (text) => {
    for (let at = 0; at < text.length; at++) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0;
  };
  const walk = (node) => {
    for (let child = node.firstChild; child; child = child.nextSibling) {
      const { nodeType } = child;
      add(nodeType === 1 ? child.localName : nodeType === 3 ? "#" : "!");
      if (nodeType !== 1) continue;
      walk(child);
      add("/");
    }
  };
  walk(node);
  return String(hash);
};

const place = () => {
  const there = document.getElementById("madang");
  if (there) return there;
  const fresh = document.createElement("div");
  fresh.id = "madang";
  return fresh;
};

// Typed text, focus and scroll position of the person.
const kept = (root) => {
  const way = (field) => `form[action="${field.form?.getAttribute("action")}"] [name="${field.name}"]`;
  const fields = root.querySelectorAll("textarea,input:not([type=hidden],[type=radio])");
  return {
    fields: [...fields].map((field) => ({
      way: way(field),
      value: field.value,
      typed: field.value !== field.defaultValue,
      range: field === document.activeElement && [field.selectionStart, field.selectionEnd],
    })),
    scrolled: root.querySelector(".log")?.scrollTop ?? 0,
  };
};

const restore = (root, { fields, scrolled }) => {
  for (const { way, value, typed, range } of fields) {
    const field = root.querySelector(way);
    if (!field) continue;
    if (typed) field.value = value;
    if (!range) continue;
    field.focus();
    field.setSelectionRange(...range);
  }
  if (scrolled) root.querySelector(".log").scrollTop = scrolled;
};

// A part of the page is about to take the place of what the server sent: before anything looks at its fields, and after
// the values that the part sets at once, they hold what was typed.
const typedIn = new WeakMap();
const takenOver = ({ target }) => {
  const typed = kept(target);
  typedIn.set(target, typed);
  queueMicrotask(() => restore(target, typed));
  const radios = [...target.querySelectorAll("[type=radio]:checked")].filter((radio) => !radio.defaultChecked);
  setTimeout(() => radios.forEach(({ name, value }) => target.querySelector(`[name="${name}"][value="${value}"]`)?.click()));
};
addEventListener("madang-part", takenOver, true);

// Fields that a part has yet to draw.
const restoreLate = (root, fields) => {
  const waiting = new Set(fields.filter(({ way, typed, range }) => (typed || range) && !root.querySelector(way)));
  const watch = new MutationObserver(() => {
    const here = [...waiting].filter(({ way }) => root.querySelector(way));
    if (here.length) setTimeout(() => restore(root, { fields: here }));
    here.forEach((field) => waiting.delete(field));
    if (!waiting.size) watch.disconnect();
  });
  if (waiting.size) watch.observe(root, { childList: true, subtree: true });
};

// A message to oneself: unlike a timer it waits for nothing else, in a tab that is not looked at, too.
const pause = () =>
  new Promise((go) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = go;
    port2.postMessage(0);
  });

// In steps, so that the browser answers its reader meanwhile.
const live = async (page) => {
  do await pause();
  while (page.step());
};

const redraw = async (page, why) => {
  const root = place();
  if (!root.isConnected) typedIn.set(root, kept(document.body));
  const nodes = [...root.childNodes];
  if (!root.isConnected) document.body.replaceChildren(root);
  try {
    await page.redraw();
  } catch (error) {
    // As it came it still works by its forms.
    root.replaceChildren(...nodes);
    throw error;
  }
  const typed = typedIn.get(root);
  restore(root, typed);
  restoreLate(root, typed.fields);
  console.warn("Madang: the HTML of this page was changed on its way or by an extension. It was drawn anew.", why);
  fetch("/redrawn", { method: "POST" }).catch(() => {});
  await live(page);
};

// A page that panics later, or whose nodes somebody took, is lost with all that it holds; only another load ends it. What was typed comes along. If
// that one panics within a minute, too, the page stays as the server made it: it works by its forms.
const MINUTE = 60_000;
const NOTE = "madang-lost";

const lost = () => {
  try {
    const note = JSON.parse(sessionStorage.getItem(NOTE));
    return note && Date.now() - note.at < MINUTE ? note : null;
  } catch {
    return null;
  }
};

const before = lost();
let over = false;

const recover = async ({ error, reason }) => {
  const why = error ?? reason;
  if (over || !(why instanceof WebAssembly.RuntimeError)) return;
  over = true;
  console.warn("Madang: this page broke, and is loaded anew.", why);
  const root = place();
  const editing = root.querySelector(".edit-form");
  const note = { at: Date.now(), times: (before?.times ?? 0) + 1, ...kept(root) };
  // While the server is out of reach, this is better than no page.
  while (!(await fetch("/redrawn", { method: "POST" }).catch(() => null))) await new Promise((go) => setTimeout(go, 2_000));
  try {
    sessionStorage.setItem(NOTE, JSON.stringify(note));
  } catch {
    return;
  }
  if (editing) location.assign(editing.action);
  else location.reload();
};

const root = place();
if (before) {
  restore(root, before);
  // Once: whoever loads the page again means it.
  sessionStorage.setItem(NOTE, JSON.stringify({ at: before.at, times: before.times, fields: [], scrolled: 0 }));
}
if ((before?.times ?? 0) < 2) {
  addEventListener("error", recover);
  addEventListener("unhandledrejection", recover);
  addEventListener("madang-lost", () => recover({ error: new WebAssembly.RuntimeError("its nodes are gone") }));
  const page = await load(script);
  if (shape(root) === root.dataset.shape) {
    try {
      await pause();
      page.hydrate();
      await live(page);
    } catch (error) {
      // That instance is lost; another address makes another one, from the same file.
      await redraw(await load(`${script}#again`), error);
    }
  } else await redraw(page, "");
}
