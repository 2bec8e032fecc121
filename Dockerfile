# The program of `cargo local`, the whole service, as one static binary with its data in the volume /data. For trying it out and for tests
# of other projects. Whoever reaches the port can read every mail (/_local/mail) and all data, so publish it on a loopback address.
FROM rust:1.95.0-alpine AS build
# Replaces rust-toolchain.toml, which also requires clippy and rustfmt.
ENV RUSTUP_TOOLCHAIN=1.95.0
RUN apk add --no-cache musl-dev gcc make
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --release --locked --package local && cp target/release/local /local && mkdir /data

FROM scratch
COPY --from=build /local /local
COPY --from=build --chown=65532:65532 /data /data
USER 65532:65532
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGINT
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s CMD ["/local", "--health"]
ENTRYPOINT ["/local", "--listen", "0.0.0.0", "--data", "/data"]
