// Elements of the page by their id, and new ones.

export const element = (id) => document.getElementById(id);

export function made(name, properties = {}, ...children) {
  const one = Object.assign(document.createElement(name), properties);
  one.append(...children);
  return one;
}

// How a class is told to people; files and the service know it by its name alone.
export const inWords = (name) => name.replaceAll("_", " ");
export const partInWords = (name) => (name === "rest" ? "no part" : inWords(name));

// Of SVG; shapes have attributes and no properties.
export function drawn(name, attributes, ...children) {
  const one = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) one.setAttribute(key, value);
  one.append(...children);
  return one;
}
