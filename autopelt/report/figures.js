// ------------------------------------------------------------------ figures
const config = { responsive: true, displayModeBar: false };

function element(figure) {
  return document.getElementById('figure-' + figure.key);
}

/* A ring for the selected trial and a square for the pinned one, nowhere at first. */
function withRing(figure) {
  const data = figure.data.slice();
  if ((figure.layout.meta || {}).select === 'ring') {
    data.push({
      type: 'scatter', mode: 'markers', x: [null, null], y: [null, null], hoverinfo: 'skip', showlegend: false, cliponaxis: false,
      marker: { symbol: ['circle-open', 'square-open'], size: 22, color: 'var(--ink)', line: { width: 2, color: 'var(--ink)' } },
      meta: { ring: true },
    });
  }
  return data;
}

/* Draws a figure, or draws it again. `data-drawn` says how far that is. */
function draw(figure) {
  if (!window.Plotly) return Promise.resolve();
  const node = element(figure);
  const layout = resolved(figure.layout);
  layout.meta = figure.layout.meta;
  // A mouse may drag a rectangle to zoom (double click: back); a finger must be able to scroll.
  layout.dragmode = matchMedia('(pointer: coarse)').matches ? false : 'zoom';
  const first = !node.dataset.drawn;
  node.dataset.drawn = 'begun';
  node.labelled = '';
  return Plotly.react(node, resolved(withRing(figure)), layout, config).then(() => {
    if (first) {
      node.on('plotly_click', (event) => {
        const number = event.points
          .map((p) => (p.customdata === undefined ? (p.data.meta || {}).trial : p.customdata))
          .find((n) => trials.has(n));
        if (number !== undefined) select(number);
      });
      node.on('plotly_afterplot', () => placeLabels(figure, node));
      node.addEventListener('keydown', (event) => step(event, figure));
    }
    placeLabels(figure, node);
    mark(figure);
    const order = document.querySelector('[data-order="' + figure.key + '"][aria-pressed="true"]');
    if (order) colourByOrder(figure, true);
    node.dataset.drawn = 'yes';
  });
}

/* The first figure is drawn at once, the others when they come near the window, one after another;
   between two the page moves. */
const near = new Set();
let drawing = false;

async function drawNear() {
  if (drawing) return;
  drawing = true;
  for (const figure of near) {
    near.delete(figure);
    if (!element(figure).dataset.drawn) await draw(figure).catch(console.error);
    await new Promise((next) => { setTimeout(next, 0); });
  }
  drawing = false;
}

function drawWhenSeen() {
  const figures = new Map(study.figures.map((figure) => [element(figure), figure]));
  const watch = new IntersectionObserver((entries) => {
    entries.filter((entry) => entry.isIntersecting).forEach((entry) => {
      near.add(figures.get(entry.target));
      watch.unobserve(entry.target);
    });
    drawNear();
  }, { rootMargin: '400px 0px' });
  figures.forEach((figure, node) => watch.observe(node));
  study.figures.slice(0, 1).forEach((figure) => near.add(figure));
  return drawNear();
}

/* Paper is light, shows no more than is on it, and all of it. */
function printing(on) {
  if (!window.Plotly) return;
  const theme = root.dataset.theme;
  if (on) {
    root.dataset.screen = theme || '';
    root.dataset.theme = 'light';
  } else if (root.dataset.screen) root.dataset.theme = root.dataset.screen;
  else delete root.dataset.theme;
  root.classList.toggle('printing', on);
  colours = {};
  study.figures.forEach((figure) => {
    if (!on && !element(figure).dataset.drawn) return;
    draw(figure);
    Plotly.relayout(element(figure), { autosize: true }); // at once; Plotly's own resizing waits
  });
}
addEventListener('beforeprint', () => printing(true));
addEventListener('afterprint', () => printing(false));

