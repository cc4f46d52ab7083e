#!/usr/bin/env python3
"""Writes the Grafana dashboard to the standard output: `grafana/dashboard.py > grafana/dashboard.json`.

A test holds dashboard.json against this script, and asks a real Prometheus every expression in it.
"""

import json

WIDTH = 24  # columns of Grafana's grid
HEIGHT = 8
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
PICKED = 'job=~"$job", instance=~"$instance"'
RATE = "[$__rate_interval]"


def target(expression, legend="", **options):
    return {"datasource": DATASOURCE, "expr": expression, "legendFormat": legend or "__auto", **options}


def panel(kind, title, targets, description, unit="short", width=8, **options):
    """One panel; `options` are Grafana's own for its kind."""
    defaults = {"unit": unit, "min": 0, **options.pop("defaults", {})}
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": DATASOURCE,
        "targets": [{"refId": chr(ord("A") + number), **each} for number, each in enumerate(targets)],
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "gridPos": {"w": width, "h": HEIGHT},
        "options": options,
    }


def graph(title, targets, description, **options):
    return panel("timeseries", title, targets, description, legend={"displayMode": "list", "placement": "bottom"}, **options)


def number(title, expression, description, red_above=None, **options):
    steps = [{"color": "green", "value": None}]
    if red_above is not None:
        steps.append({"color": "red", "value": red_above})
    defaults = {"thresholds": {"mode": "absolute", "steps": steps}}
    return panel("stat", title, [target(expression)], description, width=4, defaults=defaults, **options)


def overview():
    crashes = f'sum(increase(promshm_worker_exits_total{{{PICKED}, kind=~"abrupt|fatal"}}[1h]))'
    fill = f"max(promshm_capacity_used_ratio{{{PICKED}}})"
    return [
        number("Workers", f'sum(promshm_slots{{{PICKED}, state="live"}})', "Living worker processes with a slot of their own."),
        number("Crashes, last hour", crashes, "Killed, crashed, out of memory, or ended by a fatal error.", red_above=1),
        number("Unreadable segments", f"sum(promshm_up{{{PICKED}}} == bool 0)", "The cause is in the exporter's log.", red_above=1),
        number("Fullest segment", fill, "Share of what is scarcest: index, series, room or gauges.", red_above=0.9, unit="percentunit"),
        number("Series", f"sum(promshm_series{{{PICKED}}})", "Series that workers count into."),
        number("Lost updates, last hour", f"sum(increase(promshm_dropped_total{{{PICKED}}}[1h]))", "By reason further down.", red_above=1),
    ]


def workers():
    return [
        graph("Slots", [target(f"sum by (state) (promshm_slots{{{PICKED}}})", "{{state}}")], "Slots for worker processes, by what they are doing."),
        graph(
            "Starts and exits",
            [
                target(f"sum(rate(promshm_worker_starts_total{{{PICKED}}}{RATE}))", "starts"),
                target(f"sum by (kind) (rate(promshm_worker_exits_total{{{PICKED}}}{RATE}))", "{{kind}}"),
            ],
            "abrupt: killed, crashed, or out of memory.",
        ),
        graph(
            "Crashes by instance",
            [target(f'sum by (instance, kind) (increase(promshm_worker_exits_total{{{PICKED}, kind=~"abrupt|fatal"}}{RATE}))', "{{instance}} {{kind}}")],
            "Where workers die.",
        ),
    ]


def named(name):
    """A metric, whose name may be one of Grafana's variables, as it was picked."""
    return f'{{__name__="{name}", {PICKED}}}' if "$" in name else f"{name}{{{PICKED}}}"


def by(*labels):
    return f"by ({', '.join(labels)}) " if labels else ""


def quantile(share, histogram, *labels):
    """From the native form where Prometheus has it, else from the classic one."""
    native = f"sum {by(*labels)}(rate({named(histogram)}{RATE}))"
    classic = f"sum {by(*labels, 'le')}(rate({named(histogram + '_bucket')}{RATE}))"
    return f"histogram_quantile({share}, {native}) or histogram_quantile({share}, {classic})"


def quantiles(histogram):
    return [target(quantile(share, histogram), f"p{int(share * 100)}") for share in (0.5, 0.95, 0.99)]


def observed(part, histogram, *labels):
    """The rate of a histogram's `count` or `sum`, whichever form Prometheus has."""
    classic = f"sum {by(*labels)}(rate({named(f'{histogram}_{part}')}{RATE}))"
    native = f"sum {by(*labels)}(rate({named(histogram)}{RATE}))"
    return f"({classic} or histogram_{part}({native}))"


