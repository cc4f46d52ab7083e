"""Reads pages of Prometheus's protobuf format with Python's protobuf. The messages are described by their public facts:
the names, numbers and types of the fields of the package io.prometheus.client that a page may have."""

import math

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2

Field = descriptor_pb2.FieldDescriptorProto
STRING, DOUBLE, UINT64, INT64 = Field.TYPE_STRING, Field.TYPE_DOUBLE, Field.TYPE_UINT64, Field.TYPE_INT64
UINT32, SINT32, SINT64 = Field.TYPE_UINT32, Field.TYPE_SINT32, Field.TYPE_SINT64
PACKAGE = "io.prometheus.client"
TYPES = {"COUNTER": 0, "GAUGE": 1, "SUMMARY": 2, "UNTYPED": 3, "HISTOGRAM": 4, "GAUGE_HISTOGRAM": 5}
# Each field's number, and its type: a message by its name, and a list of them as a list.
MESSAGES = {
    "LabelPair": {"name": (1, STRING), "value": (2, STRING)},
    "Gauge": {"value": (1, DOUBLE)},
    "Counter": {"value": (1, DOUBLE), "exemplar": (2, "Exemplar"), "created_timestamp": (3, "Timestamp")},
    "Quantile": {"quantile": (1, DOUBLE), "value": (2, DOUBLE)},
    "Summary": {
        "sample_count": (1, UINT64),
        "sample_sum": (2, DOUBLE),
        "quantile": (3, ["Quantile"]),
        "created_timestamp": (4, "Timestamp"),
    },
    "Untyped": {"value": (1, DOUBLE)},
    "Histogram": {
        "sample_count": (1, UINT64),
        "sample_sum": (2, DOUBLE),
        "bucket": (3, ["Bucket"]),
        "schema": (5, SINT32),
        "zero_threshold": (6, DOUBLE),
        "zero_count": (7, UINT64),
        "negative_span": (9, ["BucketSpan"]),
        "negative_delta": (10, [SINT64]),
        "positive_span": (12, ["BucketSpan"]),
        "positive_delta": (13, [SINT64]),
        "created_timestamp": (15, "Timestamp"),
        "exemplars": (16, ["Exemplar"]),
    },
    "BucketSpan": {"offset": (1, SINT32), "length": (2, UINT32)},
    "Bucket": {"cumulative_count": (1, UINT64), "upper_bound": (2, DOUBLE), "exemplar": (3, "Exemplar")},
    "Exemplar": {"label": (1, ["LabelPair"]), "value": (2, DOUBLE), "timestamp": (3, "Timestamp")},
    "Metric": {
        "label": (1, ["LabelPair"]),
        "gauge": (2, "Gauge"),
        "counter": (3, "Counter"),
        "summary": (4, "Summary"),
        "untyped": (5, "Untyped"),
        "timestamp_ms": (6, INT64),
        "histogram": (7, "Histogram"),
    },
    "MetricFamily": {
        "name": (1, STRING),
        "help": (2, STRING),
        "type": (3, "MetricType"),
        "metric": (4, ["Metric"]),
        "unit": (5, STRING),
    },
}


def message_class():
    file = descriptor_pb2.FileDescriptorProto(name="metrics.proto", package=PACKAGE, syntax="proto2")
    file.dependency.append(timestamp_pb2.DESCRIPTOR.name)
    kinds = file.enum_type.add(name="MetricType")
    for name, number in TYPES.items():
        kinds.value.add(name=name, number=number)
    for message, fields in MESSAGES.items():
        described = file.message_type.add(name=message)
        for name, (number, kind) in fields.items():
            described.field.append(field(name, number, kind))
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.MetricFamily"))


def field(name, number, kind):
    is_list = isinstance(kind, list)
    kind = kind[0] if is_list else kind
    described = Field(name=name, number=number, label=Field.LABEL_REPEATED if is_list else Field.LABEL_OPTIONAL)
    if isinstance(kind, str):
        described.type = Field.TYPE_ENUM if kind == "MetricType" else Field.TYPE_MESSAGE
        described.type_name = ".google.protobuf.Timestamp" if kind == "Timestamp" else f".{PACKAGE}.{kind}"
    else:
        described.type = kind
    return described


MetricFamily = message_class()


def families(page):
    """The messages of a page, each after its length. Fails on a field that is not described above."""
    found = []
    while page:
        length, at = varint(page)
        assert at + length <= len(page), "a message ends within the page"
        family = MetricFamily.FromString(page[at : at + length])
        # An unknown field is kept, so it would be written again; without it there are fewer bytes.
        without_unknown = MetricFamily()
        without_unknown.CopyFrom(family)
        without_unknown.DiscardUnknownFields()
        assert without_unknown.ByteSize() == family.ByteSize(), f"{family.name}: a field that nobody knows"
        found.append(family)
        page = page[at + length :]
    return found


