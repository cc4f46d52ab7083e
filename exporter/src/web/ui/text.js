// Prometheus's text format 0.0.4, as this exporter writes it: no timestamps.

/** The browser gets a turn after so many milliseconds of reading. */
const SLICE = 8;

/** A label value or a help text without its backslashes. */
function unescaped(text) {
  return text.includes('\\') ? text.replace(/\\(.)/gs, (_, c) => (c === 'n' ? '\n' : c)) : text;
}

/** Takes `name{a="b"}` apart: the name, and the labels as pairs. */
function parseSeries(text) {
  const open = text.indexOf('{');
  if (open < 0) return { name: text, labels: [] };
  const pairs = text.slice(open).matchAll(/([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/gs);
  return { name: text.slice(0, open), labels: Array.from(pairs, ([, key, value]) => [key, unescaped(value)]) };
}

function parseNumber(text) {
  if (text === '+Inf') return Infinity;
  return text === '-Inf' ? -Infinity : Number(text);
}

/** Hands one line to the model. */
function readLine(line, model) {
  if (line.startsWith('# HELP ')) {
    const end = line.indexOf(' ', 7);
    model.help(line.slice(7, end < 0 ? undefined : end), end < 0 ? '' : unescaped(line.slice(end + 1)));
  } else if (line.startsWith('# TYPE ')) {
    model.type(...line.slice(7).split(' '));
  } else if (line && !line.startsWith('#')) {
    const end = line.lastIndexOf(' ');
    model.sample(line.slice(0, end), parseNumber(line.slice(end + 1)));
  }
}

/** Hands a page to the model line by line, and never holds the browser up for long. */
async function readPage(page, model) {
  let pauseAt = performance.now() + SLICE;
  for (let start = 0, count = 1; start < page.length; count += 1) {
    const newline = page.indexOf('\n', start);
    const end = newline < 0 ? page.length : newline;
    readLine(page.slice(start, end), model);
    start = end + 1;
    if (count % 256 === 0 && performance.now() > pauseAt) {
      await new Promise((resolve) => setTimeout(resolve));
      pauseAt = performance.now() + SLICE;
    }
  }
}