/* Arrow keys walk through a figure's trials from left to right. */
function step(event, figure) {
  const move = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!move) return;
  const places = new Map((figure.layout.meta.trials || []).map((n, i) => [n, i]));
  figure.data.forEach((trace) => {
    const own = (trace.meta || {}).trial;
    if (trials.has(own)) places.set(own, own);
    (trace.customdata || []).forEach((n, i) => {
      if (trials.has(n) && !places.has(n)) places.set(n, (trace.base || trace.x)[i]);
    });
  });
  const order = [...places.keys()].sort((a, b) => places.get(a) - places.get(b) || a - b);
  if (!order.length) return;
  event.preventDefault();
  const at = order.indexOf(selected);
  select(order[at < 0 ? (move > 0 ? 0 : order.length - 1) : (at + move + order.length) % order.length]);
}

/* Names beside points: each goes to the first free of eight places, or stays away. */
function placeLabels(figure, node) {
  const wanted = (figure.layout.meta || {}).labels || [];
  const full = node._fullLayout;
  if (!wanted.length || !full || !full.xaxis) return;
  const { xaxis, yaxis } = full;
  const signature = [xaxis._length, yaxis._length, xaxis.range, yaxis.range, dark()].join();
  if (node.labelled === signature) return;
  node.labelled = signature;
  const pen = make('canvas').getContext('2d');
  pen.font = '12px ' + colour('var(--font)');
  const spot = (x, y) => [xaxis.d2p(x), yaxis.d2p(y)];
  const taken = [];
  figure.data.forEach((trace) => {
    if (trace.mode !== 'markers') return;
    trace.x.forEach((x, i) => {
      const [px, py] = spot(x, trace.y[i]);
      taken.push([px - 6, py - 6, px + 6, py + 6]);
    });
  });
  // Lines may be crossed where nothing else is free; points and other names never.
  const lines = ((figure.layout.meta || {}).lines || []).map((x) => {
    const px = xaxis.d2p(x);
    return [px - 2, 0, px + 2, yaxis._length];
  });
  figure.data.forEach((trace) => {
    if (trace.mode !== 'lines') return;
    for (let i = 1; i < trace.x.length; i += 1) {
      const [ax, ay] = spot(trace.x[i - 1], trace.y[i - 1]);
      const [bx, by] = spot(trace.x[i], trace.y[i]);
      lines.push([ax, ay - 2, bx, ay + 2], [bx - 2, Math.min(ay, by), bx + 2, Math.max(ay, by)]);
    }
  });
  const hits = (box, others) => others.some((t) => box[0] < t[2] && t[0] < box[2] && box[1] < t[3] && t[1] < box[3]);
  const notes = resolved(figure.layout.annotations || []);
  const log = xaxis.type === 'log';
  wanted.forEach((label) => {
    const [px, py] = spot(label.x, label.y);
    const w = pen.measureText(label.text).width + 4;
    const places = [
      [9, 0], [-9 - w, 0], [-w / 2, -17], [-w / 2, 17],
      [7, -13], [7, 13], [-7 - w, -13], [-7 - w, 13],
    ];
    const boxes = places.map(([dx, dy]) => [px + dx, py + dy - 7, px + dx + w, py + dy + 7]);
    const free = (box) => box[0] >= 0 && box[2] <= xaxis._length && box[1] >= 0 && box[3] <= yaxis._length && !hits(box, taken);
    let best = boxes.findIndex((box) => free(box) && !hits(box, lines));
    if (best < 0) best = boxes.findIndex(free);
    if (best >= 0) {
      const [dx, dy] = places[best];
      taken.push(boxes[best]);
      notes.push({
        x: log ? Math.log10(label.x) : label.x, y: label.y, text: escaped(label.text), showarrow: false,
        xanchor: 'left', yanchor: 'middle', xshift: dx, yshift: -dy, borderpad: 0,
        font: { size: 12, color: colour('var(--ink)') },
      });
    }
  });
  Plotly.relayout(node, { annotations: notes });
}

function escaped(text) {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/%{/g, '%&#123;');
}

