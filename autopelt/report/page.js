/* What every part of the page's script uses: what Python knows, small parts, colours.
   The parts are joined inside one function, in the order of `SCRIPTS` in page.py.
   All text goes into the page through textContent; figures get text that Python has escaped. */

/* What a script element holds: as it is, or as gzip in base64 where its type is text/plain. */
async function contents(id) {
  const node = document.getElementById(id);
  if (node.type !== 'text/plain') return node.textContent;
  const bytes = Uint8Array.from(atob(node.textContent), (c) => c.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).text();
}

const study = JSON.parse(await contents('study').catch(() => '{"unread": true, "trials": [], "figures": [], "csv": ""}'));
const trials = new Map(study.trials.map((t) => [t.number, t]));
const root = document.documentElement;
const panel = document.getElementById('panel');
const said = document.getElementById('said');
let selected = null; // the trial that is shown in all cards
let pinned = null; // the one that it is compared with
let passed = null; // those that the filters let through, or null for all

// ------------------------------------------------------------------ small parts
function make(tag, attributes, ...children) {
  const svg = ['svg', 'polyline', 'circle'].includes(tag);
  const node = svg ? document.createElementNS('http://www.w3.org/2000/svg', tag) : document.createElement(tag);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key === 'text') node.textContent = value;
    else if (key === 'on') for (const [name, f] of Object.entries(value)) node.addEventListener(name, f);
    else node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

/* A value that outlives the page (`localStorage`), or outlives its being loaded again (`sessionStorage`). */
function remember(key, value, where = 'localStorage') {
  try {
    if (value === undefined) return window[where].getItem(key);
    window[where].setItem(key, value);
  } catch (error) { /* private windows and some file: pages have no storage */ }
  return null;
}

async function copy(button, text) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch (error) {
    const area = make('textarea', { text });
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
    button.focus();
  }
  button.textContent = 'Copied';
  setTimeout(() => { button.textContent = before; }, 1400);
}

function download(name, text) {
  const link = make('a', { href: URL.createObjectURL(new Blob([text], { type: 'text/csv' })), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/* Ends once the page was painted, so that it can be used before what comes next is worked out.
   A page in the background is not painted; it goes on after a moment. */
function painted() {
  return new Promise((next) => {
    setTimeout(next, document.hidden ? 0 : 200);
    requestAnimationFrame(() => setTimeout(next, 0));
  });
}

// ------------------------------------------------------------------ theme
const probe = make('span', { style: 'display:none' });
document.body.append(probe);
let colours = {};

function colour(name) {
  if (!(name in colours)) {
    if (name === 'var(--font)') {
      colours[name] = getComputedStyle(root).getPropertyValue('--font').trim();
    } else {
      probe.style.color = name;
      colours[name] = getComputedStyle(probe).color;
    }
  }
  return colours[name];
}

function resolved(value) {
  if (typeof value === 'string') return /^var\(--[a-z]+\)$/.test(value) ? colour(value) : value;
  if (Array.isArray(value)) return value.map(resolved);
  if (value && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, resolved(v)]));
  }
  return value;
}

function dark() {
  return root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
}

function repaint() {
  colours = {};
  study.figures.filter((figure) => element(figure).dataset.drawn).forEach((figure) => draw(figure));
  show(selected === null ? study.best : selected);
}

const kept = remember('autopelt-theme');
if (kept === 'light' || kept === 'dark') root.dataset.theme = kept;
document.getElementById('theme').addEventListener('click', () => {
  root.dataset.theme = dark() ? 'light' : 'dark';
  remember('autopelt-theme', root.dataset.theme);
  repaint();
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', repaint);
