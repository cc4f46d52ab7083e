# The exporter: one static binary and nothing else.
#
#   docker build -f docker/exporter.Dockerfile -t promshm-exporter .
#
# RUST_IMAGE  where it is compiled: Rust 1.88 or newer, with glibc. Whole, because podman knows no short name of it
# FEATURES    tls, for an exporter that speaks it; node, for one that may serve a whole node; nothing, for one that is a
#             quarter smaller
# VERSION     for the label; REVISION: the commit
ARG RUST_IMAGE=docker.io/library/rust:1-slim-bookworm

FROM ${RUST_IMAGE} AS build
RUN command -v cargo-cyclonedx || cargo install --locked cargo-cyclonedx@0.5.9
WORKDIR /src
COPY . .
ARG FEATURES=
RUN FEATURES=$FEATURES scripts/release-build.sh exporter /out

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="promshm-exporter" \
      org.opencontainers.image.description="Serves what PHP workers count in shared memory to Prometheus." \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /out/promshm-exporter /promshm-exporter
# What it is made of, where scanners look for it.
COPY --from=build /out/promshm-exporter.cdx.json /usr/share/sbom/promshm-exporter.cdx.json
# Nobody: the exporter reads the segment through the group that the workers give it.
USER 65532:65532
EXPOSE 10200
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s CMD ["/promshm-exporter", "healthcheck"]
ENTRYPOINT ["/promshm-exporter"]