def counted():
    buckets, native = (f"increase({named(name)}{RATE})" for name in ("${histogram}_bucket", "${histogram}"))
    heat_map = target(f"sum({native}) or (sum by (le) ({buckets}) unless on () sum({native}))", "{{le}}", format="heatmap")
    return [
        graph(
            "$counter a second",
            [target(f'sum by (instance) (rate({{__name__="$counter", {PICKED}}}{RATE}))', "{{instance}}")],
            "The counter picked above.",
            defaults={"unit": "reqps"},
        ),
        panel(
            "heatmap",
            "$histogram",
            [heat_map],
            "How many observations fell into each bucket.",
            calculate=False,
            color={"mode": "scheme", "scheme": "Oranges", "steps": 64},
            yAxis={"unit": "s"},
        ),
        graph("$histogram: quantiles", quantiles("${histogram}"), "As exact as the buckets are: within a few per cent if it is native.", unit="s"),
    ]


def functions():
    duration = "php_function_duration_seconds"
    calls, seconds = (observed(part, duration, "function") for part in ("count", "sum"))
    errors = f"sum by (function) (rate(php_function_errors_total{{{PICKED}}}{RATE}))"
    return [
        graph(
            "Calls",
            [target(f"topk(20, {calls})", "{{function}}"), target(f"sum by (function) (rate(php_function_calls_total{{{PICKED}}}{RATE}))", "{{function}}")],
            "Functions that promshm.observe lists, the 20 that are called most.",
            unit="reqps",
        ),
        graph("Errors, share of calls", [target(f"topk(20, {errors} / {calls})", "{{function}}")], "Calls that threw, or returned false where that is an error.", unit="percentunit"),
        graph("Time spent", [target(f"topk(20, {seconds})", "{{function}}")], "Seconds a second, of all workers: where a faster function would save most."),
        graph("p50", [target(f"topk(20, {quantile(0.5, duration, 'function')})", "{{function}}")], "As exact as promshm.observe_buckets.", unit="s"),
        graph("p95", [target(f"topk(20, {quantile(0.95, duration, 'function')})", "{{function}}")], "As exact as promshm.observe_buckets.", unit="s"),
        graph("Running calls", [target(f"topk(20, sum by (function) (php_function_in_flight{{{PICKED}}}))", "{{function}}")], "Of living workers. A call that hangs stays here."),
    ]


def requests():
    return [
        graph(
            "Requests",
            [target(observed("count", "php_request_duration_seconds", "sapi", "code"), "{{sapi}} {{code}}")],
            "By response code; scripts of the command line by exit code.",
            unit="reqps",
        ),
        graph("Requests: quantiles", quantiles("php_request_duration_seconds"), "All requests, from their start to their end.", unit="s"),
        graph(
            "Running requests",
            [
                target(f"sum by (sapi) (php_requests_in_flight{{{PICKED}}})", "{{sapi}}"),
                target(f"sum by (pool, state) (php_fpm_processes{{{PICKED}}})", "{{pool}} {{state}}"),
                target(f"sum by (pool) (php_fpm_listen_queue{{{PICKED}}})", "{{pool}} waiting"),
            ],
            "Of living workers, beside the processes of php-fpm's pools.",
        ),
        graph("Errors by level", [target(f"sum by (level) (rate(php_errors_total{{{PICKED}}}{RATE}))", "{{level}}")], "All that PHP raises, those that @ silences included."),
        graph(
            "Exceptions",
            [
                target(f"topk(20, sum by (class) (rate(php_exceptions_thrown_total{{{PICKED}}}{RATE})))", "{{class}}"),
                target(f"sum by (class) (rate(php_exceptions_uncaught_total{{{PICKED}}}{RATE}))", "{{class}} uncaught"),
            ],
            "Thrown, caught or not, by class.",
        ),
        graph(
            "Opcache",
            [target(f"max by (sapi, state) (php_opcache_memory_bytes{{{PICKED}}})", "{{sapi}} {{state}}")],
            "As the processes last read it.",
            unit="bytes",
        ),
    ]


