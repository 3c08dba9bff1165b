'use strict'

// The error of an addon that cannot be loaded: its reason and its fix.

const { OffloopError } = require('../internal/errors')
const { OVERRIDE, tryResolve } = require('./addon-files')
const { inspect } = require('./library')
const { BUILD, reasonOf } = require('./load-reasons')
const { PLATFORMS, platform } = require('./platform')
const { version } = require('../../package.json')

/** @typedef {{ file: import('./addon-files').AddonFile, error: any }} Attempt */

const REINSTALL = `Install offloop again on this machine, or build it: ${BUILD}`

/** @param {Attempt[]} attempts which all failed */
function notLoadedError(attempts) {
  const refused = attempts.filter(attempt => !isAbsent(attempt))
  if (refused.length === 0) return absentError(attempts[attempts.length - 1].error)
  const fix = reasonFor(refused[0]).fix ?? defaultFix()
  return noBindingError(refused.map(describeAttempt).join('. '), fix, refused[0].error)
}

/** @param {Attempt} attempt */
function isAbsent({ file, error }) {
  return file.path === undefined && error.code === 'MODULE_NOT_FOUND'
}

/** @param {Attempt} attempt */
function describeAttempt({ file, error }) {
  if (error.isVersionMismatch) return error.message
  const { why } = reasonFor({ file, error })
  const presence = file.path === undefined && error.code === 'ERR_ACCESS_DENIED' ? 'may exist' : 'exists'
  return `${file.label} ${presence}, but ${why} (${error.message.replace(/\s*\n\s*/g, ' ')})`
}

/** @param {Attempt} attempt */
function reasonFor({ file: { path }, error }) {
  return reasonOf(error, path === undefined ? undefined : inspect(path), path)
}

/** Returns the fix for when the addon itself is at fault. */
function defaultFix() {
  if (!process.env[OVERRIDE]) return REINSTALL
  return `Unset ${OVERRIDE}, or set it to an addon of offloop ${version} for this platform`
}

/** Returns the error for when there is no addon. @param {any} cause */
function absentError(cause) {
  const override = process.env[OVERRIDE]
  if (override) return noBindingError(`${OVERRIDE} names ${override}, which does not exist`, defaultFix(), cause)
  const name = platform()
  const neither = `Neither the package offloop-${name} nor lib/native/offloop.${name}.node exists`
  if (!PLATFORMS.includes(name)) {
    const why = `${neither}: addons are published for ${PLATFORMS.join(', ')}`
    return noBindingError(why, `Build it: ${BUILD}`, cause)
  }
  if (isInstalled(name)) {
    const why = `The package offloop-${name} is installed without its file offloop.${name}.node: something removed it, or kept it from being written`
    return noBindingError(why, REINSTALL, cause)
  }
  const here = typeof __filename === 'string' ? __filename : 'an ES module'
  if (!/[\\/]lib[\\/]native[\\/]load-failure\.js$/.test(here)) {
    const why = `${neither}, seen from ${here}, into which offloop was bundled`
    return noBindingError(why, "Leave offloop out of the bundle, with external: ['offloop'] for example", cause)
  }
  const others = PLATFORMS.filter(isInstalled).map(it => `offloop-${it}`)
  const why =
    others.length > 0
      ? `the installed addon is ${others.join(' and ')}, for another platform`
      : 'optional packages may have been left out when offloop was installed (--omit=optional), or it was ' +
        'installed on another platform'
  return noBindingError(`${neither}: ${why}`, REINSTALL, cause)
}

/** @param {string} name of a platform */
function isInstalled(name) {
  return tryResolve(`offloop-${name}/package.json`) !== undefined
}

/**
 * @param {string} found
 * @param {string} fix
 * @param {unknown} cause
 */
function noBindingError(found, fix, cause) {
  const message = `Node.js ${process.version} on ${platform()} cannot load the addon of offloop. ${found}. ${fix}`
  return Object.assign(new OffloopError('ERR_OFFLOOP_NO_BINDING', message), { cause })
}

module.exports = { notLoadedError }