def varint(page):
    """The number at the beginning, and how many bytes it takes."""
    number = 0
    for at, byte in enumerate(page):
        number |= (byte & 0x7F) << (7 * at)
        if not byte & 0x80:
            return number, at + 1
    raise AssertionError("a length that does not end")


def samples(families, end=0):
    """As a text format would have them: name, labels, value and exemplar of each sample. `end`: where the buckets of
    native histograms end at least, which their messages do not tell."""
    for family in families:
        for metric in family.metric:
            labels = {pair.name: pair.value for pair in metric.label}
            assert len(labels) == len(metric.label), f"{family.name}: a label stands twice"
            for suffix, own, value, exemplar in samples_of(family.type, metric, end):
                yield family.name + suffix, labels | own, value, exemplar


def samples_of(kind, metric, end):
    if kind == TYPES["COUNTER"]:
        yield "", {}, metric.counter.value, exemplar(metric.counter)
    elif kind == TYPES["GAUGE"]:
        yield "", {}, metric.gauge.value, None
    elif kind == TYPES["SUMMARY"]:
        for each in metric.summary.quantile:
            yield "", {"quantile": number(each.quantile)}, each.value, None
        yield "_sum", {}, metric.summary.sample_sum, None
        yield "_count", {}, metric.summary.sample_count, None
    elif kind == TYPES["HISTOGRAM"] and metric.histogram.HasField("schema"):
        yield from classic_samples(metric.histogram, end)
    elif kind == TYPES["HISTOGRAM"]:
        for each in metric.histogram.bucket:
            yield "_bucket", {"le": number(each.upper_bound)}, each.cumulative_count, exemplar(each)
        yield "_sum", {}, metric.histogram.sample_sum, None
        yield "_count", {}, metric.histogram.sample_count, None
    else:
        raise AssertionError(f"a type that is not used: {kind}")


def native_buckets(histogram):
    """The counts of its buckets by their index, as (negative, positive); empty ones may be missing."""
    found = []
    for spans, deltas in (
        (histogram.negative_span, histogram.negative_delta),
        (histogram.positive_span, histogram.positive_delta),
    ):
        counts, index, count, deltas = {}, 0, 0, list(deltas)
        for span in spans:
            index += span.offset
            for _ in range(span.length):
                count += deltas.pop(0)
                assert count >= 0 and index not in counts
                counts[index] = count
                index += 1
        assert not deltas, "a count outside of all spans"
        found.append(counts)
    return found


def infinite_index(schema):
    """The index of the bucket of infinity."""
    return 2 ** (10 + schema) + 1


def classic_samples(histogram, end):
    """A native histogram as a classic one. Its bounds are what the text formats have: powers of two, from the end of the
    zero bucket on."""
    assert not histogram.bucket, "one of both forms"
    negative, positive = native_buckets(histogram)
    assert not negative or set(negative) == {infinite_index(histogram.schema)}
    bound = lambda index: 2.0 ** (index * 2.0**-histogram.schema)
    inside = {index: count for index, count in positive.items() if index < infinite_index(histogram.schema)}
    in_buckets = sum(negative.values()) + sum(positive.values()) + histogram.zero_count
    if not math.isnan(histogram.sample_sum):
        assert histogram.sample_count == in_buckets
    total = histogram.zero_count + sum(negative.values())
    yield "_bucket", {"le": number(histogram.zero_threshold)}, total, None
    le, end = histogram.zero_threshold, max([end, *map(bound, inside)])
    while le < end:
        le *= 2
        up_to = sum(count for index, count in inside.items() if bound(index) <= le)
        yield "_bucket", {"le": number(le)}, total + up_to, None
    yield "_bucket", {"le": "+Inf"}, histogram.sample_count, None
    yield "_sum", {}, histogram.sample_sum, None
    yield "_count", {}, histogram.sample_count, None


def exemplar(message):
    return message.exemplar if message.HasField("exemplar") else None


def number(bound):
    """As the text formats write it: Go's shortest form, with a fraction or an exponent."""
    if bound == float("inf"):
        return "+Inf"
    return repr(bound).replace("1000000.0", "1e+06")


def created(metric):
    """When a metric's series began, in seconds; none if that is not told."""
    for name in ("counter", "summary", "histogram"):
        if metric.HasField(name) and getattr(metric, name).HasField("created_timestamp"):
            time = getattr(metric, name).created_timestamp
            return time.seconds + time.nanos / 1e9
    return None