def storage():
    return [
        graph(
            "Segment",
            [
                target(f"sum by (instance) (promshm_segment_used_bytes{{{PICKED}}})", "{{instance}} used"),
                target(f"sum by (instance) (promshm_segment_leaked_bytes{{{PICKED}}})", "{{instance}} leaked"),
            ],
            "Close to what it costs in memory.",
            unit="bytes",
        ),
        graph(
            "Capacity, share that is taken",
            [target(f"max by (instance, resource) (promshm_capacity_used_ratio{{{PICKED}}})", "{{instance}} {{resource}}")],
            "At 1, new series are dropped. Removed series count until a generation begins.",
            unit="percentunit",
        ),
        graph(
            "Generations",
            [
                target(f"sum by (instance) (increase(promshm_generation{{{PICKED}}}{RATE}))", "{{instance}} begun"),
                target(f"max by (instance, reason, pid) (promshm_generation_blocked_by{{{PICKED}}})", "{{instance}} blocked: {{reason}} {{pid}}"),
            ],
            "A generation gives room back. A worker without metric calls holds up the next one.",
        ),
        graph(
            "To be given back",
            [
                target(f"sum by (instance) (promshm_removed_series{{{PICKED}}})", "{{instance}} removed series"),
                target(f"sum by (instance) (promshm_replaced_families{{{PICKED}}})", "{{instance}} replaced families"),
            ],
            "They take room until the next generation.",
        ),
        graph(
            "Lost updates by reason",
            [target(f"sum by (reason) (rate(promshm_dropped_total{{{PICKED}}}{RATE}))", "{{reason}}")],
            "docs/metrics.md says what to do about each reason.",
        ),
        graph(
            "Processes without a slot",
            [target(f"sum by (instance) (promshm_overflow_processes{{{PICKED}}})", "{{instance}}")],
            "They share one slot: exact, but slower. Raise promshm.max_processes.",
        ),
        graph(
            "Oddities",
            [
                target(f"sum(rate(promshm_corrupt_records_total{{{PICKED}}}{RATE}))", "corrupt records"),
                target(f"sum(rate(promshm_truncated_labels_total{{{PICKED}}}{RATE}))", "truncated labels"),
                target(f"sum(promshm_leaked_series{{{PICKED}}})", "leaked series"),
            ],
            "All of these should be 0.",
        ),
        graph(
            "A scrape's time",
            [target(f"max by (instance) (promshm_scrape_duration_seconds{{{PICKED}}})", "{{instance}}")],
            "Reading the segment and writing its metrics.",
            unit="s",
        ),
    ]


def exporter():
    of_exporters = f"* on (job, instance) group_left promshm_build_info{{{PICKED}}}"
    return [
        graph(
            "Exporter: memory",
            [target(f"process_resident_memory_bytes{{{PICKED}}} {of_exporters}", "{{instance}}")],
            "Resident memory of the exporter.",
            unit="bytes",
            width=12,
        ),
        graph(
            "Exporter: CPU",
            [target(f"rate(process_cpu_seconds_total{{{PICKED}}}{RATE}) {of_exporters}", "{{instance}}")],
            "Cores that the exporter uses.",
            width=12,
        ),
    ]


# The names of all histograms. Native ones have no ending, but are no numbers that could be compared: Prometheus 3 leaves them
# out of a comparison. In Prometheus 2 only those are found that have the classic form.
CANDIDATES = '{job=~"$job", __name__=~".+", __name__!~".*_(total|bucket|count|sum|info)"}'
HISTOGRAMS = (
    'query_result(group by (__name__) ({job=~"$job", __name__=~".*_bucket"}) '
    f"or on (__name__) (group by (__name__) ({CANDIDATES}) unless on (__name__) group by (__name__) ({CANDIDATES} >= -Inf)))"
)


def variable(name, label, query, regex="", many=True):
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": query, "refId": name},
        "regex": regex,
        "refresh": 2,
        "sort": 1,
        "multi": many,
        "includeAll": many,
        "allValue": ".*" if many else None,
    }


def variables():
    own = "(?!promshm_|process_)"
    return [
        {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"},
        variable("job", "Job", "label_values(promshm_up, job)"),
        variable("instance", "Instance", 'label_values(promshm_up{job=~"$job"}, instance)'),
        variable("counter", "Counter", "metrics(.*_total)", f"/^{own}(.*_total)$/", many=False),
        variable("histogram", "Histogram", HISTOGRAMS, f'/__name__="{own}(.*?)(?:_bucket)?"/', many=False),
    ]


def laid_out(sections):
    """All panels with their places, under a row for each section."""
    placed, top = [], 0
    for title, panels in sections:
        placed.append({"type": "row", "title": title, "collapsed": False, "panels": [], "gridPos": {"x": 0, "y": top, "w": WIDTH, "h": 1}})
        left, top = 0, top + 1
        for each in panels:
            if left + each["gridPos"]["w"] > WIDTH:
                left, top = 0, top + HEIGHT
            each["gridPos"] |= {"x": left, "y": top}
            left += each["gridPos"]["w"]
            placed.append(each)
        top += HEIGHT
    return [{"id": number, **each} for number, each in enumerate(placed, 1)]


def dashboard():
    sections = [
        ("Overview", overview()),
        ("Workers", workers()),
        ("What they count", counted()),
        ("Observed functions", functions()),
        ("Requests and errors", requests()),
        ("Segment", storage()),
        ("Exporter", exporter()),
    ]
    return {
        "uid": "promshm",
        "title": "PHP workers (promshm)",
        "tags": ["php", "promshm"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": variables()},
        "panels": laid_out(sections),
    }


if __name__ == "__main__":
    print(json.dumps(dashboard(), indent=2))
