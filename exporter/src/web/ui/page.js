// The main loop: fetch, parse, draw, wait.

/** Milliseconds between the starts of two scrapes; more if a scrape takes long. */
const INTERVAL = 2000;
/** Waits this many times as long as parsing took, so that it takes a tenth of the time at most. */
const EASE = 10;
/** After this many milliseconds without a response the exporter counts as unreachable. */
const PATIENCE = 10000;

const byId = (id) => document.getElementById(id);
const list = new List(byId('list'));
const views = [new FunctionTable(), new WorkerTable(), new RoomTable()];
const model = new Model();
const page = { view: location.hash.slice(1), paused: false, answeredAt: null, wake: () => {} };

/** One scrape; resolves to the milliseconds that parsing took. */
async function scrape() {
  // Only the path of the page's URL: a browser does not fetch URLs with credentials.
  const { pathname } = new URL(document.body.dataset.metrics, location.href);
  const answer = await fetch(location.origin + pathname, {
    // The second field tells the exporter that a person receives this scrape, not Prometheus.
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

/** Shows the state; announces it to screen readers only when it changes. */
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
  writeStats(byId('stats'), model);
  views.forEach((view) => view.update(model));
  showView();
}

/** The view that is shown instead of the list of metrics, if there is one. */
function shownView() {
  return views.find((view) => view.id === page.view && view.size);
}

function showView() {
  const shown = shownView();
  for (const view of views) {
    const button = document.querySelector(`[data-view=${view.id}]`);
    button.hidden = !view.size;
    button.setAttribute('aria-pressed', view === shown);
    view.element.hidden = view !== shown;
  }
  byId('table').hidden = Boolean(shown);
  list.show(model);
  showFound();
}

function toggleView(id) {
  page.view = shownView()?.id === id ? '' : id;
  noteAddress();
  list.rebuild();
  window.scrollTo(0, 0);
  showView();
}

function absence(segments) {
  const which = segments[0] === '' ? 'The segment' : `Segment ${segments.join(', ')}`;
  return `${which} cannot be read: no worker has counted yet, or it is out of reach. The exporter's log has the cause.`;
}

function showFound() {
  const span = scaled(Math.round(model.span()), SECONDS);
  shownView()?.draw(list.filter, span);
  const all = whole.format(model.size);
  const words = list.filter ? `${whole.format(list.total)} of ${all} series` : `${all} series`;
  write(byId('past'), span);
  write(byId('found'), list.filter && !list.total ? `None of ${all} series has that in its name or labels.` : words);
}

function showTrouble(error) {
  const causes = { TimeoutError: 'it does not answer', TypeError: 'it cannot be reached' };
  const since = page.answeredAt ? ` What you see is from ${time(page.answeredAt)}.` : '';
  say('away', 'exporter away', `The exporter is away: ${causes[error.name] ?? error.message}.${since}`);
}

/** Resolves after a time, or as soon as the page is woken. */
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

/** Draws at most once per frame. */
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

/** Notes the filter and the view in the address, so that a link to the page shows the same. */
function noteAddress() {
  const query = list.filter ? `?${new URLSearchParams({ filter: list.filter })}` : '';
  const hash = page.view ? `#${page.view}` : '';
  history.replaceState(null, '', location.pathname + query + hash);
}

function search() {
  list.search(byId('filter').value);
  noteAddress();
  window.scrollTo(0, 0);
  showFound();
}

function start() {
  document.querySelectorAll('.state, .tools, #table .head').forEach((element) => (element.hidden = false));
  readColours();
  byId('filter').value = new URLSearchParams(location.search).get('filter') ?? '';
  list.search(byId('filter').value);
  byId('filter').addEventListener('input', onFrame(search));
  document.querySelector('.tools').addEventListener('submit', (event) => event.preventDefault());
  byId('pause').addEventListener('click', togglePause);
  byId('table').after(...views.map((view) => view.element));
  document.querySelectorAll('[data-view]').forEach((button) => button.addEventListener('click', () => toggleView(button.dataset.view)));
  window.addEventListener('hashchange', () => {
    page.view = location.hash.slice(1);
    list.rebuild();
    showView();
  });
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
