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
  const found = reasons(error).find(reason => !reason.startsWith('Cannot find module') && reason.includes('.node'))
  const why =
    found === undefined
      ? `Neither the package offloop-${name} nor lib/offloop.${name}.node is there: packages that are optional may have ` +
        'been left out when offloop was installed (--omit=optional), or it was installed on another platform. Install it anew here'
      : `It is there, and cannot be loaded: ${found}. Install offloop anew on this machine`
  const message =
    `There is no addon of offloop that this Node.js ${process.version} on ${name} can load. ${why}, or build it: ` +
    '`npm rebuild offloop` needs Rust 1.88 or newer and a C compiler'
  return Object.assign(new Error(message, { cause: error }), { code: 'ERR_OFFLOOP_UNSUPPORTED' })
}

/** What the loader met, one after the other. @param {any} error @returns {string[]} */
function reasons(error) {
  const met = []
  for (let cause = error; cause instanceof Error; cause = cause.cause) met.push(cause.message)
  return met
}
