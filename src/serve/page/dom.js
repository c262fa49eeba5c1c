// Elements without markup in strings: text stays text, whatever a stream is called.

export function byId(id) {
  return document.getElementById(id);
}

// h("p", {class: "note", hidden: true, onclick: f}, "text", element, ...)
export function h(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// A select of [value, text] pairs.
export function fillSelect(select, choices, value) {
  select.replaceChildren(...choices.map(([choice, text]) => h("option", {value: choice}, text)));
  select.value = value;
}

// Radio buttons that look like one control.
export function fillSegments(fieldset, name, choices, change) {
  for (const [value, text, title] of choices) {
    const input = h("input", {type: "radio", name, value, onchange: () => change(value)});
    fieldset.append(h("label", {title}, input, h("span", {}, text)));
  }
}

export function setSegment(fieldset, value) {
  for (const input of fieldset.querySelectorAll("input")) input.checked = input.value === value;
}

export function save(blob, name) {
  const link = h("a", {href: URL.createObjectURL(blob), download: name});
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
