# The extension for one PHP: an image that is only copied from.
#
#   docker build -f docker/extension.Dockerfile -t promshm-extension:8.4 .
#   docker build -f docker/extension.Dockerfile -t promshm-extension:8.4-alpine \
#     --build-arg PHP_IMAGE=php:8.4-cli-alpine --build-arg RUST_IMAGE=rust:1-alpine .
#
#   COPY --from=promshm-extension:8.4 / /opt/promshm/
#   ENV PHP_INI_SCAN_DIR=:/opt/promshm
#
# PHP_IMAGE   the PHP to compile for: -cli- or -zts-, of Debian or Alpine. The -bookworm images are older than the
#             plain ones, so what is linked against their glibc runs in both.
# RUST_IMAGE  where the compiler comes from; Alpine's for Alpine
ARG PHP_IMAGE=docker.io/library/php:8.4-cli-bookworm
ARG RUST_IMAGE=docker.io/library/rust:1-slim-bookworm

FROM ${RUST_IMAGE} AS rust

FROM ${PHP_IMAGE} AS build
COPY --from=rust /usr/local/rustup /usr/local/rustup
COPY --from=rust /usr/local/cargo /usr/local/cargo
ENV RUSTUP_HOME=/usr/local/rustup CARGO_HOME=/usr/local/cargo PATH=/usr/local/cargo/bin:$PATH
WORKDIR /src
COPY . .
# Alpine's images have no bash, which the scripts are written in.
# hadolint ignore=DL3018
RUN command -v bash || apk add --no-cache bash
RUN scripts/build-deps.sh
RUN scripts/release-build.sh extension /out && echo 'extension=/opt/promshm/promshm.so' > /out/promshm.ini

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="promshm-extension" \
      org.opencontainers.image.description="The PHP extension that counts into shared memory; copy from it." \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /out/promshm.so /out/promshm.ini /
