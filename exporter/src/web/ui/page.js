// The page's life: fetch, read, show, rest.

/** Milliseconds from one scrape's begin to the next one's; more where a scrape takes long. */
const INTERVAL = 2000;
/** Share of the time that the page may spend on reading: a tenth. */
const EASE = 10;
/** After so many milliseconds without an answer the exporter counts as away. */
const PATIENCE = 10000;

const byId = (id) => document.getElementById(id);
const list = new List(byId('list'));
const model = new Model();
const page = { paused: false, answeredAt: null, wake: () => {} };

/** One scrape; resolves to what reading it cost in milliseconds. */
async function scrape() {
  // Of the page's own URL the path alone: a browser fetches none that has a user in it.
  const { pathname } = new URL(document.body.dataset.metrics, location.href);
  const answer = await fetch(location.origin + pathname, {
    // The second field tells the exporter that no Prometheus has these numbers now.
    headers: { Accept: 'text/plain;version=0.0.4', 'Promshm-Live': '1' },
    cache: 'no-store',
    signal: AbortSignal.timeout(PATIENCE),
  });
  if (!answer.ok) throw new Error(`it answers ${answer.status}`);
  const at = performance.now();
  const text = await answer.text();
  const start = performance.now();
  model.begin(text);
  await readPage(text, model);
  model.commit(at);
  return performance.now() - start;
}

function time(date) {
  return date.toLocaleTimeString('en-GB');
}

/** Says how things stand, aloud only when that changes. */
function say(state, words, note = '') {
  document.body.dataset.state = state;
  write(byId('state'), words);
  write(byId('note'), note);
  byId('note').hidden = !note;
}

function showScrape() {
  page.answeredAt = new Date();
  byId('clock').textContent = time(page.answeredAt);
  const away = model.segments().filter((segment) => model.own(segment, 'promshm_up')?.value === 0);
  if (away.length) say('unread', 'no segment', absence(away));
  else say('live', 'live', model.size ? '' : 'There are no series yet.');
  writeVitals(byId('vitals'), model);
  list.show(model);
  showFound();
}

function absence(segments) {
  const which = segments[0] === '' ? 'The segment' : `Segment ${segments.join(', ')}`;
  return `${which} cannot be read: no worker has counted yet, or it is out of reach. The exporter's log has the cause.`;
}

function showFound() {
  const all = whole.format(model.size);
  const words = list.filter ? `${whole.format(list.total)} of ${all} series` : `${all} series`;
  write(byId('past'), scaled(Math.round(model.span()), SECONDS));
  write(byId('found'), list.filter && !list.total ? `None of ${all} series has that in its name or labels.` : words);
}

function showTrouble(error) {
  const causes = { TimeoutError: 'it does not answer', TypeError: 'it cannot be reached' };
  const since = page.answeredAt ? ` What you see is from ${time(page.answeredAt)}.` : '';
  say('away', 'exporter away', `The exporter is away: ${causes[error.name] ?? error.message}.${since}`);
}

/** Resolves after a while, or as soon as somebody wakes the page. */
function rest(milliseconds) {
  return new Promise((resolve) => {
    page.wake = resolve;
    if (milliseconds < Infinity) setTimeout(resolve, milliseconds);
  });
}

async function live() {
  for (;;) {
    while (document.hidden || page.paused) {
      say('paused', 'paused');
      await rest(Infinity);
    }
    const start = performance.now();
    let cost = 0;
    try {
      cost = await scrape();
      showScrape();
    } catch (error) {
      showTrouble(error);
    }
    await rest(Math.max(INTERVAL - (performance.now() - start), cost * EASE, 100));
  }
}

/** At most one drawing for each frame. */
function onFrame(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      draw();
    });
  };
}

function togglePause() {
  page.paused = !page.paused;
  byId('pause').setAttribute('aria-pressed', page.paused);
  byId('pause').textContent = page.paused ? 'Go on' : 'Pause';
  page.wake();
}

function onKey(event) {
  const typing = event.target === byId('filter');
  if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    byId('filter').focus();
  } else if (event.key === 'Escape' && typing) {
    byId('filter').value = '';
    search();
  }
}

function search() {
  list.search(byId('filter').value);
  window.scrollTo(0, 0);
  showFound();
}

function start() {
  document.querySelectorAll('.state, .tools, .head').forEach((element) => (element.hidden = false));
  readColours();
  byId('filter').addEventListener('input', onFrame(search));
  document.querySelector('.tools').addEventListener('submit', (event) => event.preventDefault());
  byId('pause').addEventListener('click', togglePause);
  document.addEventListener('keydown', onKey);
  document.addEventListener('visibilitychange', () => page.wake());
  window.addEventListener('scroll', onFrame(() => list.draw()), { passive: true });
  window.addEventListener('resize', onFrame(() => {
    list.rebuild();
    list.draw();
  }));
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    readColours();
    list.draw();
  });
  live();
}

start();
