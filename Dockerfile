# Freightlake as an image: the program, its marts within it, and what S3 needs; nothing of the compiler.
#   docker build --tag freightlake .
#   docker run --rm --volume "$PWD/lake:/lake" freightlake status
# Both stages are one Debian, by digest, so that the program meets the libc that it was built with.
FROM debian:12@sha256:9344f8b8992482f80cba753f323adeaf17690076c095ccff6cc9536be98185dc AS build
WORKDIR /src
# What is installed changes rarely, and is a layer of its own.
COPY scripts/common.sh scripts/setup scripts/
RUN scripts/setup build
COPY . .
RUN scripts/build release && DESTDIR=/image PREFIX=/usr scripts/install && strip --strip-unneeded /image/usr/bin/freightlake

FROM debian:12@sha256:9344f8b8992482f80cba753f323adeaf17690076c095ccff6cc9536be98185dc
# The digest pins the base; libcurl and the authorities are to be those with Debian's latest fixes.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libcurl4 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /lake --shell /usr/sbin/nologin freightlake \
    && install -d -o 10001 -g 10001 -m 750 /lake
COPY --from=build /image/usr/ /usr/
ENV FREIGHTLAKE_LAKE=/lake
WORKDIR /lake
USER 10001:10001
ENTRYPOINT ["freightlake"]
CMD ["--help"]
