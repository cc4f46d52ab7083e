// Families and their series, with a history of SAMPLES scrapes. A scrape is staged line by line
// and committed as a whole, so that a drawing always shows one complete scrape.

const SAMPLES = 60;

/** Scrapes that are taken together where one alone says little. */
const SMOOTH = 5;

/** The exporter's own metrics: of itself, of its process and of the segment. */
const OWN_NAME = /^promshm_|^process_(cpu_seconds_total|(max|open)_fds|(resident|virtual)_memory_bytes|start_time_seconds)$/;

/** The history of one value: a ring buffer whose newest entry is at the model's column. */
function ring() {
  return new Float64Array(SAMPLES).fill(NaN);
}

/** The increase since the last scrape; a counter that fell has restarted from 0. */
function increase(before, after) {
  return after < before ? after : after - before;
}

/** A counter or gauge, or one line of a summary. */
class Series {
  constructor(family, labels, grows) {
    Object.assign(this, { family, labels, grows, keys: [], seen: 0, value: NaN, rate: NaN, next: NaN });
    this.past = ring();
    const text = labels.map(([key, value]) => `${key}=${value} ${key}="${value}"`).join(' ');
    this.haystack = `${family.name} ${text}`.toLowerCase();
  }

  stage(number) {
    this.next = number;
  }

  get isWhole() {
    return true;
  }

  commit(seconds, column) {
    this.rate = this.grows ? increase(this.value, this.next) / seconds : NaN;
    this.value = this.next;
    this.past[column] = this.grows ? this.rate : this.value;
  }
}

/** A histogram's series: counts by bucket, and their history. */
class Histogram extends Series {
  constructor(family, labels) {
    super(family, labels, true);
    Object.assign(this, { bounds: [], counts: [], cumulative: [], columns: null, staged: 0 });
  }

  /** The index of a bucket; buckets arrive in the order of their bounds. */
  bucket(bound) {
    return this.bounds.push(bound) - 1;
  }

  /** Whether a scrape had the same buckets as the one before. */
  get isWhole() {
    const width = this.bounds.length;
    return this.staged === width && (!this.columns || this.columns.length === width * SAMPLES);
  }

  commit(seconds, column) {
    this.columns ??= new Float32Array(SAMPLES * this.bounds.length).fill(NaN); // small: there may be many buckets
    const counts = this.cumulative.map((count, at) => count - (at ? this.cumulative[at - 1] : 0));
    const fresh = this.next < this.value; // restarted from 0
    counts.forEach((count, at) => {
      this.columns[column * counts.length + at] = fresh ? count : count - (this.counts[at] ?? NaN);
    });
    Object.assign(this, { counts, staged: 0 });
    super.commit(seconds, column);
  }

  /** Observations by bucket over the whole history. */
  recent() {
    const width = this.bounds.length;
    const totals = new Array(width).fill(0);
    this.columns?.forEach((count, at) => {
      if (count > 0) totals[at % width] += count;
    });
    return totals;
  }

  /** A quantile at each scrape that is kept, over the observations of a few scrapes up to it. */
  pastOf(share, column) {
    const width = this.bounds.length;
    const at = (scrape) => ((column + 1 + scrape) % SAMPLES) * width;
    return Array.from({ length: SAMPLES }, (_, scrape) => {
      const totals = new Array(width).fill(0);
      for (let each = Math.max(0, scrape - SMOOTH + 1); each <= scrape; each += 1) {
        for (let bucket = 0; bucket < width; bucket += 1) {
          const count = this.columns?.[at(each) + bucket];
          if (count > 0) totals[bucket] += count;
        }
      }
      return this.quantile(share, totals);
    });
  }

  /** The value that a share of the recent observations lies below, as Prometheus's histogram_quantile
      estimates it: https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile */
  quantile(share, totals = this.recent()) {
    const rank = share * totals.reduce((sum, count) => sum + count, 0);
    let below = 0;
    const at = totals.findIndex((count) => count > 0 && (below += count) >= rank);
    if (at < 0) return NaN;
    const high = this.bounds[at];
    if (high === Infinity) return this.bounds[at - 1] ?? NaN;
    if (at === 0 && high <= 0) return high;
    const low = at ? this.bounds[at - 1] : 0;
    return low + ((high - low) * (rank - below + totals[at])) / totals[at];
  }
}

/** One line of a histogram. */
class Part {
  constructor(series, suffix, bound) {
    Object.assign(this, { series, suffix, at: suffix === '_bucket' ? series.bucket(bound) : -1 });
  }

