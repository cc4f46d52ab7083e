--TEST--
A callback after the request's shutdown leaves no state behind
--DESCRIPTION--
PHP calls header callbacks of a response without a body after the modules' request shutdown. What a class cached at that point was allocated on a heap that has been freed.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}2f7
--FILE--
<?php
require __DIR__ . '/common.inc';

// Without output, the callback is called when the SAPI ends the request.
echo run_php('
    (new Counter("before_total"))->inc();
    header_register_callback(function () {
        $registry = Promshm\CollectorRegistry::getDefault();
        $registry->getOrRegisterCounter("late", "counter_total", "", ["a"])->inc(["b"]);
        $registry->getOrRegisterGauge("late", "gauge", "")->set(2);
        $registry->getOrRegisterHistogram("late", "histogram", "", [], [1])->observe(0.5);
        $registry->getOrRegisterSummary("late", "summary", "", [], 60, [0.5])->observe(3);
        (new Gauge("tracked"))->trackInProgress(fn () => (new Histogram("timed", buckets: [1]))->startTimer()->observeDuration());
        (new Counter("before_total"))->labels()->inc();
        $GLOBALS["page"] = (new Promshm\RenderTextFormat())->render($registry->getMetricFamilySamples());
        Segment::status();
    });
');
foreach (['before_total', 'late_counter_total{a="b"}', 'late_gauge', 'late_histogram_count', 'late_summary_count', 'tracked', 'timed_count'] as $series) {
    echo $series, ' ', sample($series) ?? 'is not there', "\n";
}
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
before_total 2
late_counter_total{a="b"} 1
late_gauge 2
late_histogram_count 1
late_summary_count 1
tracked 0
timed_count 1
