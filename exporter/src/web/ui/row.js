// A row of the list: its element, and its updates at each scrape.

/** Sets a text only if it changed, to avoid needless layout. */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Creates the element of a row, with its constant parts. */
function makeRow({ kind, id, family, series }) {
  const element = document.getElementById(`${kind}-template`).content.firstElementChild.cloneNode(true);
  const parts = { element, series, canvas: element.querySelector('.trend canvas'), button: element.querySelector('button:not(.copy)') };
  for (const name of ['name', 'labels', 'names', 'value', 'rate', 'quantiles', 'lines', 'axis', 'type', 'help']) {
    parts[name] = element.querySelector(`.${name}`);
  }
  if (family) makeFamily(family, parts);
  else if (series) makeSeries(series, parts);
  if (parts.button) parts.button.dataset.id = id;
  const copy = element.querySelector('.copy');
  if (!copy) return parts;
  copy.ariaLabel = `Copy ${family.name} as PromQL`;
  copy.addEventListener('click', () => copyQuery(copy, family));
  return parts;
}

function makeFamily(family, { name, button, type, help }) {
  (button ?? name).textContent = family.name;
  help.textContent = help.title = family.help;
  type.textContent = typeOf(family);
}

/** A family's type, and its segment if the heading above does not show it. */
function typeOf({ type, own, segment }) {
  return own && segment ? `${type} · ${segment}` : type;
}

function makeSeries({ labels, bounds, family }, { labels: cell, names, axis }) {
  for (const [key, value] of labels) names.append(labelOf(key, value), ' ');
  if (!labels.length) names.append(Object.assign(document.createElement('i'), { textContent: 'no labels' }));
  cell.title = labels.map(([key, value]) => (key ? `${key}="${value}"` : value)).join(', ');
  if (!axis || bounds.length < 2) return;
  axis.firstElementChild.textContent = `> ${human(bounds.at(-2), family.unit)}`;
  axis.lastElementChild.textContent = `≤ ${human(bounds[0], family.unit)}`;
}

function labelOf(key, value) {
  const label = document.createElement('span');
  label.append(key && `${key}=`, Object.assign(document.createElement('b'), { textContent: value || '""' }));
  return label;
}

/** Updates the variable parts of a row. */
function fillRow(row, parts) {
  if (row.series) fillSeries(row.series, parts);
  else fillHeading(row, parts);
}

function fillHeading({ name, family, count, open }, { button, type }) {
  button.setAttribute('aria-expanded', open);
  if (!family) write(button, name);
  else write(type, open ? typeOf(family) : `${typeOf(family)} · ${whole.format(count)} series`);
}

function fillSeries(series, parts) {
  const { unit } = series.family;
  write(parts.value, series instanceof Histogram ? human(series.value, '') : human(series.value, unit));
  parts.value.title = String(series.value);
  write(parts.rate, series.grows ? humanRate(series.rate, series instanceof Histogram ? '' : unit) : '');
  if (parts.quantiles) write(parts.quantiles, quantiles(series));
}

/** The quantiles that a histogram's row shows. */
const QUANTILES = [0.5, 0.95];

function quantiles(series) {
  const totals = series.recent();
  const [half, most] = QUANTILES.map((share) => series.quantile(share, totals));
  if (Number.isNaN(half)) return 'nothing observed of late';
  return `half ≤ ${human(half, series.family.unit)} · 95 % ≤ ${human(most, series.family.unit)}`;
}

/** Draws a row's history, with a description in words, unless it is drawn already. */
function drawTrend(parts, [width, height, ...lines], { tick, column }) {
  const { series, canvas, drawn } = parts;
  parts.drawn = `${tick} ${width} ${height} ${window.devicePixelRatio} ${colours.accent}`;
  if (!series || !width || parts.drawn === drawn) return;
  const numbers = inOrder(series.past, column);
  canvas.setAttribute('aria-label', trendInWords(series, numbers));
  if (series instanceof Histogram) {
    drawHeat(canvas, width, height, series, column);
    drawQuantiles(parts.lines, ...lines, QUANTILES.map((share) => series.pastOf(share, column)));
  } else drawLine(canvas, width, height, numbers, series.grows);
}

function trendInWords(series, numbers) {
  const range = extent(numbers);
  if (!range) return 'no past yet';
  const isHistogram = series instanceof Histogram;
  const unit = isHistogram ? '' : series.family.unit;
  const [low, high] = range.map((number) => (series.grows ? humanRate(number, unit) : human(number, unit)));
  const words = `last ${numbers.filter(Number.isFinite).length} scrapes: ${low === high ? low : `${low} to ${high}`}`;
  return isHistogram ? `${words}; ${quantiles(series)}` : words;
}