  stage(number) {
    if (this.suffix === '_count') this.series.next = number;
    if (this.at < 0) return;
    this.series.cumulative[this.at] = number;
    this.series.staged += 1;
  }
}

/** All families; `version` changes when series are added or removed. */
class Model {
  constructor() {
    this.families = new Map();
    this.targets = new Map();
    this.times = new Float64Array(SAMPLES);
    Object.assign(this, { heading: null, grouped: false, tick: 0, column: -1, time: NaN, version: 0, size: 0 });
  }

  /** Begins a scrape. Series are grouped by segment where the exporter serves several. */
  begin(page) {
    const grouped = page.includes('\npromshm_up{segment="');
    if (grouped !== this.grouped) Object.assign(this, new Model(), { grouped, version: this.version + 1 });
    this.tick += 1;
    this.heading = null;
  }

  help(name, text) {
    this.heading = { name, help: text, type: 'untyped' };
  }

  type(name, type) {
    if (this.heading?.name !== name) this.help(name, '');
    this.heading.type = type;
  }

  sample(key, number) {
    let target = this.targets.get(key);
    if (!target) this.targets.set(key, (target = this.enter(key)));
    target.stage(number);
    (target.series ?? target).seen = this.tick;
  }

  /** Adds the series of a line that was never seen. */
  enter(key) {
    this.version += 1;
    const { name, labels } = parseSeries(key);
    const at = this.grouped ? labels.findIndex(([label]) => label === 'segment') : -1;
    const segment = at < 0 ? '' : labels.splice(at, 1)[0][1];
    const family = this.family(segment, name);
    const suffix = name.slice(family.name.length);
    const target = family.type === 'histogram' ? part(family, suffix, labels) : single(family, suffix, labels);
    (target.series ?? target).keys.push(key);
    return target;
  }

  family(segment, sample) {
    const isOf = this.heading && sample.startsWith(this.heading.name);
    const { name, type, help } = isOf ? this.heading : { name: sample, type: 'untyped', help: '' };
    const id = `${segment}\n${name}\n${type}`;
    if (!this.families.has(id)) {
      const derived = { own: OWN_NAME.test(name), unit: unitOf(name) };
      this.families.set(id, { id, segment, name, type, help, ...derived, series: new Map() });
    }
    return this.families.get(id);
  }

  /** Commits a scrape; its time is in milliseconds. */
  commit(time) {
    const seconds = (time - this.time) / 1000;
    this.time = time;
    this.column = (this.column + 1) % SAMPLES;
    this.times[this.column] = time;
    let size = 0;
    for (const family of this.families.values()) {
      for (const series of family.series.values()) {
        if (series.seen === this.tick && series.isWhole) series.commit(seconds, this.column);
        else this.drop(family, series); // other buckets are another series, which the next scrape enters
      }
      size += family.series.size;
    }
    this.size = size;
  }

  /** Seconds from the oldest scrape that is kept to the newest. */
  span() {
    const oldest = this.tick < SAMPLES ? this.times[0] : this.times[(this.column + 1) % SAMPLES];
    return (this.time - oldest) / 1000;
  }

  drop(family, series) {
    series.keys.forEach((key) => this.targets.delete(key));
    family.series.delete(series.id);
    if (family.series.size === 0) this.families.delete(family.id);
    this.version += 1;
  }

  /** A value of the exporter's own metrics, or nothing. */
  own(segment, name, label) {
    for (const type of ['gauge', 'counter']) {
      const all = this.families.get(`${segment}\n${name}\n${type}`)?.series.values() ?? [];
      for (const series of all) if (!label || series.labels[0]?.[1] === label) return series;
    }
    return undefined;
  }

  /** The segments; one without a name if the exporter serves a single one. */
  segments() {
    const named = [...this.families.values()].filter((family) => family.name === 'promshm_up');
    return named.map((family) => family.segment).sort();
  }
}

/** A series of a family, created if it is new. */
function seriesOf(family, labels, make) {
  const id = JSON.stringify(labels);
  if (!family.series.has(id)) family.series.set(id, Object.assign(make(), { id }));
  return family.series.get(id);
}

function part(family, suffix, labels) {
  const bounds = labels.filter(([key]) => key === 'le');
  const rest = labels.filter(([key]) => key !== 'le');
  const series = seriesOf(family, rest, () => new Histogram(family, rest));
  return new Part(series, suffix, parseNumber(bounds[0]?.[1] ?? 'NaN'));
}

function single(family, suffix, labels) {
  const named = suffix ? [['', suffix.slice(1)], ...labels] : labels;
  const grows = family.type === 'counter' || suffix === '_count' || suffix === '_sum';
  return seriesOf(family, named, () => new Series(family, named, grows));
}
