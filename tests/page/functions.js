// Runs inside the page: asks its functions one by one, and returns how many answers were looked at
// and which of them were wrong.
(() => {
  const wrong = [];
  let count = 0;
  const is = (found, expected) => {
    count += 1;
    if (found !== expected) wrong.push(`${count}: ${found} is not ${expected}`);
  };

  is(human(1204, ''), '1,204');
  is(human(0.0198, 'seconds'), '19.8 ms');
  is(human(0.99996, 'seconds'), '1 s');
  is(human(150, 'seconds'), '2.5 min');
  is(human(1536, 'bytes'), '1.5 KiB');
  is(human(0.125, 'ratio'), '12.5 %');
  is(human(1e21, ''), '1.000e+21');
  for (const unit of ['', 'seconds', 'bytes', 'ratio', 'moment']) {
    for (const number of [1e300, -1e300, 1.7976931348623157e308, 123456789012345680000]) {
      is([human(number, unit), humanRate(number, unit)].every((text) => text.length <= 18), true);
    }
  }
  is(human(1e300, 'bytes'), '8.88e+284 PiB');
  is(human(NaN, ''), 'NaN');
  is(human(-Infinity, 'bytes'), '−Inf');
  is(human(Date.now() / 1000 - 90.4, 'moment'), '90.4 s ago');
  is(humanRate(0, ''), '0/s');
  is(humanRate(12340, ''), '12.3 k/s');
  is(humanRate(0.42, 'seconds'), '420 ms/s');
  is(humanRate(2048, 'bytes'), '2 KiB/s');
  is(humanRate(NaN, ''), '–');
  is(unitOf('cpu_seconds_total'), 'seconds');
  is(unitOf('process_start_time_seconds'), 'moment');
  is(unitOf('jobs_total'), '');

  is(JSON.stringify(parseSeries('up')), '{"name":"up","labels":[]}');
  is(JSON.stringify(parseSeries('a{b="x y",c="\\\\ \\" \\n } {"}').labels), JSON.stringify([['b', 'x y'], ['c', '\\ " \n } {']]));
  is(['+Inf', '-Inf', '1e+06', '0.1'].map(parseNumber).join(), 'Infinity,-Infinity,1000000,0.1');

  /** A model that read pages, two seconds apart. */
  const after = (...pages) => {
    const found = new Model();
    pages.forEach((text, at) => {
      found.begin(text);
      text.split('\n').forEach((line) => readLine(line, found));
      found.commit(at * 2000);
    });
    return found;
  };
  const only = (found) => [...[...found.families.values()][0].series.values()][0];
  const counter = (number) => `# HELP c Help.\n# TYPE c counter\nc ${number}\n`;
  is(Number.isNaN(only(after(counter(5))).rate), true); // one scrape tells no rate
  is(only(after(counter(5), counter(9))).rate, 2);
  is(only(after(counter(5), counter(9), counter(3))).rate, 1.5); // it began anew at 0
  is(Number.isNaN(only(after('', counter(9))).rate), true); // nobody knows how long it took

  const gauge = only(after('# TYPE g gauge\ng{a="1"} -2.5\n'));
  is(`${gauge.value} ${gauge.rate} ${gauge.haystack}`, '-2.5 NaN g a=1 a="1"');

  const histogram = (low, middle, high, sum) =>
    `# TYPE h histogram\nh_bucket{le="1.0"} ${low}\nh_bucket{le="2.0"} ${middle}\nh_bucket{le="+Inf"} ${high}\nh_sum ${sum}\nh_count ${high}\n`;
  const observed = only(after(histogram(1, 1, 1, 1), histogram(3, 5, 5, 6)));
  is([observed.value, observed.rate, observed.quantile(0.5), observed.quantile(0.75), observed.quantile(1)].join(), '5,2,1,1.5,2');
  is(only(after(histogram(1, 1, 1, 1), histogram(1, 1, 9, 90))).quantile(0.5), 2); // all that can be said: more
  is(Number.isNaN(only(after(histogram(1, 1, 1, 1), histogram(1, 1, 1, 1))).quantile(0.5)), true);
  is(only(after(histogram(9, 9, 9, 9), histogram(0, 1, 1, 1))).recent().join(), '0,1,0'); // it began anew
  const other = histogram(3, 5, 5, 6).replace('2.0', '7.0');
  for (const pages of [[histogram(3, 5, 5, 6), other], [other, other.replace(/.*7.0.*\n/, '')]]) {
    is(after(...pages).size, 0); // a deploy changed the buckets
    is(only(after(...pages, pages[1])).bounds.join(), pages[1].includes('7.0') ? '1,7,Infinity' : '1,Infinity');
  }

  const summary = after('# TYPE s summary\ns{quantile="0.5"} 3\ns_sum 9\ns_count 2\n');
  is([...summary.families.values()].map(({ name, series }) => `${name} ${series.size}`).join(), 's 3');

  const gone = after('# TYPE c counter\nc{a="1"} 1\nc{a="2"} 1\n', '# TYPE c counter\nc{a="2"} 1\n', '');
  is([gone.size, gone.targets.size, gone.families.size].join(), '0,0,0');

  const up = (...segments) => segments.map((segment) => `promshm_up{segment="${segment}"} 1\n`).join('');
  const several = after(`# TYPE c counter\nc{segment="b",q="1"} 1\nc{segment="a"} 2\n# TYPE promshm_up gauge\n${up('a', 'b')}`);
  is(groups(several).map(({ name, families }) => `${name}: ${families.length}`).join(), 'Segment a: 1,Segment b: 1,The exporter and its segment: 2');
  is(several.own('b', 'promshm_up').value, 1);
  is(several.segments().join(), 'a,b');
  const alone = after('# TYPE c counter\nc{segment="b"} 1\n# TYPE promshm_up gauge\npromshm_up 1\n');
  is(groups(alone)[0].families[0].segment, ''); // a label of the workers' own

  const moved = only(after(histogram(1, 1, 1, 1), histogram(3, 5, 5, 6), histogram(3, 5, 5, 6)));
  is(moved.pastOf(0.5, 2).slice(-3).join(), 'NaN,1,1'); // nothing came last, so the scrape before it speaks
  is(queryOf(moved.family), 'histogram_quantile(0.95, sum(rate(h[5m]))) or histogram_quantile(0.95, sum by (le) (rate(h_bucket[5m])))');
  const query = (page) => queryOf([...after(page).families.values()][0]);
  is(query('# TYPE s summary\ns{a="1",quantile="0.5"} 3\ns_sum{a="1"} 9\ns_count{a="1"} 2\n'), 'sum by (a) (rate(s_sum[5m])) / sum by (a) (rate(s_count[5m]))');
  is(query('# TYPE g_timestamp_seconds gauge\ng_timestamp_seconds 1\n'), 'time() - g_timestamp_seconds');
  is(query('# TYPE g_bytes gauge\ng_bytes{a="1"} 1\n'), 'g_bytes');
  is(query(`# TYPE c counter\nc{segment="b",q="1"} 1\n# TYPE promshm_up gauge\n${up('b')}`), 'sum by (q) (rate(c{segment="b"}[5m]))');

  const workers = after('# TYPE process_payments_total counter\nprocess_payments_total 1\n# TYPE process_open_fds gauge\nprocess_open_fds 1\n');
  is([...workers.families.values()].map(({ own }) => own).join(), 'false,true');
  return { count, wrong };
})()
