'use strict'

/** Programs that start others. */
const NAMES =
  /[\\/](?:npm|npx|yarn|pnpm|pnpx|corepack|bun|lerna|turbo|nx|nodemon|pm2(?:-\w+)?|concurrently|cross-env|tsx)(?:-cli|-\d[\d.]*)?(?:\.[cm]?js)?$/
const PACKAGES =
  /[\\/]node_modules[\\/](?:npm|yarn|pnpm|corepack|nodemon|pm2|concurrently|cross-env|autocannon|tsx)[\\/]/
/** Files of a tool that load the program. */
const CONTAINERS = /[\\/]pm2[\\/]lib[\\/]ProcessContainer(?:Fork)?(?:Bun)?\.js$/

/**
 * Returns whether a script is a tool, which the doctor does not observe: it starts the program in another process.
 * @param {string} script
 */
function isTool(script) {
  return !CONTAINERS.test(script) && (NAMES.test(script) || PACKAGES.test(script))
}

module.exports = { isTool }
