use super::*;

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const TEXT_1: &str = "text/plain; version=1.0.0; charset=utf-8; escaping=underscores";
const OPEN: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PROTOBUF: &str =
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

#[track_caller]
fn assert_chosen(accept: &str, content_type: &str) {
    assert_eq!(negotiate(accept).content_type(), content_type, "{accept}");
}

#[test]
fn accept_header_of_prometheus_2() {
    assert_chosen(
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
         text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        OPEN,
    );
}

#[test]
fn accept_header_of_prometheus_3() {
    let all = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,\
        application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
        application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
        text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
    assert_chosen(all, PROTOBUF);
    let without_protobuf = all.split_once(',').map_or(all, |(_, rest)| rest).trim_start();
    assert_chosen(without_protobuf, &format!("{OPEN}; escaping=allow-utf-8"));
    let text_only =
        "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.4";
    assert_chosen(text_only, "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8");
}

/// Prometheus 2 with native histograms weighs protobuf as much as `OpenMetrics`, and names it first.
#[test]
fn protobuf_is_chosen_where_all_its_parameters_are_named() {
    let range = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
    assert_chosen(&format!("{range},application/openmetrics-text;version=1.0.0;q=0.8,*/*;q=0.1"), PROTOBUF);
    assert_chosen(&format!("{range};q=0.4,text/plain;q=0.5"), TEXT);
    assert_chosen(&format!("{range};q=0,*/*;q=0.1"), TEXT);
    assert_chosen(&format!("{range};escaping=allow-utf-8"), &format!("{PROTOBUF}; escaping=allow-utf-8"));
    assert_chosen("application/*", OPEN);
}

#[test]
fn accept_headers_of_curl_and_browsers() {
    for accept in ["", "*/*", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/*"] {
        assert_chosen(accept, TEXT);
    }
}

#[test]
fn unmatched_accept_header_gives_text() {
    for accept in [
        "application/vnd.google.protobuf",
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text",
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily",
        "application/vnd.google.protobuf;proto=other;encoding=delimited",
        "application/openmetrics-text;version=0.0.1",
        "application/openmetrics-text;version=2.0.0",
        "application/openmetrics-text;q=0",
        "image/png",
        "*/*;q=0",
        "*/openmetrics-text",
    ] {
        assert_chosen(accept, TEXT);
    }
}

#[test]
fn quality_comes_first() {
    assert_chosen("text/plain;q=0.4, application/openmetrics-text;q=0.5", OPEN);
    assert_chosen("text/plain;q=0.501, application/openmetrics-text;q=0.5", TEXT);
    assert_chosen("text/plain;version=0.0.4;q=0.2, text/plain;version=1.0.0;q=0.3", TEXT_1);
    assert_chosen("application/openmetrics-text;q=0, */*;q=0.1", TEXT);
}

#[test]
fn most_specific_range_decides_a_format() {
    // Without the second range the first would let both texts in.
    assert_chosen("text/plain, text/plain;version=0.0.4;q=0.1", TEXT_1);
    assert_chosen("*/*, text/*;q=0.2", OPEN);
    assert_chosen("text/*;q=0.9, text/plain;q=0.1, application/*;q=0.5", OPEN);
    assert_chosen(
        "text/plain;version=0.0.4;charset=utf-8;q=0, text/plain;version=0.0.4, text/*;q=0.1",
        TEXT_1,
    );
}

#[test]
fn equal_weights_are_ordered_by_specificity_then_position() {
    assert_chosen("application/openmetrics-text, text/plain", OPEN);
    assert_chosen("text/plain, application/openmetrics-text", TEXT);
    assert_chosen("*/*, application/openmetrics-text", OPEN);
    assert_chosen("text/plain;version=1.0.0, text/plain;version=0.0.4", TEXT_1);
}

#[test]
fn parameters_are_parsed_in_every_spelling() {
    assert_chosen("Application/OpenMetrics-Text ; Version=\"1.0.0\" ; Charset=UTF-8 ;Q=1.000", OPEN);
    assert_chosen("application/openmetrics-text;q=0.5;version=1.0.0, text/plain;q=0.4", OPEN);
    assert_chosen("application/openmetrics-text;charset=latin1", TEXT);
    assert_chosen("application/openmetrics-text;x=\",text/plain,\"", TEXT);
    assert_chosen("image/png;x=\"a\\\",\",application/openmetrics-text", OPEN);
    assert_chosen("application/openmetrics-text;escaping=runes", &format!("{OPEN}; escaping=underscores"));
    assert_chosen("application/openmetrics-text;escaping=dots;", &format!("{OPEN}; escaping=dots"));
}

#[test]
fn malformed_ranges_are_ignored() {
    for bad in
        ["q=1", "application/openmetrics-text;q=2", "application/openmetrics-text;q=", ";;,,\"", "a/b;c"]
    {
        assert_chosen(bad, TEXT);
        assert_chosen(&format!("{bad}, text/plain;version=1.0.0").replace('"', ""), TEXT_1);
    }
}

#[test]
fn weights_have_three_decimals_at_most() {
    let read = ["0", "1", "0.5", "0.05", "0.123", "1.000", "0."];
    let expected = [0, 1000, 500, 50, 123, 1000, 0];
    assert_eq!(read.map(quality), expected.map(Some));
    for bad in ["", "1.001", "2", "-0", "0.1234", "+1", ".5", "0.+1", "nan", "1e0"] {
        assert_eq!(quality(bad), None, "{bad}");
    }
}
