/** Controls that a screen reader can't name. */
const namelessControls = () =>
  [...document.querySelectorAll('button, select, a[href], video')]
    .filter((node) => node.getClientRects().length > 0)
    .filter((node) => {
      const label = node.getAttribute('aria-label') ?? node.textContent ?? '';
      return label.trim() === '' && node.closest('label') === null;
    })
    .map((node) => node.outerHTML);

/** Texts whose contrast with their ground is below 4.5 to 1 (WCAG 2.2, 1.4.3). */
const faintTexts = () => {
  const luminance = (colour) => {
    const [r, g, b] = colour
      .match(/[\d.]+/g)
      .slice(0, 3)
      .map((part) => {
        const c = Number(part) / 255;
        return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
      });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (node) => {
    for (let n = node; n; n = n.parentElement) {
      const colour = window.getComputedStyle(n).backgroundColor;
      if (/^rgb\(/.test(colour)) return colour;
    }
    return 'rgb(0, 0, 0)';
  };
  return [...document.querySelectorAll('main *, header *')]
    .filter((n) => [...n.childNodes].some((c) => c.nodeType === 3 && c.textContent.trim()))
    .filter((n) => n.getClientRects().length > 0 && n.closest('.screen') === null)
    .map((n) => {
      const [a, b] = [luminance(window.getComputedStyle(n).color), luminance(ground(n))];
      return { text: n.textContent, ratio: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) };
    })
    .filter(({ ratio }) => ratio < 4.5);
};

/** Amber points of the chart with this name: the colour of the titles of known events. */
const amberPoints = (name) => {
  const figure = [...document.querySelectorAll('#charts figure')].find(
    (node) => node.querySelector('b').textContent === name,
  );
  const canvas = figure.querySelector('canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let found = 0;
  for (let i = 0; i < data.length; i += 4) {
    const [red, green, blue, alpha] = data.slice(i, i + 4);
    if (alpha > 0 && red > 200 && green > 150 && blue < 120) found += 1;
  }
  return found;
};

module.exports = { amberPoints, namelessControls, faintTexts };
