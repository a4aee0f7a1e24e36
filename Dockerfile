# One image for all functions and for the migration: FUNCTION_TARGET selects the program.
#
#   docker run -e FUNCTION_TARGET=po-status --env-file .env -p 8080:8080 <image>
ARG NODE_IMAGE=node:24.21.0-slim

# Base image and user must equal those below: Node's compile cache is valid for one version and user id.
FROM ${NODE_IMAGE} AS build
ENV npm_config_cache=/tmp/npm
WORKDIR /app
RUN chown 10000:10000 /app
USER 10000:10000
COPY --chown=10000:10000 package.json package-lock.json .npmrc ./
# The bundle needs no install scripts.
RUN npm ci --ignore-scripts --no-fund --no-audit --no-update-notifier --loglevel=error
COPY --chown=10000:10000 . .
# The cache is written readable only for its owner. In the final image root owns it, so that functions cannot change it.
RUN node knative/image/bundle.ts && chmod -R a+rX dist

FROM ${NODE_IMAGE}
# The final image needs no package managers.
RUN rm -rf /usr/local/lib/node_modules /opt/yarn* \
      /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn /usr/local/bin/yarnpkg \
      /usr/bin/apt* /usr/bin/dpkg* /var/lib/apt /var/lib/dpkg /etc/apt
ENV NODE_ENV=production NODE_OPTIONS=--max-semi-space-size=4
WORKDIR /app
COPY --from=build --chown=0:0 /app/dist dist
USER 10000:10000
EXPOSE 8080
# Node is process 1: it receives SIGTERM, drains and exits.
ENTRYPOINT ["node", "dist/start.mjs"]