/* Shows the selected and the pinned trial in one figure: a ring around its point, or its line before
   the others. What the filters hold back stays as a shadow. */
function mark(figure) {
  const node = element(figure);
  if (!node.data) return;
  const kind = (figure.layout.meta || {}).select;
  const chosen = (number) => number !== undefined && (number === selected || number === pinned);
  const shadow = (number) => passed !== null && trials.has(number) && !passed.has(number);
  if (kind === 'ring') {
    const places = [selected, pinned].map((number) => {
      let place = [null, null];
      figure.data.forEach((trace) => {
        const i = number === null || !trace.customdata ? -1 : trace.customdata.indexOf(number);
        if (i >= 0) place = [trace.x[i], trace.y[i]];
      });
      return place;
    });
    Plotly.restyle(node, { x: [places.map((p) => p[0])], y: [places.map((p) => p[1])] }, [node.data.length - 1]);
    const points = figure.data.map((t, i) => [t, i]).filter(([t]) => t.customdata);
    Plotly.restyle(node, {
      'marker.opacity': points.map(([t]) => (passed === null ? (t.marker || {}).opacity || 1 : t.customdata.map((n) => (shadow(n) ? 0.12 : 1)))),
    }, points.map(([, i]) => i));
  } else if (kind === 'trace') {
    const mine = (t) => chosen((t.meta || {}).trial);
    const has = figure.data.some(mine);
    const clear = (t) => (shadow((t.meta || {}).trial) ? 0.05 : !has || mine(t) || !t.meta ? 1 : 0.22);
    Plotly.restyle(node, {
      opacity: figure.data.map(clear),
      'line.width': figure.data.map((t) => (has && mine(t) ? 3.5 : (t.line || {}).width)),
    });
  } else if (kind === 'bar') {
    const has = figure.data.some((t) => t.customdata.some(chosen));
    const opacity = (n) => (shadow(n) ? 0.1 : !has || chosen(n) ? 1 : 0.3);
    Plotly.restyle(node, { 'marker.opacity': figure.data.map((t) => t.customdata.map(opacity)) });
  } else if (kind === 'row') {
    const base = resolved(figure.layout.shapes || []);
    const rows = figure.layout.meta.trials || [];
    [[selected, 'solid'], [pinned, 'dot']].forEach(([number, dash]) => {
      const row = rows.indexOf(number);
      if (row < 0) return;
      base.push({
        type: 'rect', xref: 'paper', yref: 'y', x0: 0, x1: 1, y0: row - 0.5, y1: row + 0.5,
        line: { color: colour('var(--ink)'), width: 2, dash }, fillcolor: 'rgba(0,0,0,0)',
      });
    });
    Plotly.relayout(node, { shapes: base });
  }
}

/* Light to dark from the first to the last trial; symbols keep saying what a point is. */
function colourByOrder(figure, on) {
  if (!on) return draw(figure);
  const node = element(figure);
  if (!node.data) return Promise.resolve();
  const last = Math.max(1, ...trials.keys());
  const scale = dark()
    ? [[0, '#3b4a6b'], [0.5, '#8f9a6e'], [1, '#ffe680']]
    : [[0, '#e3c84b'], [0.5, '#7c8a78'], [1, '#00306f']];
  const places = figure.data.map((t, i) => [t, i]).filter(([t]) => t.mode === 'markers').map(([, i]) => i);
  return Plotly.restyle(node, {
    'marker.color': places.map((i) => figure.data[i].customdata),
    'marker.colorscale': places.map(() => scale),
    'marker.cmin': 0,
    'marker.cmax': last,
  }, places);
}

document.querySelectorAll('[data-order]').forEach((button) => button.addEventListener('click', () => {
  const on = button.getAttribute('aria-pressed') !== 'true';
  button.setAttribute('aria-pressed', String(on));
  colourByOrder(study.figures.find((f) => f.key === button.dataset.order), on);
}));

