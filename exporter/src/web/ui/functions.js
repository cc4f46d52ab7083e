// The view "functions": calls, errors and durations of what php.ini observes (promshm.observe), a row each. Metrics that
// an application has named in the same way are shown, too.

const DURATION = '_duration_seconds';
const CALLS = '_calls_total';

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
class FunctionTable extends Table {
  constructor() {
    const seconds = (number) => orDash(number, human(number, 'seconds'));
    super('functions', 'Functions', 'function', 'rate', [
      { name: 'rate', heading: 'calls', value: (one) => one.rate, text: (one) => humanRate(one.rate, '') },
      { name: 'errors', heading: 'errors', value: (one) => one.errorRate, text: errorsInWords },
      { name: 'half', heading: 'p50', value: (one) => one.half, text: (one) => seconds(one.half) },
      { name: 'most', heading: 'p95', value: (one) => one.most, text: (one) => seconds(one.most) },
      { name: 'running', heading: 'in flight', value: (one) => one.running, text: (one) => orDash(one.running, human(one.running, '')) },
    ]);
    this.functions = new Functions();
  }

  update(model) {
    this.functions.update(model);
    this.all = [...this.functions.byId.values()];
    this.all.forEach((one) => (one.failing = one.errorRate > 0));
  }
}

function errorsInWords({ errorRate, rate }) {
  const share = errorRate / rate;
  const rateText = humanRate(errorRate, '');
  return errorRate > 0 ? `${rateText} · ${share > 0 ? human(share, 'ratio') : '–'}` : rateText;
}
