/* Draws the figures and ties the cards together: one selected trial, one theme, sortable tables.
   All text goes into the page through textContent; figures get text that Python has escaped. */
(async function () {
  'use strict';

  /* What a script element holds: as it is, or as gzip in base64 where its type is text/plain. */
  async function contents(id) {
    const node = document.getElementById(id);
    if (node.type !== 'text/plain') return node.textContent;
    const bytes = Uint8Array.from(atob(node.textContent), (c) => c.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).text();
  }

  const study = JSON.parse(await contents('study').catch(() => '{"trials": [], "figures": [], "csv": ""}'));
  const trials = new Map(study.trials.map((t) => [t.number, t]));
  const root = document.documentElement;
  const panel = document.getElementById('panel');
  let selected = null;
  let repainting = false;

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

  function remember(key, value) {
    try {
      if (value === undefined) return localStorage.getItem(key);
      localStorage.setItem(key, value);
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
    }
    button.textContent = 'Copied';
    setTimeout(() => { button.textContent = before; }, 1400);
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
    repainting = true;
    Promise.all(study.figures.map(draw)).then(() => { repainting = false; });
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

  // ------------------------------------------------------------------ figures
  const config = { responsive: true, displayModeBar: false };

  function element(figure) {
    return document.getElementById('figure-' + figure.key);
  }

  function withRing(figure) {
    const data = figure.data.slice();
    if ((figure.layout.meta || {}).select === 'ring') {
      data.push({
        type: 'scatter', mode: 'markers', x: [null], y: [null], hoverinfo: 'skip', showlegend: false, cliponaxis: false,
        marker: { symbol: 'circle-open', size: 22, color: 'var(--ink)', line: { width: 2, color: 'var(--ink)' } },
        meta: { ring: true },
      });
    }
    return data;
  }

  function draw(figure) {
    if (!window.Plotly) return Promise.resolve();
    const node = element(figure);
    const layout = resolved(figure.layout);
    layout.meta = figure.layout.meta;
    // A mouse may drag a rectangle to zoom (double click: back); a finger must be able to scroll.
    layout.dragmode = matchMedia('(pointer: coarse)').matches ? false : 'zoom';
    const first = !node.dataset.drawn;
    node.dataset.drawn = 'yes';
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
      if (order && repainting) colourByOrder(figure, true);
    });
  }

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

  /* Shows the selected trial in one figure: a ring around its point, or its line before the others. */
  function mark(figure) {
    const node = element(figure);
    if (!node.data) return;
    const kind = (figure.layout.meta || {}).select;
    if (kind === 'ring') {
      let place = [null, null];
      figure.data.forEach((trace) => {
        const i = selected === null || !trace.customdata ? -1 : trace.customdata.indexOf(selected);
        if (i >= 0) place = [trace.x[i], trace.y[i]];
      });
      Plotly.restyle(node, { x: [[place[0]]], y: [[place[1]]] }, [node.data.length - 1]);
    } else if (kind === 'trace') {
      const mine = (t) => (t.meta || {}).trial === selected;
      const has = figure.data.some(mine);
      Plotly.restyle(node, {
        opacity: figure.data.map((t) => (!has || mine(t) || !t.meta ? 1 : 0.22)),
        'line.width': figure.data.map((t) => (has && mine(t) ? 3.5 : (t.line || {}).width)),
      });
    } else if (kind === 'bar') {
      const has = figure.data.some((t) => t.customdata.includes(selected));
      const opacity = (n) => (!has || n === selected ? 1 : 0.3);
      Plotly.restyle(node, { 'marker.opacity': figure.data.map((t) => t.customdata.map(opacity)) });
    } else if (kind === 'row') {
      const row = (figure.layout.meta.trials || []).indexOf(selected);
      const base = resolved(figure.layout.shapes || []);
      if (row >= 0) {
        base.push({
          type: 'rect', xref: 'paper', yref: 'y', x0: 0, x1: 1, y0: row - 0.5, y1: row + 0.5,
          line: { color: colour('var(--ink)'), width: 2 }, fillcolor: 'rgba(0,0,0,0)',
        });
      }
      Plotly.relayout(node, { shapes: base });
    }
  }

  /* Light to dark from the first to the last trial; symbols keep saying what a point is. */
  function colourByOrder(figure, on) {
    if (!on) return draw(figure);
    const node = element(figure);
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
      'marker.opacity': 1,
    }, places);
  }

  document.querySelectorAll('[data-order]').forEach((button) => button.addEventListener('click', () => {
    const on = button.getAttribute('aria-pressed') !== 'true';
    button.setAttribute('aria-pressed', String(on));
    colourByOrder(study.figures.find((f) => f.key === button.dataset.order), on);
  }));

  // ------------------------------------------------------------------ the selected trial
  function select(number) {
    selected = number;
    show(number === null ? study.best : number);
    panel.classList.toggle('resting', number === null);
    document.querySelectorAll('tr[data-trial]').forEach((row) => {
      if (Number(row.dataset.trial) === number) row.setAttribute('aria-selected', 'true');
      else row.removeAttribute('aria-selected');
    });
    study.figures.forEach(mark);
    const address = number === null ? location.pathname + location.search : '#trial-' + number;
    try { history.replaceState(null, '', address); } catch (error) { /* sandboxed frames */ }
  }

  function show(number) {
    const trial = trials.get(number);
    panel.hidden = !trial;
    if (!trial) return;
    const values = [
      [study.metric, trial.score], ...trial.beliefs, ['share of the backbone', trial.share], ['deployed parameters', trial.deployed],
      ['trained parameters', trial.trained], ...trial.metrics, ['id', trial.id],
    ];
    const list = make('dl');
    values.forEach(([name, value]) => list.append(make('dt', { text: name }), make('dd', { text: value })));
    const copying = { click: (event) => copy(event.target, yaml(trial)) };
    const copyYaml = make('button', { type: 'button', class: 'copy', text: 'Copy as YAML', on: copying });
    const closing = { click: () => select(null) };
    const close = make('button', { type: 'button', class: 'quiet close', 'aria-label': 'Close', text: '×', on: closing });
    const best = number === study.best ? study.best_words : '';
    panel.replaceChildren(
      close, make('h2', { text: trial.title }),
      make('p', { class: 'remark', text: [best, trial.remark].filter(Boolean).join(' · ') }),
      list,
    );
    if (trial.reason) panel.append(make('p', { class: 'why', text: trial.reason }));
    if (trial.log) panel.append(make('p', { class: 'log' }, make('span', { text: 'last log line' }), make('code', { text: trial.log })));
    panel.append(make('h3', { text: 'Architecture' }), make('p', { class: 'words', text: trial.words }));
    const sites = siteTable(trial);
    if (sites) panel.append(make('h3', { text: 'Size by layer' }), sites);
    if (trial.scores.length > 1) panel.append(make('h3', { text: study.metric + ' by epoch' }), spark(trial.scores));
    panel.append(make('div', { class: 'actions' }, copyYaml));
  }

  /* The architecture as autopelt reads it; a JSON value is a YAML value. */
  function yaml(trial) {
    const lines = ['id: ' + JSON.stringify(trial.id)];
    if (trial.full) lines.push('full: true');
    if (trial.rate !== 1) lines.push('learning_rate_multiplier: ' + trial.rate);
    lines.push(trial.modules.length ? 'modules:' : 'modules: []');
    trial.modules.forEach(([method, location, layer, size, gate, alpha, mlp, start]) => {
      const row = { layer, method, location, size, gate, alpha, mlp, start };
      const parts = Object.entries(row).filter(([, v]) => v !== null);
      lines.push('  - {' + parts.map(([k, v]) => k + ': ' + JSON.stringify(v)).join(', ') + '}');
    });
    return lines.join('\n') + '\n';
  }

  function siteTable(trial) {
    const inLayers = trial.modules.filter((m) => m[2] !== null);
    if (!inLayers.length) return null;
    const layers = Math.max(study.layers, ...inLayers.map((m) => m[2] + 1));
    if (layers > 48) return null;
    const rows = new Map();
    inLayers.forEach((m) => {
      const where = m[1].split('.').pop();
      const key = study.methods[m[0]] + (where === 'ffn' || where === 'attention' ? '' : ' ' + where);
      if (!rows.has(key)) rows.set(key, new Map());
      rows.get(key).set(m[2], m);
    });
    const head = make('tr', {}, make('th', { scope: 'row', text: 'layer' }));
    const wide = layers <= 12;
    for (let layer = 0; layer < layers; layer += 1) {
      head.append(make('th', { scope: 'col', text: wide || layer % 4 === 0 ? layer : '' }));
    }
    const body = make('tbody');
    rows.forEach((cells, key) => {
      const line = make('tr', {}, make('th', { scope: 'row', text: key }));
      for (let layer = 0; layer < layers; layer += 1) {
        const m = cells.get(layer);
        const box = make('span', { text: m && wide ? m[3] : '' });
        if (m) {
          const [tint, pattern] = study.looks[m[0]];
          box.dataset.pattern = pattern;
          box.style.backgroundColor = 'color-mix(in srgb, ' + tint + ' ' + (wide ? 38 : 65) + '%, transparent)';
          box.title = key + ', layer ' + layer + ', size ' + m[3] + (m[4] ? ', gated' : '');
          if (m[4] && wide) box.className = 'gated';
        }
        line.append(make('td', {}, box));
      }
      body.append(line);
    });
    return make('table', { class: wide ? 'sites' : 'sites narrow' }, make('thead', {}, head), body);
  }

  function spark(values) {
    const low = Math.min(...values);
    const high = Math.max(...values);
    const at = (v, i) => [4 + (i * 292) / (values.length - 1), 50 - ((v - low) / (high - low || 1)) * 42];
    const svg = make('svg', { class: 'spark', viewBox: '0 0 300 56', preserveAspectRatio: 'none', role: 'img', 'aria-label': 'from ' + values[0].toFixed(3) + ' to ' + values[values.length - 1].toFixed(3) });
    svg.append(make('polyline', { points: values.map((v, i) => at(v, i).join()).join(' '), fill: 'none', stroke: 'var(--blue)', 'stroke-width': 2, 'vector-effect': 'non-scaling-stroke' }));
    return svg;
  }

  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && selected !== null) select(null);
  });
  document.addEventListener('click', (event) => {
    const row = event.target.closest('tr[data-trial]');
    if (row) select(Number(row.dataset.trial));
    const button = event.target.closest('[data-copy]');
    if (button) copy(button, button.dataset.copy);
  });

  // ------------------------------------------------------------------ tables
  document.querySelectorAll('table.sortable').forEach((table) => {
    table.tHead.addEventListener('click', (event) => {
      const button = event.target.closest('[data-sort-column]');
      if (button) sort(table, button);
    });
  });

  function sort(table, button) {
    const head = button.closest('th');
    const column = Number(button.dataset.sortColumn);
    const start = head.classList.contains('number') && column > 0 ? 'descending' : 'ascending';
    const other = { ascending: 'descending', descending: 'ascending' };
    const order = head.hasAttribute('aria-sort') ? other[head.getAttribute('aria-sort')] : start;
    table.querySelectorAll('th').forEach((th) => th.removeAttribute('aria-sort'));
    head.setAttribute('aria-sort', order);
    const sign = order === 'ascending' ? 1 : -1;
    const key = (row) => {
      const { dataset, textContent } = row.cells[column];
      const text = textContent.trim();
      return dataset.sort !== undefined ? dataset.sort : text === '–' ? undefined : text;
    };
    const rows = [...table.tBodies[0].rows];
    rows.sort((a, b) => {
      const [x, y] = [key(a), key(b)];
      if (x === undefined || y === undefined) return (x === undefined) - (y === undefined);
      const [nx, ny] = [Number(x), Number(y)];
      return sign * (Number.isNaN(nx) || Number.isNaN(ny) ? x.localeCompare(y) : nx - ny);
    });
    table.tBodies[0].append(...rows);
  }

  document.querySelectorAll('.tools').forEach((tools) => {
    const table = document.getElementById(tools.dataset.table);
    const none = tools.parentElement.querySelector('.none');
    const input = tools.querySelector('input');
    let state = '';
    function filter() {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let left = 0;
      for (const row of table.tBodies[0].rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = (state && row.dataset.state !== state) || !words.every((w) => text.includes(w));
        left += row.hidden ? 0 : 1;
      }
      none.hidden = left > 0;
    }
    input.addEventListener('input', filter);
    tools.querySelectorAll('[data-state]').forEach((button) => button.addEventListener('click', () => {
      state = button.dataset.state;
      tools.querySelectorAll('[data-state]').forEach((b) => b.setAttribute('aria-pressed', String(b === button)));
      filter();
    }));
  });

  const csv = document.getElementById('csv');
  if (csv) {
    csv.addEventListener('click', () => {
      const link = make('a', { href: URL.createObjectURL(new Blob([study.csv], { type: 'text/csv' })), download: 'trials.csv' });
      document.body.append(link);
      link.click();
      link.remove();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    });
  }

  // ------------------------------------------------------------------ contents
  const links = new Map([...document.querySelectorAll('.contents a')].map((a) => [a.hash.slice(1), a]));
  const seen = new Set();
  const watcher = new IntersectionObserver((entries) => {
    entries.forEach((entry) => (entry.isIntersecting ? seen.add(entry.target.id) : seen.delete(entry.target.id)));
    const current = [...links.keys()].find((id) => seen.has(id));
    links.forEach((a, id) => (id === current ? a.setAttribute('aria-current', 'true') : a.removeAttribute('aria-current')));
  }, { rootMargin: '-20% 0px -60% 0px' });
  document.querySelectorAll('.card').forEach((card) => watcher.observe(card));

  // ------------------------------------------------------------------ start
  /* The fingerprint of plotly.js is in the content security policy. Where several pages share one
     plotly.js it ran already, and nothing lies in the page. */
  async function unpack() {
    document.head.append(make('script', { text: await contents('plotly') }));
    if (!window.Plotly) throw new Error('plotly.js was not run');
  }

  function withoutFigures() {
    const shared = document.querySelector('script[src]');
    const needed = shared ? `${shared.getAttribute('src')}, which lay beside this page's folder` : 'a browser of 2023 or later';
    document.querySelectorAll('.figures').forEach((figures) => figures.replaceChildren(
      make('p', { class: 'note', text: `Figures need ${needed}; the numbers are in the table below.` }),
    ));
    document.querySelectorAll('details').forEach((details) => { details.open = true; });
    study.figures = [];
  }

  panel.classList.add('resting');
  show(study.best);
  const asked = /^#trial-(\d+)$/.exec(location.hash);
  async function start() {
    await unpack().catch(withoutFigures);
    for (const figure of study.figures) {
      // A pause between two figures: the page can be scrolled while it is drawn.
      await new Promise((next) => setTimeout(next, 0));
      await draw(figure);
    }
    if (asked && trials.has(Number(asked[1]))) select(Number(asked[1]));
    document.body.dataset.ready = 'yes';
  }
  start();
}());
