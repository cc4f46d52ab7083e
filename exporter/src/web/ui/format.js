// Formats numbers for people; the ending of a metric's name gives the unit.

const SECONDS = [
  [1e-9, 'ns'], [1e-6, 'µs'], [1e-3, 'ms'], [1, 's'],
  [60, 'min', 120], [3600, 'h', 7200], [86400, 'd', 172800],
];
const BYTES = [[1, 'B'], [2 ** 10, 'KiB'], [2 ** 20, 'MiB'], [2 ** 30, 'GiB'], [2 ** 40, 'TiB'], [2 ** 50, 'PiB']];
const COUNTS = [[1, ''], [1e3, 'k'], [1e6, 'M'], [1e9, 'G'], [1e12, 'T']];
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en', { maximumSignificantDigits: 3, useGrouping: false });
const tenths = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const four = new Intl.NumberFormat('en', { maximumSignificantDigits: 4 });

/** Three significant digits, however large the number is, because columns are narrow. */
function shortly(number) {
  return Math.abs(number) < 1e6 ? short.format(number) : number.toExponential(2);
}

/** The unit of a family's values: seconds, moment (seconds since 1970), bytes, ratio, or none. */
function unitOf(name) {
  const [, unit] = /_(timestamp_seconds|time_seconds|seconds|bytes|ratio)(?:_total)?$/.exec(name) ?? [];
  if (unit === 'timestamp_seconds' || unit === 'time_seconds') return 'moment';
  return unit ?? '';
}

/** A number in the largest unit that it reaches; a scale's third entry is the number from which it is used. */
function scaled(number, scales) {
  const size = Math.abs(number);
  const fits = scales.findLast(([factor, , from = factor]) => size >= from * 0.9995) ?? scales[0];
  return `${shortly(number / fits[0])} ${fits[1]}`.trimEnd();
}

function odd(number) {
  return Number.isNaN(number) ? 'NaN' : number > 0 ? '+Inf' : '−Inf';
}

function plain(number) {
  const size = Math.abs(number);
  if (size >= 1e15 || (size > 0 && size < 1e-4)) return number.toExponential(3);
  return (size < 1000 ? four : tenths).format(number);
}

function ago(seconds) {
  const past = Date.now() / 1000 - seconds;
  if (seconds < 1e8) return scaled(seconds, SECONDS); // too small for a point in time
  return past < 0 ? `in ${scaled(-past, SECONDS)}` : `${past < 1 ? 'now' : `${scaled(past, SECONDS)} ago`}`;
}

/** A value in its family's unit. */
function human(number, unit) {
  if (!Number.isFinite(number)) return odd(number);
  if (unit === 'moment') return ago(number);
  if (number === 0) return '0';
  if (unit === 'seconds') return scaled(number, SECONDS);
  if (unit === 'bytes') return scaled(number, BYTES);
  return unit === 'ratio' ? `${shortly(number * 100)} %` : plain(number);
}

/** A rate per second. */
function humanRate(number, unit) {
  if (!Number.isFinite(number)) return '–';
  if (number === 0) return '0/s';
  const scales = { seconds: SECONDS, bytes: BYTES }[unit] ?? COUNTS;
  return `${scaled(number, scales)}/s`;
}
