// The view "workers": what each worker process tells of itself, a row each, instead of a list for each of its metrics. And the
// view "room": which metrics take it.

/** The metrics that the exporter makes of each worker. */
const OF_A_WORKER = /^php_worker_((?:busy|cpu|idle)_seconds_total|gc_runs_total|memory_(peak_)?bytes|requests_total|slot_crashes_total|start_time_seconds)$/;

const labelValue = ({ labels }, name) => labels.find(([key]) => key === name)?.[1] ?? '';

/** The mean of the last rates that are known: a worker tells its CPU and busy time once a second only. */
function lately(series, column) {
  const known = inOrder(series.past, column).slice(-SMOOTH).filter(Number.isFinite);
  return known.length ? known.reduce((sum, rate) => sum + rate, 0) / known.length : NaN;
}

/** The worker processes, by segment and process id. */
function workersOf(model) {
  const found = new Map();
  for (const { name, segment, series } of model.families.values()) {
    const [, key] = OF_A_WORKER.exec(name) ?? [];
    if (!key) continue;
    for (const one of series.values()) {
      const [id, pid] = [`${segment} ${labelValue(one, 'pid')}`, labelValue(one, 'pid')];
      const worker = found.get(id) ?? { id, title: pid, note: segment, haystack: '', cpu: NaN, slot: NaN };
      worker[key] = one.value;
      worker.haystack += ` ${segment} ${one.haystack}`;
      if (key === 'busy_seconds_total') worker.busy = lately(one, model.column);
      if (key === 'cpu_seconds_total') worker.cpu = lately(one, model.column);
      if (key === 'slot_crashes_total') worker.slot = Number(labelValue(one, 'slot'));
      found.set(id, worker);
    }
  }
  return [...found.values()];
}

class WorkerTable extends Table {
  constructor() {
    const column = (name, heading, key, unit) => ({
      name,
      heading,
      value: (one) => one[key] ?? NaN,
      text: (one) => orDash(one[key] ?? NaN, human(one[key], unit)),
    });
    super('workers', 'Workers', 'pid', 'memory', [
      column('since', 'since', 'start_time_seconds', 'moment'),
      column('memory', 'memory', 'memory_bytes', 'bytes'),
      column('peak', 'peak', 'memory_peak_bytes', 'bytes'),
      column('cpu', 'CPU', 'cpu', 'ratio'),
      column('busy', 'busy', 'busy', 'ratio'),
      column('requests', 'requests', 'requests_total', ''),
      column('slot', 'slot', 'slot', ''),
      column('crashes', 'crashes', 'slot_crashes_total', ''),
    ]);
  }

  update(model) {
    this.all = workersOf(model);
  }
}

/** The workers' metrics with their number of series, as `status --top` lists them. */
class RoomTable extends Table {
  constructor() {
    super('room', 'Metrics', 'metric', 'series', [
      { name: 'series', heading: 'series', value: (one) => one.series, text: (one) => whole.format(one.series) },
      { name: 'part', heading: 'of the limit', value: (one) => one.series, text: (one) => orDash(one.share, human(one.share, 'ratio')) },
      { name: 'beyond', heading: 'beyond its own', value: (one) => one.beyond, text: (one) => (one.beyond ? whole.format(one.beyond) : '–') },
    ]);
  }

  update(model) {
    const counted = [...model.families.values()].filter(({ own, name }) => !own && !OF_A_WORKER.test(name));
    this.all = counted.map(({ id, segment, name, type, series }) => {
      const limit = model.own(segment, 'promshm_series_limit')?.value ?? NaN;
      const beyond = model.own(segment, 'promshm_metric_overflows_total', name)?.value ?? 0;
      const haystack = `${name} ${type} ${segment}`.toLowerCase();
      const note = segment ? `${type} · ${segment}` : type;
      return { id, title: name, note, haystack, series: series.size, share: series.size / limit, beyond, failing: beyond > 0 };
    });
  }
}
