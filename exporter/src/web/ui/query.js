// A metric as PromQL: the query that suits its type, ready to be pasted into Prometheus or Grafana.

/** `sum by (a, b) (…)`, over the labels of a family and further ones. */
function summed(names, what) {
  return names.length ? `sum by (${names.join(', ')}) (${what})` : `sum(${what})`;
}

/** Rates of what grows, quantiles of histograms, means of summaries, whose quantiles cannot be added up. */
function queryOf({ name, type, unit, segment, series }) {
  const [first] = series.values();
  const names = first.labels.map(([key]) => key).filter((key) => key && key !== 'quantile');
  const selector = segment ? `{segment=${JSON.stringify(segment)}}` : '';
  const rate = (suffix) => `rate(${name}${suffix}${selector}[5m])`;
  if (type === 'counter') return summed(names, rate(''));
  if (type === 'histogram') {
    // Prometheus may have it as a native histogram, under its plain name and without `le`: the text format does not tell.
    const quantile = (labels, suffix) => `histogram_quantile(0.95, ${summed(labels, rate(suffix))})`;
    return `${quantile(names, '')} or ${quantile(['le', ...names], '_bucket')}`;
  }
  if (type === 'summary') return `${summed(names, rate('_sum'))} / ${summed(names, rate('_count'))}`;
  return unit === 'moment' ? `time() - ${name}${selector}` : name + selector;
}

/** Copies a text; browsers give the clipboard to secure pages alone, so the others use a field for it. */
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = Object.assign(document.createElement('textarea'), { value: text, className: 'unseen' });
    document.body.append(field);
    field.select();
    const isCopied = document.execCommand('copy');
    field.remove();
    return isCopied;
  }
}

/** What a press of a button "PromQL" does. */
async function copyQuery(button, family) {
  const query = queryOf(family);
  if (!(await copyText(query))) window.prompt('PromQL', query);
  button.focus();
  write(button, 'copied');
  setTimeout(() => write(button, 'PromQL'), 1500);
}
