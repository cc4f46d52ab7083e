// The views beside the list: tables of few columns, sorted by the column whose heading is pressed.

/** Rows that are made; the filter finds the others. */
const MOST_ROWS = 400;

/** What a view says for a number that nobody knows. */
const orDash = (number, text) => (Number.isNaN(number) ? '–' : text);

/** A table whose first column is a row's title. A column has a name, a heading, the value that it is sorted by, numbers with the
    largest first, and the text that it shows. */
class Table {
  constructor(id, label, title, sort, columns) {
    const element = document.getElementById('view-template').content.firstElementChild.cloneNode(true);
    Object.assign(this, { id, label, element, sort, columns, all: [], rows: new Map(), reversed: false, filter: '' });
    Object.assign(element, { id, className: `view ${id}`, ariaLabel: label });
    this.counted = element.querySelector('.counted');
    this.head = element.querySelector('.head');
    this.body = element.querySelector('[role=rowgroup]');
    const byTitle = { name: 'name', heading: title };
    for (const column of [byTitle, ...columns]) this.head.append(headingOf(column, column === byTitle));
    this.head.addEventListener('click', ({ target }) => this.sortBy(target.closest('button')?.dataset.sort));
  }

  get size() {
    return this.all.length;
  }

  /** Choosing the same order again reverses it. */
  sortBy(sort) {
    if (!sort) return;
    this.reversed = this.sort === sort && !this.reversed;
    this.sort = sort;
    this.draw(this.filter);
  }

  /** Draws the rows that match a filter, and says how many there are, over the last `span`. */
  draw(filter, span = this.span) {
    Object.assign(this, { filter, span });
    const found = this.all.filter(matcher(filter)).sort(this.order());
    const which = filter ? `${whole.format(found.length)} of ${whole.format(this.size)}` : whole.format(found.length);
    const noun = this.label.toLowerCase();
    write(this.counted, `${which} ${found.length === 1 ? noun.slice(0, -1) : noun}, over the last ${span}`);
    this.writeHead();
    this.place(found.slice(0, MOST_ROWS));
  }

  order() {
    const value = this.columns.find(({ name }) => name === this.sort)?.value;
    const turn = this.reversed ? -1 : 1;
    const names = new Intl.Collator('en', { numeric: true });
    const byTitle = (one, other) => names.compare(one.title, other.title) || names.compare(one.note, other.note);
    if (!value) return (one, other) => turn * byTitle(one, other);
    const known = (one) => (Number.isNaN(value(one)) ? -Infinity : value(one));
    return (one, other) => turn * (known(other) - known(one) || 0) || byTitle(one, other);
  }

  writeHead() {
    for (const button of this.head.querySelectorAll('button')) {
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
    if (!this.rows.has(one.id)) this.rows.set(one.id, this.make(one));
    const row = this.rows.get(one.id);
    this.columns.forEach(({ text }, at) => write(row.children[at + 1], text(one)));
    row.classList.toggle('failing', Boolean(one.failing));
    if (one.share) row.style.setProperty('--share', `${one.share * 100}%`);
    return row;
  }

  make({ title, note }) {
    const row = document.getElementById('line-template').content.firstElementChild.cloneNode(true);
    row.querySelector('b').textContent = title;
    row.querySelector('.note-of').textContent = note;
    row.firstElementChild.title = `${title} ${note}`.trim();
    for (const { name } of this.columns) {
      row.append(Object.assign(document.createElement('span'), { className: `number ${name}`, role: 'cell' }));
    }
    return row;
  }
}

function headingOf({ name, heading }, isTitle) {
  const cell = Object.assign(document.createElement('span'), { role: 'columnheader', className: isTitle ? '' : 'number' });
  const button = Object.assign(document.createElement('button'), { type: 'button', textContent: heading });
  button.dataset.sort = name;
  cell.append(button);
  return cell;
}
