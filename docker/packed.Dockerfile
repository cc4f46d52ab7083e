# The extension for one PHP, as the archives of a release have it: nothing is compiled or run, so one machine makes the images of all.
#
#   scripts/image-contexts.sh target/dist target/images
#   docker build --platform linux/arm64 -f docker/packed.Dockerfile -t promshm-extension:8.4-zts-alpine target/images/8.4-zts-alpine
FROM scratch
ARG VERSION=0.1.0
ARG REVISION=unknown
# The machine that the image is for, which the builder names.
ARG TARGETARCH
LABEL org.opencontainers.image.title="promshm-extension" \
      org.opencontainers.image.description="The PHP extension that counts into shared memory; copy from it." \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY ${TARGETARCH}/promshm.so promshm.ini /
