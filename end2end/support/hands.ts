/**
 * Changes of a page by proxies, browsers, translators and extensions, each as a function that runs in it. None of them
 * may use anything from outside.
 */

export const splitAddress = () => {
  const text = [...document.querySelectorAll(".text")].find((each) => each.textContent!.includes("kim@mail.example"))!
    .firstChild as Text;
  const at = text.data.indexOf("kim@mail.example");
  text.splitText(at).splitText("kim@mail.example".length);
};

export const linkAddress = () => {
  const row = [...document.querySelectorAll(".text")].find((each) => each.textContent!.includes("kim@mail.example"))!;
  const text = row.firstChild as Text;
  const address = text.splitText(text.data.indexOf("kim@mail.example"));
  address.splitText("kim@mail.example".length);
  const link = document.createElement("a");
  link.href = "/cdn-cgi/l/email-protection";
  link.textContent = "[email protected]";
  address.replaceWith(link);
};

export const linkTelephone = () => {
  const row = [...document.querySelectorAll(".text")].find((each) => each.textContent!.includes("02-123-4567"))!;
  const text = row.firstChild as Text;
  const number = text.splitText(text.data.indexOf("02-123-4567"));
  number.splitText("02-123-4567".length);
  const link = document.createElement("a");
  link.href = "tel:021234567";
  number.replaceWith(link);
  link.append(number);
};

/** As Google's does: every text is taken out of its place, and stands anew in two elements. */
export const translate = () => {
  const texts: Text[] = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT, (node) => {
    const kept = node.parentElement?.closest("script, style, textarea, font, [translate=no]");
    return kept || !node.nodeValue!.trim() ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT;
  });
  while (walker.nextNode()) texts.push(walker.currentNode as Text);
  for (const text of texts) {
    const [outer, inner] = [document.createElement("font"), document.createElement("font")];
    inner.textContent = `«${text.data}»`;
    outer.append(inner);
    text.replaceWith(outer);
  }
};

export const stripComments = () => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_COMMENT);
  const comments: Node[] = [];
  while (walker.nextNode()) comments.push(walker.currentNode);
  for (const comment of comments) comment.parentNode!.removeChild(comment);
};

export const spaceTags = () => {
  for (const element of document.querySelectorAll("body *:not(script, textarea, svg *)")) {
    element.before("\n  ");
  }
};

export const prependToBody = () => document.body.prepend(document.createElement("div"), "text", new Comment("x"));

export const insertBeforeBox = () => document.querySelector(".composer-box")!.before(document.createElement("div"));

export const insertIntoBox = () => document.querySelector("#composer-text")!.after(document.createElement("grammar-check"));

/** The most treacherous: hydration would take it for one of ours. */
export const insertTwin = () => {
  const row = document.querySelector(".message")!;
  row.before(row.cloneNode(true));
  const typing = document.querySelector(".typing")!;
  typing.before(document.createElement("p"));
};

export const removeElement = () => document.querySelector(".typing")!.remove();

export const wrapPage = () => {
  const page = document.querySelector(".page")!;
  const wrapper = document.createElement("div");
  const focused = document.activeElement as HTMLElement;
  page.replaceWith(wrapper);
  wrapper.append(page);
  focused.focus();
};

export const wrapBody = () => {
  const wrapper = document.createElement("div");
  const focused = document.activeElement as HTMLElement;
  wrapper.append(...document.body.childNodes);
  document.body.append(wrapper);
  focused.focus();
};

export const unwrapPage = () => {
  const root = document.getElementById("madang");
  const focused = document.activeElement as HTMLElement;
  if (root) root.replaceWith(...root.childNodes);
  else document.querySelector(".skip")!.remove();
  focused.focus();
};

export const joinTexts = () => {
  stripped();
  document.body.normalize();
  function stripped() {
    for (const mark of document.querySelectorAll(".message")) {
      for (const child of [...mark.childNodes]) if (child.nodeType === 8) child.remove();
    }
  }
};

export const forgetData = () => {
  delete (window as { __RESOLVED_RESOURCES?: unknown }).__RESOLVED_RESOURCES;
  document.querySelector(".typing")!.remove();
};

/** Hydration does not mind this. */
export const decorate = () => {
  for (const element of document.querySelectorAll("body *")) {
    element.setAttribute("data-extension", "1");
    element.classList.add("dark-reader");
  }
  document.documentElement.setAttribute("data-extension", "1");
};

export const removeRows = () => document.querySelector(".rows")!.remove();

export const rewriteRows = () => {
  const rows = document.querySelector(".rows")!;
  rows.innerHTML = rows.innerHTML;
};

export const emptyBody = () => document.body.replaceChildren();

/** The browser's message about a panic, which cannot be had on purpose. */
export const panic = () => {
  setTimeout(() => {
    throw new WebAssembly.RuntimeError("unreachable");
  });
};
