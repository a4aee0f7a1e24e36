# One image for all functions and for the migration: FUNCTION_TARGET picks.
#
#   docker run -e FUNCTION_TARGET=po-status --env-file .env -p 8080:8080 <image>
ARG NODE_IMAGE=node:24.21.0-slim

# Same base and same user as below: Node keeps a compile cache per version and user id.
FROM ${NODE_IMAGE} AS build
ENV npm_config_cache=/tmp/npm
WORKDIR /app
RUN chown 10000:10000 /app
USER 10000:10000
COPY --chown=10000:10000 package.json package-lock.json .npmrc ./
# Bundling needs no install script.
RUN npm ci --ignore-scripts --no-fund --no-audit --no-update-notifier --loglevel=error
COPY --chown=10000:10000 . .
# The cache is written for its owner alone; below it belongs to root, so that no function can change it.
RUN node knative/image/bundle.ts && chmod -R a+rX dist

FROM ${NODE_IMAGE}
# Nothing here installs anything any more.
RUN rm -rf /usr/local/lib/node_modules /opt/yarn* \
      /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn /usr/local/bin/yarnpkg \
      /usr/bin/apt* /usr/bin/dpkg* /var/lib/apt /var/lib/dpkg /etc/apt
ENV NODE_ENV=production NODE_OPTIONS=--max-semi-space-size=4
WORKDIR /app
COPY --from=build --chown=0:0 /app/dist dist
USER 10000:10000
EXPOSE 8080
# Node is the first process: it gets the signals, drains and ends.
ENTRYPOINT ["node", "dist/start.mjs"]
