// ------------------------------------------------------------------ contents
const bar = document.querySelector('.contents ol');
const links = new Map([...document.querySelectorAll('.contents a')].map((a) => [a.hash.slice(1), a]));
const seen = new Set();
const watcher = new IntersectionObserver((entries) => {
  entries.forEach((entry) => (entry.isIntersecting ? seen.add(entry.target.id) : seen.delete(entry.target.id)));
  const current = [...links.keys()].find((id) => seen.has(id));
  links.forEach((a, id) => (id === current ? a.setAttribute('aria-current', 'true') : a.removeAttribute('aria-current')));
  // In a narrow window the contents are a bar; the current card stays in sight there.
  if (current) bar.scrollLeft = links.get(current).offsetLeft - bar.clientWidth / 3;
}, { rootMargin: '-20% 0px -60% 0px' });
document.querySelectorAll('.card').forEach((card) => watcher.observe(card));

// ------------------------------------------------------------------ start
/* plotly.js lies in the page, its fingerprint in the content security policy. Where several pages share
   one, it comes from beside the page, and nothing lies here. */
const plotly = document.getElementById('plotly').dataset;

async function unpack() {
  if (plotly.src) {
    const shared = make('script', { src: plotly.src });
    document.head.append(shared);
    await new Promise((done) => ['load', 'error'].forEach((name) => shared.addEventListener(name, done)));
  } else document.head.append(make('script', { text: await contents('plotly') }));
  if (!window.Plotly) throw new Error('plotly.js was not run');
}

function withoutFigures() {
  const needed = plotly.src && !study.unread ? `${plotly.src}, which lay beside this page's folder` : 'a browser of 2023 or later';
  document.querySelectorAll('.figures').forEach((figures) => figures.replaceChildren(
    make('p', { class: 'note', text: `Figures need ${needed}; the numbers are in the table below.` }),
  ));
  document.querySelectorAll('details').forEach((details) => { details.open = true; });
  study.figures = [];
}

panel.classList.add('resting');
show(study.best);
fromAddress();
await painted();
if (study.unread) withoutFigures();
else await unpack().catch(withoutFigures);
await drawWhenSeen();
document.body.dataset.ready = 'yes';
if (live) setTimeout(again, place.wait || SOONEST); // not before there is something to see
