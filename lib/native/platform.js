'use strict'

const { readFileSync } = require('node:fs')

/** The platforms for which addons are published. */
const PLATFORMS = [
  'linux-x64-gnu',
  'linux-x64-musl',
  'linux-arm64-gnu',
  'linux-arm64-musl',
  'darwin-x64',
  'darwin-arm64',
  'win32-x64-msvc',
  'win32-arm64-msvc'
]

/** Returns the name of this platform, as in the names of the addon packages: linux-x64-gnu, darwin-arm64. */
function platform() {
  const { arch, platform } = process
  if (platform === 'linux') return `linux-${arch}-${isMusl() ? 'musl' : 'gnu'}${arch === 'arm' ? 'eabihf' : ''}`
  return platform === 'win32' ? `win32-${arch}-msvc` : `${platform}-${arch}`
}

/** Reads a file before it requests a report, which takes longer. */
function isMusl() {
  try {
    return readFileSync('/usr/bin/ldd', 'utf8').includes('musl')
  } catch {
    return glibcVersion() === undefined
  }
}

/** Returns the version of glibc, if that is the C library. @returns {string | undefined} */
function glibcVersion() {
  const report = /** @type {any} */ (process.report)
  report.excludeNetwork = true
  return report.getReport().header.glibcVersionRuntime
}

module.exports = { PLATFORMS, glibcVersion, platform }
