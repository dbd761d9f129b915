// ------------------------------------------------------------------ while the search runs
/* A page that is still being written loads itself again: soon after the search wrote it, more rarely
   where nothing changes, and never while someone is reading a point, marking text or typing. Where the
   reader was, and what was filtered, sorted and opened, stays. */
const live = document.querySelector('[data-live]');
const PLACE = 'autopelt-place ' + location.pathname;
const place = JSON.parse(remember(PLACE, undefined, 'sessionStorage') || '{}');
const [SOONEST, LATEST, STILL] = [5000, 60000, 4000]; // milliseconds
let touched = 0;

function focusable(node) {
  return [...node.querySelectorAll('a, button, input, summary, [tabindex]')];
}

function keepPlace() {
  const held = document.activeElement.closest('[id]');
  Object.assign(place, {
    scroll: scrollY,
    filters,
    sorted: [...document.querySelectorAll('th[aria-sort]')].map((th) => [th.closest('table').id, th.cellIndex, th.getAttribute('aria-sort')]),
    open: [...document.querySelectorAll('details')].map((d) => d.open),
    focus: held && [held.id, focusable(held).indexOf(document.activeElement), document.activeElement.dataset.pick],
    written: document.lastModified,
    wait: place.written === document.lastModified ? Math.min(place.wait * 1.5, LATEST) : SOONEST,
  });
  remember(PLACE, JSON.stringify(place), 'sessionStorage');
}

function restorePlace() {
  if (place.scroll === undefined) return;
  if (tools) filter(place.filters);
  place.sorted.forEach(([id, column, order]) => {
    const head = (document.getElementById(id) || { rows: [] }).rows[0];
    const th = head && head.cells[column];
    for (let i = 0; th && i < 2 && th.getAttribute('aria-sort') !== order; i += 1) sort(th.closest('table'), th.querySelector('button'));
  });
  document.querySelectorAll('details').forEach((d, i) => { d.open = Boolean(place.open[i]); });
  scrollTo({ top: place.scroll, behavior: 'instant' });
  const held = place.focus && document.getElementById(place.focus[0]);
  const node = held && (held.querySelector(`[data-pick="${place.focus[2]}"]`) || focusable(held)[place.focus[1]] || held);
  if (node) node.focus({ preventScroll: true });
}

function again() {
  const reading = Date.now() - touched < STILL || document.hidden || document.querySelector('.hovertext')
    || !getSelection().isCollapsed;
  if (place.paused || reading) return setTimeout(again, 1000);
  keepPlace();
  return location.reload();
}

restorePlace();
if (live) {
  ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchmove'].forEach((name) => {
    addEventListener(name, () => { touched = Date.now(); }, { passive: true });
  });
  const words = () => (place.paused ? 'Go on' : 'Pause');
  const button = make('button', { type: 'button', class: 'copy', text: words() });
  button.addEventListener('click', () => {
    place.paused = !place.paused;
    button.textContent = words();
    keepPlace();
  });
  live.append(' ', button);
}

