'use strict'

// The errors of an addon that cannot be loaded: what was found, why it was not loaded, and what to do.

const { OVERRIDE, addonFiles, requireHere, tryResolve } = require('./addon-files')
const { inspect } = require('./library')
const { BUILD, misfit, reasonOf } = require('./load-reasons')
const { PLATFORMS, platform } = require('./platform')
const { version } = require('../../package.json')

/**
 * @typedef {import('./addon-files').AddonFile} AddonFile
 * @typedef {{ file: AddonFile, error: any }} Attempt
 */

const REINSTALL = `Install offloop again on this machine, or build it: ${BUILD}`

/** @param {unknown} thrown by the generated loader */
function notLoadedError(thrown) {
  const errors = causesOf(thrown)
  if (/WASI binding/.test(errors[0]?.message)) return wasiError(errors[0])
  const attempts = addonFiles().map(file => ({ file, error: loadError(file) ?? loaderError(file, errors) }))
  const refused = attempts.filter(({ file, error }) => error !== undefined && !isAbsent(file, error))
  if (refused.length === 0) return absentError(attempts, thrown)
  return unsupportedError(refused.map(describeAttempt).join('. '), fixOf(refused), refused[0].error)
}

/**
 * Returns the error of loading a file, with its code: the generated loader keeps only the message.
 * @param {AddonFile} file
 */
function loadError({ specifier }) {
  if (requireHere === undefined) return undefined
  try {
    requireHere(specifier)
    return isPackage(specifier) ? versionMismatch(specifier) : undefined
  } catch (error) {
    return error
  }
}

/** @param {string} specifier of a package that can be loaded */
function versionMismatch(specifier) {
  const found = requireHere?.(`${specifier}/package.json`).version
  return found === version ? undefined : new Error(`It is of version ${found}, and offloop of version ${version}`)
}

/** Finds the loader's error about a file, for when it cannot be loaded again here. @param {AddonFile} file @param {Error[]} errors */
function loaderError({ specifier }, errors) {
  const about = errors.slice(1).filter(({ message }) => !/wasi/.test(message))
  const absence = about.find(({ message }) => message.includes(`Cannot find module '${specifier}'`))
  return absence ?? about.find(({ message }) => !message.startsWith('Cannot find module'))
}

/** @param {string} specifier */
function isPackage(specifier) {
  return /^offloop-[\w-]+$/.test(specifier)
}

/** @param {AddonFile} file @param {any} error */
function isAbsent({ specifier, path }, error) {
  if (path !== undefined) return false
  if (error.code === 'ERR_UNKNOWN_BUILTIN_MODULE') return true
  return (
    /^Cannot find (?:module|package)/.test(error.message) &&
    (error.path !== undefined || error.message.includes(specifier))
  )
}

/** @param {Attempt} attempt */
function describeAttempt({ file, error }) {
  const { label, path } = file
  const found = /of version (\S+), and|expected \S+ but got (\S+)\. /.exec(error.message)
  if (found !== null) return `${label} is of version ${found[1] ?? found[2]}, and this is offloop ${version}`
  const { why } = reasonFor({ file, error })
  const there = path === undefined && error.code === 'ERR_ACCESS_DENIED' ? 'may be there' : 'is there'
  return `${label} ${there}, but ${why} (${oneLine(error)})`
}

/** @param {Attempt} attempt */
function reasonFor({ file: { path }, error }) {
  return reasonOf(error, path === undefined ? undefined : inspect(path), path)
}

/** @param {Attempt[]} refused */
function fixOf(refused) {
  return reasonFor(refused[0]).fix ?? defaultFix()
}

/** Returns the fix for when the addon itself is at fault. */
function defaultFix() {
  if (!process.env[OVERRIDE]) return REINSTALL
  return `Unset ${OVERRIDE}, or have it name an addon of offloop ${version} for this platform`
}

/**
 * Returns the error for when there is no addon.
 * @param {Attempt[]} attempts
 * @param {unknown} thrown
 */
