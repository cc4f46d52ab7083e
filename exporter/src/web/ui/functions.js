// The view "functions": calls, errors and durations of what php.ini observes (promshm.observe), a row each. Metrics that
// an application has named in the same way are shown, too.

/** Rows that are made; the filter finds the others. */
const MOST_FUNCTIONS = 400;

const DURATION = '_duration_seconds';
const CALLS = '_calls_total';

/** What a column is sorted by; numbers with the largest first. */
const SORTS = {
  name: (one) => one.title,
  rate: (one) => one.rate,
  errors: (one) => one.errorRate,
  half: (one) => one.half,
  most: (one) => one.most,
  running: (one) => one.running,
};

/** The part of a name that the metrics of a function have in common; nothing for other families. */
function stemOf({ own, name, type, segment }, model) {
  if (own) return undefined;
  if (type === 'counter' && name.endsWith(CALLS)) return name.slice(0, -CALLS.length);
  if (type !== 'histogram' || !name.endsWith(DURATION)) return undefined;
  const stem = name.slice(0, -DURATION.length);
  return stem === 'php_function' || model.families.has(`${segment}\n${stem}_in_flight\ngauge`) ? stem : undefined;
}

/** The increase per second over the totals that are kept. */
function meanRate(totals, { times, column }) {
  const [values, moments] = [inOrder(totals, column), inOrder(times, column)];
  let [added, seconds] = [0, 0];
  for (let at = 1; at < SAMPLES; at += 1) {
    const more = increase(values[at - 1], values[at]);
    if (Number.isNaN(more)) continue;
    added += more;
    seconds += (moments[at] - moments[at - 1]) / 1000;
  }
  return seconds ? added / seconds : NaN;
}

/** The functions of a model with the history of their totals. */
class Functions {
  constructor() {
    this.byId = new Map();
  }

  /** Takes what a scrape has brought. */
  update(model) {
    const found = new Map();
    for (const family of model.families.values()) {
      const stem = stemOf(family, model);
      if (stem === undefined) continue;
      const errors = errorsOf(family, stem, model);
      for (const series of family.series.values()) {
        const id = `${family.id}\n${series.id}`;
        const one = this.byId.get(id) ?? { id, ...namesOf(family, stem, series), calls: ring(), errors: ring() };
        this.take(one, series, errors.get(series.id) ?? 0, model);
        one.running = model.families.get(`${family.segment}\n${stem}_in_flight\ngauge`)?.series.get(series.id)?.value ?? NaN;
        found.set(id, one);
      }
    }
    this.byId = found;
  }

  take(one, series, errors, model) {
    one.calls[model.column] = series.value;
    one.errors[model.column] = errors;
    const totals = series instanceof Histogram ? series.recent() : [];
    Object.assign(one, {
      rate: meanRate(one.calls, model),
      errorRate: meanRate(one.errors, model),
      half: totals.length ? series.quantile(0.5, totals) : NaN,
      most: totals.length ? series.quantile(0.95, totals) : NaN,
    });
  }
}

/** The errors of a family's series, over all exceptions, by the series' id. */
function errorsOf({ segment }, stem, model) {
  const sums = new Map();
  for (const { labels, value } of model.families.get(`${segment}\n${stem}_errors_total\ncounter`)?.series.values() ?? []) {
    const id = JSON.stringify(labels.filter(([key]) => key !== 'exception'));
    sums.set(id, (sums.get(id) ?? 0) + value);
  }
  return sums;
}

/** What the first column shows, and what the filter looks at. */
function namesOf({ segment }, stem, { labels, haystack }) {
  const isCommon = stem === 'php_function' && labels.length === 1 && labels[0][0] === 'function';
  const rest = labels.map(([key, value]) => `${key}=${value}`).join(' ');
  const [title, note] = isCommon ? [labels[0][1], ''] : [stem, rest];
  return { title, note: segment ? `${note} ${segment}`.trim() : note, haystack };
}

/** The table of functions. */
class FunctionTable {
  constructor(element) {
    Object.assign(this, { element, body: element.querySelector('[role=rowgroup]'), sort: 'rate', reversed: false, rows: new Map() });
    this.functions = new Functions();
    element.querySelector('.head').addEventListener('click', ({ target }) => this.sortBy(target.closest('button')?.dataset.sort));
  }

  get size() {
    return this.functions.byId.size;
  }

  update(model) {
    this.functions.update(model);
  }

  /** Choosing the same order again reverses it. */
  sortBy(sort) {
    if (!sort) return;
    this.reversed = this.sort === sort && !this.reversed;
    this.sort = sort;
    this.draw(this.filter);
  }

  /** Draws the functions that match a filter; returns how many there are. */
  draw(filter = '') {
    this.filter = filter;
    const found = [...this.functions.byId.values()].filter(matcher(filter)).sort(this.order());
    this.writeHead();
    this.place(found.slice(0, MOST_FUNCTIONS));
    return found.length;
  }

  order() {
    const value = SORTS[this.sort];
    const turn = this.reversed ? -1 : 1;
    const byTitle = (one, other) => (one.title < other.title ? -1 : one.title > other.title ? 1 : one.note < other.note ? -1 : 1);
    if (this.sort === 'name') return (one, other) => turn * byTitle(one, other);
    const known = (one) => (Number.isNaN(value(one)) ? -Infinity : value(one));
    return (one, other) => turn * (known(other) - known(one) || 0) || byTitle(one, other);
  }

  writeHead() {
    for (const button of this.element.querySelectorAll('.head button')) {
      const isSorted = button.dataset.sort === this.sort;
      const isRising = (this.sort === 'name') !== this.reversed;
      button.parentElement.setAttribute('aria-sort', isSorted ? (isRising ? 'ascending' : 'descending') : 'none');
    }
  }

  place(found) {
    const wanted = new Set(found.map(({ id }) => id));
    for (const [id, row] of this.rows) {
      if (wanted.has(id)) continue;
      row.remove();
      this.rows.delete(id);
    }
    let next = this.body.firstElementChild;
    for (const one of found) {
      const row = this.row(one);
      if (row === next) next = next.nextElementSibling;
      else this.body.insertBefore(row, next);
    }
  }

  row(one) {
    if (!this.rows.has(one.id)) this.rows.set(one.id, makeFunction(one));
    const row = this.rows.get(one.id);
    const share = one.errorRate / one.rate;
    const errors = one.errorRate > 0 ? `${humanRate(one.errorRate, '')} · ${share > 0 ? human(share, 'ratio') : '–'}` : humanRate(one.errorRate, '');
    const seconds = (number) => (Number.isNaN(number) ? '–' : human(number, 'seconds'));
    const running = Number.isNaN(one.running) ? '–' : human(one.running, '');
    const texts = [humanRate(one.rate, ''), errors, seconds(one.half), seconds(one.most), running];
    row.querySelectorAll('.number').forEach((cell, at) => write(cell, texts[at]));
    row.classList.toggle('failing', one.errorRate > 0);
    return row;
  }
}

function makeFunction({ title, note }) {
  const row = document.getElementById('function-template').content.firstElementChild.cloneNode(true);
  row.querySelector('b').textContent = title;
  row.querySelector('.note-of').textContent = note;
  row.firstElementChild.title = `${title} ${note}`.trim();
  return row;
}
