// A small way to make elements. Text is always inserted as text.

/** An element with properties, listeners (`on…`) and children; `null` and `false` children are left out. */
export function h(tag, properties, ...children) {
  const element = document.createElement(tag);
  return dress(element, properties, children);
}

/** The same for SVG. */
export function s(tag, properties, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  return dress(element, properties, children);
}

function dress(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    // What has been pressed is not disabled: the keyboard would lose its place.
    else if (name === "busy") element.setAttribute("aria-disabled", "true");
    else if (name === "value" || name === "checked") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(4).filter((it) => it !== null && it !== undefined && it !== false));
  return element;
}

/** Puts children in the place of those that are there. Focus, open details and scroll stay where they were, by their ids. */
export function show(place, ...children) {
  const { id: focused, selectionStart = null, selectionEnd = null } = document.activeElement ?? {};
  const open = [...place.querySelectorAll("details[open]")].map((it) => it.id);
  const scrolled = [...place.querySelectorAll("[data-scroll]")].map((it) => [it.id, it.scrollLeft]);
  place.replaceChildren(...children.flat(4).filter(Boolean));
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  for (const [id, left] of scrolled) {
    const again = document.getElementById(id);
    if (again) again.scrollLeft = left;
  }
  // What is drawn up to now is shown from there.
  for (const it of place.querySelectorAll("[data-scroll=end]")) if (!scrolled.some(([id]) => id === it.id)) it.scrollLeft = it.scrollWidth;
  if (focused && place.querySelector(`#${CSS.escape(focused)}`)) {
    const again = document.getElementById(focused);
    again.focus();
    // Numbers and the like have none.
    if (selectionStart !== null && again.setSelectionRange) again.setSelectionRange(selectionStart, selectionEnd);
  }
}

// What is busy is not pressed a second time, nor is the form sent whose button it is.
document.addEventListener("click", (event) => {
  if (!event.target.closest("[aria-disabled=true]")) return;
  event.preventDefault();
  event.stopPropagation();
}, true);

/** An id that may be one in HTML. */
export const idOf = (text) => text.replace(/[^a-zA-Z0-9_-]/g, "-");

/** Tells people, also those who listen. */
export function say(text, isTrouble = false) {
  const place = document.getElementById("said");
  place.textContent = text;
  place.className = isTrouble ? "said trouble" : "said";
  clearTimeout(say.timer);
  say.timer = setTimeout(() => (place.textContent = ""), isTrouble ? 12000 : 5000);
}
