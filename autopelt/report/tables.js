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

/* What a table holds, as CSV: numbers as they are, and no text that a spreadsheet would work out. */
function tableAsCsv(table) {
  const value = (cell) => {
    const lines = [...cell.querySelectorAll('.words, .mark, .remark')].map((line) => line.textContent);
    const text = (cell.dataset.sort !== undefined && cell.classList.contains('number') ? cell.dataset.sort : lines.join('; ') || cell.textContent).trim();
    const safe = /^[=+@\t-]/.test(text) && Number.isNaN(Number(text)) ? "'" + text : text === '–' ? '' : text;
    return /[",\n]/.test(safe) ? '"' + safe.replace(/"/g, '""') + '"' : safe;
  };
  return [...table.rows].map((row) => [...row.cells].map(value).join()).join('\n') + '\n';
}

document.querySelectorAll('table.sortable').forEach((table) => {
  const name = table.id.replace('table-', '');
  const [text, save] = study.csv && table.classList.contains('full')
    ? ['', () => download('trials.csv', study.csv)]
    : ['Download as CSV', () => download(name + '.csv', tableAsCsv(table))];
  if (text) table.parentElement.after(make('button', { type: 'button', class: 'copy save', text, on: { click: save } }));
  else document.getElementById('csv').addEventListener('click', save);
});

// ------------------------------------------------------------------ filters
const tools = document.querySelector('.tools');
const filters = { words: '', state: '' };
const fields = tools ? [tools.querySelector('input')] : [];

function filter(change) {
  Object.assign(filters, change);
  const words = filters.words.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = [...document.getElementById(tools.dataset.table).tBodies[0].rows];
  rows.forEach((row) => {
    const text = row.textContent.toLowerCase();
    row.hidden = (filters.state && row.dataset.state !== filters.state) || !words.every((w) => text.includes(w));
  });
  const left = rows.filter((row) => !row.hidden);
  passed = left.length === rows.length ? null : new Set(left.map((row) => Number(row.dataset.trial)));
  tools.parentElement.querySelector('.none').hidden = left.length > 0;
  fields.forEach((field) => { if (field.value !== filters.words) field.value = filters.words; });
  tools.querySelectorAll('[data-state]').forEach((b) => b.setAttribute('aria-pressed', String(b.dataset.state === filters.state)));
  said.textContent = passed === null ? '' : `${left.length} of ${rows.length} trials`;
  study.figures.forEach(mark);
}

if (tools) {
  // The same field stands in the contents, where the figures are in sight that fade what it leaves out.
  const above = make('input', { type: 'search', placeholder: 'Filter trials', 'aria-label': 'Filter trials in all cards', autocomplete: 'off' });
  document.querySelector('.contents').append(above);
  fields.push(above);
  fields.forEach((field) => field.addEventListener('input', () => filter({ words: field.value })));
  tools.querySelectorAll('[data-state]').forEach((button) => {
    button.addEventListener('click', () => filter({ state: button.dataset.state }));
  });
}
