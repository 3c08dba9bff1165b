'use strict'

const { platform } = require('./platform')

// The only importer of the generated loader, whose own advice is for whoever installs from a registry.
try {
  module.exports = require('./binding.js')
} catch (error) {
  throw notLoaded(error)
}

/** What was looked for, why it did not serve, and what to do. @param {unknown} error */
function notLoaded(error) {
  const name = platform()
  const found = met(error).find(({ message }) => !message.startsWith('Cannot find module') && message.includes('.node'))
  const why =
    found === undefined
      ? `Neither the package offloop-${name} nor lib/offloop.${name}.node is there: packages that are optional may have ` +
        'been left out when offloop was installed (--omit=optional), or it was installed on another platform. Install it anew here'
      : `It is there, and cannot be loaded: ${found.message}. Install offloop anew on this machine`
  const message =
    `There is no addon of offloop that this Node.js ${process.version} on ${name} can load. ${why}, or build it: ` +
    '`npm rebuild offloop` needs Rust 1.88 or newer and a C compiler'
  // Where nothing is there, the loader tells no more than the places where it looked.
  const unsupported = found === undefined ? new Error(message) : new Error(message, { cause: found })
  return Object.assign(unsupported, { code: 'ERR_OFFLOOP_UNSUPPORTED' })
}

/** What the loader met, one after the other. @param {any} error @returns {Error[]} */
function met(error) {
  const errors = []
  for (let it = error; it instanceof Error; it = it.cause) errors.push(it)
  return errors
}
