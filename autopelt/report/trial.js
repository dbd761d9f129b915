// ------------------------------------------------------------------ the selected trial
/* The address names the trial, and after a comma the one that it is compared with. */
const ADDRESS = /^#trial-(\d+)(?:,(\d+))?$/;

function select(number, against = pinned) {
  selected = number;
  pinned = against;
  show(number === null ? study.best : number);
  panel.classList.toggle('resting', number === null);
  document.querySelectorAll('tr[data-trial]').forEach((row) => {
    row.toggleAttribute('data-pinned', Number(row.dataset.trial) === pinned);
    if (Number(row.dataset.trial) === number) row.setAttribute('aria-current', 'true');
    else row.removeAttribute('aria-current');
  });
  study.figures.forEach(mark);
  const trial = trials.get(number);
  said.textContent = trial ? `${trial.title} selected: ${study.metric} ${trial.score}, ${trial.words}` : '';
  const address = trial ? `#trial-${number}${pinned === null ? '' : ',' + pinned}` : location.pathname + location.search;
  try { history.replaceState(null, '', address); } catch (error) { /* sandboxed frames */ }
}

function fromAddress() {
  const [, number, against] = (ADDRESS.exec(location.hash) || []).map((n) => (n === undefined ? null : Number(n)));
  if (trials.has(number)) select(number, trials.has(against) ? against : pinned);
}
addEventListener('hashchange', fromAddress);

function values(trial) {
  return [
    [study.metric, trial.score], ...trial.beliefs, ['share of the backbone', trial.share], ['deployed parameters', trial.deployed],
    ['trained parameters', trial.trained], ...trial.metrics, ['id', trial.id],
  ];
}

function action(text, click, more) {
  return make('button', { type: 'button', class: 'copy', text, on: { click }, ...more });
}

function show(number) {
  const trial = trials.get(number);
  panel.hidden = !trial;
  if (!trial) return;
  const closing = { click: () => { select(null); } };
  const close = make('button', { type: 'button', class: 'quiet close', 'aria-label': 'Close', text: '×', on: closing });
  const best = number === study.best ? study.best_words : '';
  panel.replaceChildren(
    close, make('h2', { text: trial.title }),
    make('p', { class: 'remark', text: [best, trial.remark].filter(Boolean).join(' · ') }),
  );
  const other = pinned === number ? undefined : trials.get(pinned);
  if (other) panel.append(compared(other, trial));
  else {
    const list = make('dl');
    values(trial).forEach(([name, value]) => list.append(make('dt', { text: name }), make('dd', { text: value })));
    panel.append(list);
  }
  if (trial.reason) panel.append(make('p', { class: 'why', text: trial.reason }));
  if (trial.log) panel.append(make('p', { class: 'log' }, make('span', { text: 'last log line' }), make('code', { text: trial.log })));
  panel.append(make('h3', { text: 'Architecture' }), make('p', { class: 'words', text: trial.words }));
  const sites = siteTable(trial);
  if (sites) panel.append(make('h3', { text: 'Size by layer' }), sites);
  if (trial.scores.length > 1) panel.append(make('h3', { text: study.metric + ' by epoch' }), spark(trial.scores));
  const pin = action(pinned === number ? 'Unpin' : 'Pin to compare', () => {
    select(number, pinned === number ? null : number);
    panel.querySelector('[aria-pressed]').focus();
  }, { 'aria-pressed': String(pinned === number), title: 'Stays beside the next trial that is chosen' });
  panel.append(make('div', { class: 'actions' },
    action('Copy as YAML', (event) => copy(event.target, yaml(trial))),
    action('Copy link', (event) => copy(event.target, location.href.replace(/#.*/, '') + '#trial-' + number)),
    pin,
  ));
  if (other) panel.querySelector('.actions').append(action(`Unpin ${other.title}`, () => select(number, null)));
}

/* Two trials side by side: what is known of both, then every choice; where they differ is marked. */
function compared(left, right) {
  const choices = (trial) => new Map([
    ...values(trial), ['learning rate ×', String(trial.rate)],
    ...trial.modules.map(([method, location, layer, size, gate]) => [
      `${study.methods[method]}${layer === null ? '' : ` ${location.split('.').pop()}, layer ${layer}`}`, size + (gate ? ', gated' : ''),
    ]),
  ]);
  const [a, b] = [choices(left), choices(right)];
  const body = make('tbody');
  new Set([...a.keys(), ...b.keys()]).forEach((name) => {
    const differ = a.get(name) !== b.get(name);
    const sign = make('span', { class: 'sign-differs', text: differ ? '≠' : '=', 'aria-label': differ ? 'differs' : 'same', role: 'img' });
    const row = make('tr', differ ? { class: 'differs' } : {}, make('th', { scope: 'row', text: name }));
    [a, b].forEach((of) => row.append(make('td', { text: of.has(name) ? of.get(name) : '–' })));
    row.append(make('td', {}, sign));
    body.append(row);
  });
  const head = make('tr', {}, make('th', { scope: 'col', text: 'compared' }));
  [left, right].forEach((trial) => head.append(make('th', { scope: 'col', text: trial.title })));
  head.append(make('td', {}));
  return make('table', { class: 'compared' }, make('thead', {}, head), body);
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
