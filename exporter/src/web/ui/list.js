// The list of families and series. It is virtualized: only visible rows exist as elements.

/** Height beyond each edge of the window for which rows are made, in pixels. */
const MARGIN = 240;

const byName = (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/** Whether all words of the filter occur in a series' family name or labels. */
function matcher(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return (series) => words.every((word) => series.haystack.includes(word));
}

/** All rows of the list: the kind of each, and what it shows. */
function rowsOf(model, filter, folded) {
  const rows = [];
  const matches = matcher(filter);
  const open = (id) => Boolean(filter) || !folded(id);
  let shown = 0;
  for (const { id, name, families } of groups(model)) {
    const listed = families.filter((family) => filter || !OF_A_WORKER.test(family.name)); // they have a view
    const matching = listed.map((family) => [family, [...family.series.values()].filter(matches)]);
    const found = matching.filter(([, all]) => all.length);
    shown += found.reduce((sum, [, all]) => sum + all.length, 0);
    if (found.length && name) rows.push({ kind: 'group', id, name, open: open(id) });
    if (name && !open(id)) continue;
    for (const [family, all] of found) familyRows(family, all, open).forEach((row) => rows.push(row));
  }
  return { rows, shown };
}

/** A heading and its series; a family of a single value needs no heading. */
function familyRows(family, all, open) {
  const [first] = all;
  const isSingle = family.series.size === 1 && !first.labels.length && !(first instanceof Histogram);
  if (isSingle) return [{ kind: 'single', id: first, family, series: first }];
  const heading = { kind: 'family', id: family.id, family, count: all.length, open: open(family.id) };
  return heading.open ? [heading, ...all.map(seriesRow)] : [heading];
}

function seriesRow(series) {
  return { kind: series instanceof Histogram ? 'histogram' : 'series', id: series, series };
}

/** The workers' families by segment, and the exporter's own at the end. */
function groups(model) {
  const families = [...model.families.values()].sort(byName);
  const segments = [...new Set(families.map((family) => family.segment))].sort();
  const workers = segments.map((segment) => ({
    id: `segment ${segment}`,
    name: segment && `Segment ${segment}`,
    families: families.filter((family) => !family.own && family.segment === segment),
  }));
  return [...workers, { id: OWN, name: 'The exporter and its segment', families: families.filter((family) => family.own) }];
}

/** The group that is collapsed at first. */
const OWN = 'own';

class List {
  constructor(element) {
    Object.assign(this, { element, rows: [], tops: [0], shown: new Map(), heights: {}, filter: '', version: -1, total: 0 });
    this.folds = new Set([OWN]);
    element.addEventListener('click', (event) => this.toggle(event.target.closest('button')));
  }

  toggle(button) {
    const id = button?.dataset.id;
    if (!id || this.filter) return;
    if (!this.folds.delete(id)) this.folds.add(id);
    this.rebuild();
    this.draw();
  }

  /** Sets the rows to show. */
  show(model) {
    this.model = model;
    if (model.version !== this.version) this.rebuild();
    this.draw();
  }

  search(text) {
    this.filter = text.trim();
    this.rebuild();
    this.draw();
  }

  /** Rebuilds all rows and their layout. */
  rebuild() {
    if (!this.model) return;
    this.version = this.model.version;
    const { rows, shown } = rowsOf(this.model, this.filter, (id) => this.folds.has(id));
    Object.assign(this, { rows, total: shown });
    this.layOut();
  }

  /** Reads the height of each kind of row from the style sheet, and computes the rows' offsets. */
  layOut() {
    const style = getComputedStyle(this.element);
    for (const kind of ['group', 'family', 'single', 'series', 'histogram']) {
      this.heights[kind] = parseFloat(style.getPropertyValue(`--${kind}`));
    }
    this.tops = new Float64Array(this.rows.length + 1);
    this.rows.forEach(({ kind }, at) => {
      this.tops[at + 1] = this.tops[at] + this.heights[kind];
    });
    this.element.style.height = `${this.tops[this.rows.length]}px`;
    this.element.parentElement.setAttribute('aria-rowcount', this.rows.length + 1);
  }

  /** The row at an offset. */
  at(height) {
    let [low, high] = [0, this.rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.tops[middle + 1] <= height) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Creates the visible rows, removes the others, and writes the values. */
  draw() {
    if (!this.model) return;
    this.place();
    const rows = [...this.shown.values()];
    const sizes = rows.map(({ canvas, lines }) => [canvas, lines].flatMap((each) => [each?.clientWidth, each?.clientHeight])); // all at once: one layout
    rows.forEach((row, at) => drawTrend(row, sizes[at], this.model));
  }

  place() {
    const top = window.scrollY - this.element.offsetTop;
    const first = this.at(top - MARGIN);
    const last = Math.min(this.rows.length, this.at(top + window.innerHeight + MARGIN) + 1);
    this.keepOnly(this.rows.slice(first, last));
    let next = this.element.firstElementChild; // in the order of the list, for those who read or tab through it
    for (let at = first; at < last; at += 1) {
      const { element } = this.put(at);
      if (element === next) next = next.nextElementSibling;
      else this.element.insertBefore(element, next);
    }
  }

  /** Removes the elements of rows that are not visible. */
  keepOnly(rows) {
    const wanted = new Set(rows.map(({ id }) => id));
    for (const [id, { element }] of this.shown) {
      if (wanted.has(id)) continue;
      element.remove();
      this.shown.delete(id);
    }
  }

  /** Places and updates a row's element. The element is reused, so that it keeps the focus. */
  put(at) {
    const row = this.rows[at];
    if (!this.shown.has(row.id)) this.shown.set(row.id, makeRow(row));
    const parts = this.shown.get(row.id);
    fillRow(row, parts);
    parts.element.style.transform = `translateY(${this.tops[at]}px)`;
    parts.element.setAttribute('aria-rowindex', at + 2); // below the table's head
    return parts;
  }
}
