# An example: a queue worker with the extension in it. Your own image needs only the two lines below "promshm".
#
#   docker build -f docker/worker.Dockerfile -t promshm-worker .
ARG PHP_IMAGE=docker.io/library/php:8.4-cli
ARG EXTENSION_IMAGE=promshm-extension:8.4

FROM ${EXTENSION_IMAGE} AS extension

FROM ${PHP_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="promshm-worker" \
      org.opencontainers.image.description="An example of a PHP worker that counts with promshm." \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# A worker that can't hear SIGTERM is killed, and each deploy looks like crashes.
RUN php -r 'exit(extension_loaded("pcntl") ? 0 : 1);' || docker-php-ext-install pcntl

# promshm
COPY --from=extension / /opt/promshm/
ENV PHP_INI_SCAN_DIR=:/opt/promshm

COPY docker/worker/ /app/
USER 1000:1000
STOPSIGNAL SIGTERM
CMD ["php", "/app/worker.php"]
