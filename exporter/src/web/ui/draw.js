// Sparklines and heat strips. Time goes from left to right, the newest scrape at the right edge.

const colours = {};

/** Reads the page's colours, which follow the system's colour scheme. */
function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ['accent', 'line']) colours[name] = style.getPropertyValue(`--${name}`).trim();
}

/** Clears a canvas at the screen's resolution; returns its context and size in CSS pixels, or nothing if it is hidden. */
function wiped(canvas, width, height) {
  if (!width || !height) return null;
  const scale = window.devicePixelRatio || 1;
  const brush = canvas.getContext('2d');
  canvas.width = Math.round(width * scale); // also clears
  canvas.height = Math.round(height * scale);
  brush.scale(scale, scale);
  return brush;
}

/** The values of a ring buffer, the oldest first. */
function inOrder(past, column) {
  return Array.from({ length: SAMPLES }, (_, at) => past[(column + 1 + at) % SAMPLES]);
}

/** The smallest and largest finite number, or nothing if there is none. */
function extent(numbers) {
  const known = numbers.filter(Number.isFinite);
  return known.length ? [Math.min(...known), Math.max(...known)] : null;
}

/** Where values from `low` to `low + span` lie on a canvas; `flat`: all of them, if there is no span. */
function axes(width, height, low, span, flat) {
  return {
    x: (at) => 1 + (at * (width - 4)) / (SAMPLES - 1),
    y: (number) => height - 2 - (span ? (number - low) / span : flat) * (height - 4),
  };
}

function pen(brush) {
  brush.lineJoin = 'round';
  brush.lineWidth = 1.25;
  brush.strokeStyle = brush.fillStyle = colours.accent;
}

/** Draws the pasts of quantiles over one axis from 0, the highest one the strongest. */
function drawQuantiles(canvas, width, height, pasts) {
  const brush = wiped(canvas, width, height);
  const range = extent(pasts.flat());
  if (!brush || !range) return;
  const { x, y } = axes(width, height, Math.min(0, range[0]), range[1] - Math.min(0, range[0]), 0);
  pen(brush);
  pasts.forEach((numbers, at) => {
    brush.globalAlpha = (at + 1) / pasts.length;
    for (const run of runs(numbers)) drawRun(brush, run, x, y);
    const last = numbers.at(-1);
    if (Number.isFinite(last)) brush.fillRect(x(SAMPLES - 1) - 1, y(last) - 1, 3, 3);
  });
}

/** Draws values as a line: rates start at 0, other values fill the height between their extremes. */
function drawLine(canvas, width, height, numbers, fromZero) {
  const brush = wiped(canvas, width, height);
  const range = extent(numbers);
  if (!brush || !range) return;
  const low = fromZero ? Math.min(0, range[0]) : range[0];
  const span = range[1] - low;
  const flat = fromZero && range[1] <= 0 ? 0 : 0.5;
  const { x, y } = axes(width, height, low, span, flat);
  pen(brush);
  for (const run of runs(numbers)) drawRun(brush, run, x, y, fromZero && height - 1);
  const last = numbers.at(-1);
  if (Number.isFinite(last)) brush.fillRect(x(SAMPLES - 1) - 1, y(last) - 1, 3, 3);
}

/** Runs of known values, as [index, value]. */
function runs(numbers) {
  const found = [[]];
  numbers.forEach((number, at) => {
    if (Number.isFinite(number)) found.at(-1).push([at, number]);
    else if (found.at(-1).length) found.push([]);
  });
  return found.filter((run) => run.length);
}

function drawRun(brush, run, x, y, floor) {
  brush.beginPath();
  run.forEach(([at, number]) => brush.lineTo(x(at), y(number)));
  brush.stroke();
  if (!floor) return;
  brush.lineTo(x(run.at(-1)[0]), floor);
  brush.lineTo(x(run[0][0]), floor);
  brush.globalAlpha = 0.14;
  brush.fill();
  brush.globalAlpha = 1;
}

/** Draws a histogram's past: a column for each scrape, a band for each bucket with the lowest at the
    bottom, and the more of the scrape's observations a bucket got, the stronger its colour. */
function drawHeat(canvas, width, height, histogram, column) {
  const brush = wiped(canvas, width, height);
  const { columns } = histogram;
  if (!brush || !columns) return;
  const bands = histogram.bounds.length;
  const [cell, band] = [width / SAMPLES, height / bands];
  brush.fillStyle = colours.accent;
  for (let at = 0; at < SAMPLES; at += 1) {
    const start = ((column + 1 + at) % SAMPLES) * bands;
    const counts = columns.subarray(start, start + bands);
    const total = counts.reduce((sum, count) => sum + count, 0);
    if (!(total > 0)) continue;
    counts.forEach((count, bucket) => {
      if (count <= 0) return;
      brush.globalAlpha = 0.12 + 0.88 * Math.sqrt(count / total);
      brush.fillRect(at * cell, height - (bucket + 1) * band, Math.max(1, cell - 0.5), Math.max(1, band - 0.5));
    });
  }
}
