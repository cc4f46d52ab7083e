// Parses Prometheus's text format 0.0.4 as this exporter writes it, without timestamps.

/** Yields to the browser after this many milliseconds of parsing. */
const SLICE = 8;

/** Unescapes a label value or a help text. */
function unescaped(text) {
  return text.includes('\\') ? text.replace(/\\(.)/gs, (_, c) => (c === 'n' ? '\n' : c)) : text;
}

/** Splits `name{a="b"}` into the name and the labels as pairs. */
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

/** Passes one line to the model. */
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

/** Passes a page to the model line by line, without blocking the browser for long. */
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
