// Starts the page. `script` and `wasm` stand before it, as the server wrote them; the server leaves the comments out.
//
// Hydration needs the very nodes that the server sent. Proxies, translators and extensions change them; then it
// would panic, or take one element for another. So the nodes are counted first, in the way of `shape.rs`. Where
// they differ, or hydration fails all the same, the page is drawn anew from the same data.
const load = async (from) => {
  const page = await import(from);
  await page.default({ module_or_path: wasm });
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

// What the person typed, where they type, and how far they scrolled.
const keep = (root) => {
  const way = (field) => `form[action="${field.form?.getAttribute("action")}"] [name="${field.name}"]`;
  const fields = root.querySelectorAll("textarea,input:not([type=hidden],[type=radio])");
  const kept = [...fields].map((field) => ({
    way: way(field),
    value: field.value,
    typed: field.value !== field.defaultValue,
    range: field === document.activeElement && [field.selectionStart, field.selectionEnd],
  }));
  const scrolled = root.querySelector(".log")?.scrollTop ?? 0;
  return () => {
    for (const { way, value, typed, range } of kept) {
      const field = root.querySelector(way);
      if (!field) continue;
      if (typed) field.value = value;
      if (!range) continue;
      field.focus();
      field.setSelectionRange(...range);
    }
    if (scrolled) root.querySelector(".log").scrollTop = scrolled;
  };
};

const redraw = (page, why) => {
  const root = place();
  const restore = keep(root.isConnected ? root : document.body);
  const before = [...root.childNodes];
  if (root.isConnected) root.replaceChildren();
  else document.body.replaceChildren(root);
  try {
    page.redraw();
  } catch (error) {
    // As it came it still works by its forms.
    root.replaceChildren(...before);
    throw error;
  }
  // Now, before anything looks at the fields; and after the values that the page sets in a moment.
  restore();
  queueMicrotask(restore);
  console.warn("Madang: the HTML of this page was changed on its way or by an extension. It was drawn anew.", why);
  fetch("/redrawn", { method: "POST" }).catch(() => {});
};

const page = await load(script);
const root = place();
let why = "";
if (shape(root) === root.dataset.shape) {
  try {
    page.hydrate();
  } catch (error) {
    // That instance is lost; another address makes another one, from the same file.
    redraw(await load(`${script}#again`), error);
  }
} else redraw(page, why);
