'use strict'

/** Scripts of programs that start other programs. */
const NAMES =
  /[\\/](?:npm|npx|yarn|pnpm|pnpx|corepack|bun|lerna|turbo|nx|nodemon|pm2(?:-\w+)?|concurrently|cross-env|tsx)(?:-cli|-\d[\d.]*)?(?:\.[cm]?js)?$/
const PACKAGES =
  /[\\/]node_modules[\\/](?:npm|yarn|pnpm|corepack|nodemon|pm2|concurrently|cross-env|autocannon|tsx)[\\/]/
/** Scripts of PM2 that load the program into their own process. */
const CONTAINERS = /[\\/]pm2[\\/]lib[\\/]ProcessContainer(?:Fork)?(?:Bun)?\.js$/

/**
 * Returns whether a script is a tool that starts the program in another process. Tools are not measured.
 * @param {string} script
 */
function isTool(script) {
  return !CONTAINERS.test(script) && (NAMES.test(script) || PACKAGES.test(script))
}

module.exports = { isTool }
