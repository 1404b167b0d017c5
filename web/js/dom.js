/** Makes an element; properties that are functions become listeners, `data` and `aria` are spread out. */
export const element = (tag, properties = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (typeof value === 'function') made.addEventListener(name, value);
    else if (name === 'class') made.className = value;
    else if (name === 'data') Object.assign(made.dataset, value);
    else made.setAttribute(name, value === true ? '' : String(value));
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
};

export const byId = (id) => document.getElementById(id);

/** Writes text only where it differs, so that selections and screen readers are left in peace. */
export const setText = (node, text) => {
  const wanted = String(text);
  if (node.textContent !== wanted) node.textContent = wanted;
};

export const setAttribute = (node, name, value) => {
  if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value))
    node.setAttribute(name, value === true ? '' : String(value));
};

/**
 * Keeps one child per item, in order, and updates it in place: focus and open menus outlive each second's update.
 * @param create (key) => ({ node, update(item) })
 */
export const keyedList = (parent, create) => {
  const kept = new Map();
  return (items, keyOf) => {
    const keys = new Set(items.map(keyOf));
    for (const [key, { node }] of kept) {
      if (keys.has(key)) continue;
      node.remove();
      kept.delete(key);
    }
    items.forEach((item, index) => {
      const key = keyOf(item);
      let entry = kept.get(key);
      if (!entry) {
        entry = create(key);
        kept.set(key, entry);
      }
      if (parent.children[index] !== entry.node)
        parent.insertBefore(entry.node, parent.children[index] ?? null);
      entry.update(item);
    });
  };
};

/** Sets the options of a select when they differ, and keeps the choice where it is still there. */
export const setOptions = (select, options) => {
  const wanted = JSON.stringify(options);
  if (select.dataset.options === wanted) return;
  select.dataset.options = wanted;
  const chosen = select.value;
  select.replaceChildren(...options.map(([value, label]) => element('option', { value }, label)));
  if (options.some(([value]) => value === chosen)) select.value = chosen;
};
