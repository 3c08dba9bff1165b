'use strict'

/** This platform, as the packages that hold its addon are named: linux-x64-gnu, darwin-arm64. */
function platform() {
  const { arch, platform } = process
  if (platform === 'linux') return `linux-${arch}-${isMusl() ? 'musl' : 'gnu'}`
  return platform === 'win32' ? `win32-${arch}-msvc` : `${platform}-${arch}`
}

function isMusl() {
  const { header } = /** @type {any} */ (process.report.getReport())
  return header.glibcVersionRuntime === undefined
}

module.exports = { platform }