function absentError(attempts, thrown) {
  const name = platform()
  const last = attempts[attempts.length - 1]
  const cause = last.error ?? thrown
  if (process.env[OVERRIDE])
    return unsupportedError(`${OVERRIDE} names ${process.env[OVERRIDE]}, which is not there`, defaultFix(), cause)
  const neither = `Neither the package offloop-${name} nor lib/native/offloop.${name}.node is there`
  if (!PLATFORMS.includes(name)) {
    const why = `${neither}: addons are published for ${PLATFORMS.join(', ')}`
    return unsupportedError(why, `Build it: ${BUILD}`, cause)
  }
  if (last.error?.path !== undefined || tryResolve(`offloop-${name}/package.json`) !== undefined) {
    const why = `The package offloop-${name} is there without its file offloop.${name}.node: something removed it, or kept it from being written`
    return unsupportedError(why, REINSTALL, cause)
  }
  if (requireHere === undefined || !/[\\/]lib[\\/]native[\\/]load-failure\.js$/.test(__filename)) {
    const where = requireHere === undefined ? 'an ES module' : __filename
    const why = `${neither}, as looked for from ${where}, into which offloop was bundled`
    const fix = `Leave the packages offloop-* out of the bundle, and install offloop-${name} where the bundle runs`
    return unsupportedError(why, fix, cause)
  }
  const others = PLATFORMS.filter(it => it !== name && tryResolve(`offloop-${it}/package.json`) !== undefined)
  const why =
    others.length > 0
      ? `what is there is ${others.map(it => `offloop-${it}`).join(' and ')}, as installed on another platform`
      : 'optional packages may have been left out when offloop was installed (--omit=optional), or it was ' +
        'installed on another platform'
  return unsupportedError(`${neither}: ${why}`, REINSTALL, cause)
}

/** @param {Error} error */
function wasiError(error) {
  const why = `NAPI_RS_FORCE_WASI or NAPI_RS_WASI_FLAVOR asks for WebAssembly, and offloop has none (${oneLine(error)})`
  return unsupportedError(why, 'Unset it', error)
}

/** @param {string} place @param {import('./library').Library} library */
function truncatedError(place, library) {
  const cause = new Error(`The file ends after ${library.size} bytes, within a segment that ends at ${library.minSize}`)
  return unsupportedError(`${place} is there, but ${misfit(library)?.why}`, defaultFix(), cause)
}

/** Returns the error for an addon that loads but is of another version. @param {any} binding */
function versionError(binding) {
  const { VERSION: found } = binding
  const cached = Object.values(requireHere?.cache ?? {}).find(
    it => it?.exports === binding && !it?.filename.endsWith('binding.js')
  )
  const place = cached?.filename ?? addonFiles().find(({ path }) => path !== undefined)?.path ?? 'What was loaded'
  const why =
    typeof found === 'string'
      ? `${place} is of version ${found}, and this is offloop ${version}`
      : `${place} does not say that it is of offloop ${version}: it is of an older version, or not of offloop`
  return unsupportedError(why, defaultFix(), new Error(`Expected an addon of version ${version}, and got ${found}`))
}

/** @param {string} found @param {string} fix @param {unknown} cause */
function unsupportedError(found, fix, cause) {
  const message =
    `There is no addon of offloop that this Node.js ${process.version} on ${platform()} can load. ` + `${found}. ${fix}`
  return Object.assign(new Error(message, { cause }), { code: 'ERR_OFFLOOP_UNSUPPORTED' })
}

/** Returns the message of an error on one line. @param {Error} error */
function oneLine({ message }) {
  return message.replace(/\s*\n\s*/g, ' ')
}

/** @param {any} error @returns {Error[]} */
function causesOf(error) {
  const errors = []
  for (let it = error; it instanceof Error && errors.length < 100; it = it.cause) errors.push(it)
  return errors
}

module.exports = { truncatedError, notLoadedError, versionError }
