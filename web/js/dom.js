/**
 * @typedef {string | number | boolean | null | undefined} Value
 * @typedef {Event & { currentTarget: HTMLButtonElement }} Pressed
 * @typedef {(event: Pressed) => unknown} Listener
 */

/**
 * Makes an element; properties that are functions become listeners.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, Value | Listener>} properties
 * @param {(string | Node | null | undefined)[]} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export const element = (tag, properties = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (typeof value === 'function')
      made.addEventListener(name, /** @type {EventListener} */ (/** @type {unknown} */ (value)));
    else if (name === 'class') made.className = String(value);
    else made.setAttribute(name, value === true ? '' : String(value));
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
};

/**
 * The element of the page with this id.
 * @overload
 * @param {string} id
 * @returns {HTMLElement}
 */
/**
 * @template {HTMLElement} T
 * @overload
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
/**
 * @param {string} id
 * @param {new () => HTMLElement} kind
 */
export function byId(id, kind = HTMLElement) {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`The page has no ${kind.name} ${id}.`);
}

/**
 * The first element within another that a selector names.
 * @template {HTMLElement} T
 * @param {ParentNode} parent
 * @param {string} selector
 * @param {new () => T} kind
 */
export const within = (parent, selector, kind) => {
  const found = parent.querySelector(selector);
  if (found instanceof kind) return found;
  throw new Error(`The page has no ${selector}.`);
};

/**
 * Writes text only where it differs, so that selections and screen readers are left in peace.
 * @param {Node} node
 * @param {string | number} text
 */
export const setText = (node, text) => {
  const wanted = String(text);
  if (node.textContent !== wanted) node.textContent = wanted;
};

/**
 * @param {Element} node
 * @param {string} name
 * @param {Value} value
 */
export const setAttribute = (node, name, value) => {
  if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value))
    node.setAttribute(name, value === true ? '' : String(value));
};

/**
 * Keeps one child per item, in order, and updates it in place: focus and open menus outlive each second's update.
 * @template T
 * @template {string} K
 * @param {Element} parent
 * @param {(key: K) => { node: Element, update(item: T): void }} create
 */
export const keyedList = (parent, create) => {
  /** @type {Map<K, { node: Element, update(item: T): void }>} */
  const entries = new Map();
  /**
   * @param {readonly T[]} items
   * @param {(item: T) => K} keyOf
   */
  const show = (items, keyOf) => {
    const keys = new Set(items.map(keyOf));
    for (const [key, { node }] of entries) {
      if (keys.has(key)) continue;
      node.remove();
      entries.delete(key);
    }
    items.forEach((item, index) => {
      const key = keyOf(item);
      const entry = entries.get(key) ?? create(key);
      entries.set(key, entry);
      if (parent.children[index] !== entry.node)
        parent.insertBefore(entry.node, parent.children[index] ?? null);
      entry.update(item);
    });
  };
  return show;
};

/**
 * Sets the options of a select when they differ, and keeps the choice where it is still there.
 * @param {HTMLSelectElement} select
 * @param {[value: string, label: string][]} options
 */
export const setOptions = (select, options) => {
  const wanted = JSON.stringify(options);
  if (select.dataset.options === wanted) return;
  select.dataset.options = wanted;
  const chosen = select.value;
  select.replaceChildren(...options.map(([value, label]) => element('option', { value }, label)));
  if (options.some(([value]) => value === chosen)) select.value = chosen;
};
