# One image for every role: the role is the argument (`exchange`, `gateway`, `operator`, …).
#
# The layers are ordered by how often they change: Debian, dependencies, contracts, the compiled kernels,
# everything else. A change of a service copies one small layer; nothing is downloaded or compiled again.
# A build host's own certificate authority is mounted over the bundle by the builder, never copied in.

FROM debian:bookworm-slim AS python
RUN apt-get update -q \
 && apt-get install -y -q --no-install-recommends ca-certificates python3 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/dpkg.log /var/log/apt \
 && groupadd --gid 10001 tigerex \
 && useradd --uid 10001 --gid 10001 --home-dir /app --no-create-home --shell /usr/sbin/nologin tigerex
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1


FROM python AS build
ARG UV_VERSION=0.13.8
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt \
    UV_PROJECT_ENVIRONMENT=/opt/venv \
    UV_PYTHON=/usr/bin/python3.11 \
    UV_PYTHON_DOWNLOADS=never \
    UV_LINK_MODE=copy \
    UV_COMPILE_BYTECODE=1 \
    UV_CACHE_DIR=/tmp/uv
RUN apt-get update -q \
 && apt-get install -y -q --no-install-recommends python3-venv \
 && rm -rf /var/lib/apt/lists/* \
 && python3 -m venv /opt/uv \
 && PIP_CERT=$SSL_CERT_FILE /opt/uv/bin/pip install --no-cache-dir --disable-pip-version-check uv==$UV_VERSION
WORKDIR /app
COPY pyproject.toml uv.lock ./
RUN /opt/uv/bin/uv sync --frozen --no-dev --no-install-project && rm -rf /tmp/uv
# Installed in place: the code itself is copied to where this points, so only contracts matter here,
# and the charts library of the gateway's page, which npm's registry keeps.
COPY README.md hatch_build.py ./
COPY protos ./protos
RUN /opt/uv/bin/uv sync --frozen --no-dev && rm -rf /tmp/uv


FROM python
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY --from=build /app/build/stubs ./build/stubs
COPY --from=build /app/build/charts/tigerex_charts ./build/charts/tigerex_charts
# Compiled for any CPU of this architecture, so that the cache holds wherever the image runs.
ENV NUMBA_CPU_NAME=generic \
    NUMBA_CACHE_LOCATOR_CLASSES=baked_numba_cache.BakedCacheLocator \
    TIGEREX_NUMBA_CACHE=/opt/numba
COPY deploy/images/tigerex/baked_numba_cache.py /opt/venv/lib/python3.11/site-packages/
COPY libs/tigerex_core ./libs/tigerex_core
COPY libs/tigerex_quant ./libs/tigerex_quant
RUN python -c "import tigerex_core, tigerex_quant; tigerex_core.compile_kernels(); tigerex_quant.compile_kernels()" \
 && chmod -R a+rX /opt/numba
COPY libs/tigerex_platform ./libs/tigerex_platform
COPY operator ./operator
COPY services ./services
RUN python -c "from tigerex_services.exchange.wire.batch import compile_wire; compile_wire()" \
 && chmod -R a+rX /opt/numba
RUN python -m compileall -q libs operator services build
USER 10001:10001
ENTRYPOINT ["tigerex"]
