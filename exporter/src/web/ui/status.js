// The status panels at the top: workers, crashes and space of each segment.

/** Writes one figure, its details, and its fill level if it has one. */
function writeVital(section, name, figure, detail, { share, alarm = false } = {}) {
  const vital = section.querySelector(`[data-vital=${name}]`);
  write(vital.querySelector('.figure'), figure);
  write(vital.querySelector('.detail'), detail);
  vital.classList.toggle('alarm', alarm);
  const bar = vital.querySelector('.fill i');
  if (bar) bar.style.width = `${Math.min(100, (share || 0) * 100)}%`;
}

/** Whether a counter grew within its history. */
function grew(series) {
  return Boolean(series?.past.some((rate) => rate > 0));
}

/** Writes a segment's figures. The exporter's own metrics have no segment. */
function writeSegment(section, model, segment) {
  const series = (name, label) => model.own(segment, name, label) ?? model.own('', name, label);
  const number = (name, label) => series(name, label)?.value ?? NaN;
  const shown = (name, label) => (Number.isNaN(number(name, label)) ? '–' : human(number(name, label), unitOf(name)));
  writeWorkers(section, number, shown);
  writeCrashes(section, series, shown);
  writeSpace(section, number, shown, series('promshm_generation_blocked_by'));
  writeSeries(section, number, model, segment);
  writeDropped(section, model, segment);
  const alarm = number('promshm_up') === 0;
  const detail = alarm ? 'segment not readable' : 'to read and write it';
  writeVital(section, 'scrape', shown('promshm_scrape_duration_seconds'), detail, { alarm });
}

function writeWorkers(section, number, shown) {
  const [live, sharing] = [number('promshm_slots', 'live'), number('promshm_overflow_processes')];
  const slots = ['live', 'free', 'inherited'].reduce((sum, state) => sum + number('promshm_slots', state), 0);
  const room = `of ${Number.isNaN(slots) ? '–' : whole.format(slots)} slots`;
  const workers = Number.isNaN(live) ? '–' : whole.format(live + (sharing || 0));
  const alarm = sharing > 0;
  writeVital(section, 'workers', workers, alarm ? `${shown('promshm_overflow_processes')} share a slot` : room, { alarm });
}

function writeCrashes(section, series, shown) {
  const exits = (kind) => shown('promshm_worker_exits_total', kind);
  const alarm = ['abrupt', 'fatal'].some((kind) => grew(series('promshm_worker_exits_total', kind)));
  writeVital(section, 'crashes', exits('abrupt'), `${exits('fatal')} fatal, ${exits('clean')} clean exits`, { alarm });
}

/** The bar shows what is scarcest, because bytes alone may be far from their limit while the index is full. */
function writeSpace(section, number, shown, blocked) {
  const shares = ['index', 'series', 'room', 'gauges'].map((name) => [number('promshm_capacity_used_ratio', name) || 0, name]);
  const [share, scarcest] = shares.reduce((most, each) => (each[0] > most[0] ? each : most));
  const pid = blocked?.labels.find(([name]) => name === 'pid')?.[1];
  const waits = pid ? `; waits for process ${pid}` : '';
  const detail = `${Math.round(share * 100)} % of ${scarcest} taken${waits}`;
  writeVital(section, 'space', shown('promshm_segment_used_bytes'), detail, { share, alarm: share >= 0.9 });
}

/** Hidden series use as much space as others, so they count. Metrics that have all the series that one may have are named. */
function writeSeries(section, number, model, segment) {
  const hidden = number('promshm_hidden_series') || 0;
  const overflows = model.families.get(`${segment}\npromshm_metric_overflows_total\ncounter`)?.series.values() ?? [];
  const full = [...overflows].map(({ labels }) => labels[0]?.[1]);
  const note = (hidden ? `; ${whole.format(hidden)} hidden` : '') + (full.length ? `; no more of ${full.join(', ')}` : '');
  writeFill(section, 'series', number('promshm_series') + hidden, number('promshm_series_limit'), '', note);
}

function writeFill(section, name, part, most, unit, note = '') {
  const [held, room] = [part, most].map((each) => (Number.isNaN(each) ? '–' : human(each, unit)));
  const share = part / most;
  writeVital(section, name, held, `of ${room}${note}`, { share, alarm: share >= 1 });
}

function writeDropped(section, model, segment) {
  const reasons = [...(model.families.get(`${segment}\npromshm_dropped_total\ncounter`)?.series.values() ?? [])];
  const some = reasons.filter(({ value }) => value > 0);
  const total = reasons.reduce((sum, { value }) => sum + value, 0);
  const detail = some.map(({ labels, value }) => `${labels[0]?.[1]} ${whole.format(value)}`).join(', ');
  writeVital(section, 'dropped', reasons.length ? whole.format(total) : '–', detail || 'updates', { alarm: total > 0 });
}

/** One panel for each segment. */
function writeStats(container, model) {
  const segments = model.segments();
  while (container.children.length < segments.length) {
    container.append(document.getElementById('stats-template').content.cloneNode(true));
  }
  while (container.children.length > segments.length) container.lastElementChild.remove();
  segments.forEach((segment, at) => {
    const section = container.children[at];
    const heading = section.querySelector('h2');
    write(heading, segment ? `Segment ${segment}` : 'Segment');
    heading.classList.toggle('unseen', !segment);
    writeSegment(section, model, segment);
  });
}
