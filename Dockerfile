# One image for every part of a cluster: the coordinator (`up`), hosts (`join`) and clients (`run --attach`) are one program.
#
# Debian slim, not Alpine: Node's releases and the addons that npm ships prebuilt are made for glibc first, so nothing has to be
# compiled and no stage needs a compiler. Every machine of a cluster needs the same Node major: pin NODE_IMAGE by digest to be sure.
ARG NODE_IMAGE=node:20-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
# No install scripts: they would only compile what is prebuilt, or build a dist/ whose sources are not here yet.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY units units
COPY sim sim
COPY wire wire
COPY node node
COPY coordinator coordinator
COPY workloads workloads
COPY bench bench
RUN npm run --silent build

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /pinwire
COPY package.json package-lock.json ./
# Reports need one file of echarts, which has zrender in it; all else of the two is most of the bytes here.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
 && find node_modules/echarts node_modules/zrender -type f ! -name echarts.esm.min.mjs ! -name package.json \
      ! -name 'LICENSE*' ! -name NOTICE -delete

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="pinwire" \
      org.opencontainers.image.description="A distributed, multi-node RDMA cluster emulator in virtual time" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"
# The token of the cluster that `up` leads lies in $XDG_RUNTIME_DIR/pinwire.
ENV NODE_ENV=production \
    XDG_RUNTIME_DIR=/run
# A named volume takes over the owner and mode of the directory that it is mounted on.
RUN install -d -o 1000 -g 1000 -m 0700 /run/pinwire \
 && install -d -o 1000 -g 1000 /results
COPY --from=dependencies /pinwire/node_modules /pinwire/node_modules
COPY --from=build /build/dist /pinwire/dist
COPY package.json LICENSE /pinwire/
COPY bin /pinwire/bin
COPY profiles /pinwire/profiles
COPY deploy/health.js /pinwire/deploy/
# The image's user `node`, by number: Kubernetes cannot tell from a name that it is not root.
USER 1000:1000
# So that results/latest, where results go by default, is in the volume /results.
WORKDIR /
EXPOSE 7600
# A process that joins has no port of its own: it says with PINWIRE_HEALTH_URL where --metrics answers. Clients have no health.
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s CMD ["node", "/pinwire/deploy/health.js"]
# Node as process 1, without npm, shell or init: the program handles its signals, and its children are its own to reap.
ENTRYPOINT ["node", "/pinwire/bin/pinwire.js"]
CMD ["--help"]
