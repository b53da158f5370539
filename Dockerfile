# linetwin: emulated PLCs, the live twin and every other command, by a user without rights.
FROM python:3.12-slim-bookworm AS build

# A compiler for the compiled engine; its version is the base image's matter.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY pyproject.toml constraints.txt hatch_build.py README.md LICENSE ./
COPY twin ./twin
COPY opcua ./opcua
COPY lines ./lines
COPY dashboards ./dashboards
RUN python -m venv /opt/linetwin \
    && /opt/linetwin/bin/pip install --no-cache-dir --disable-pip-version-check \
        --constraint constraints.txt ".[influx,grafana]"

FROM python:3.12-slim-bookworm

RUN useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin linetwin \
    && install --directory --owner=linetwin --group=linetwin --mode=0700 /data
COPY --from=build /opt/linetwin /opt/linetwin
COPY --chmod=0555 docker/first-start.sh /usr/local/bin/first-start
ENV PATH=/opt/linetwin/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /data
VOLUME /data
ENTRYPOINT ["twin"]
CMD ["--help"]
