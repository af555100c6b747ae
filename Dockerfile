# syntax=docker/dockerfile:1

# Builder and runtime stand on the same Debian, so that the program finds the C library that it was linked with.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --profile dist --locked --bin heattrax \
    && install -D target/dist/heattrax /out/heattrax \
    && mkdir /out/data

# No shell, no package manager; certificates of the public authorities are in it, time zones are in the program.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /out/heattrax /usr/local/bin/heattrax
# A fresh volume takes this folder's owner over.
COPY --from=build --chown=65532:65532 /out/data /data
ENV HEATTRAX_CONFIG_PATH=/config/heattrax.yaml \
    HEATTRAX_DATA=/data
VOLUME ["/config", "/data"]
EXPOSE 4328
# Asks whether the control loop lives. A broker's outage is no reason to restart a program that minds a heater.
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s --retries=3 CMD ["/usr/local/bin/heattrax", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/heattrax"]
CMD ["run"]

LABEL org.opencontainers.image.title="HeatTrax" \
      org.opencontainers.image.description="MQTT bridge for TP-Link Tapo and Kasa outlets that heats snow-melting mats by itself" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
