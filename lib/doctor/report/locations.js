'use strict'

// Formats file paths. A report may come from another operating system, whose paths `node:path` cannot parse.

const WINDOWS = /^([A-Za-z]:[\\/]|\\\\)/
/** A URL, such as `node:fs` or `webpack://app/a.js`, but not a drive letter. */
const URL_SCHEME = /^[A-Za-z][A-Za-z0-9+.-]+:/

/** Returns a path with slashes. @param {string} path */
function withSlashes(path) {
  return WINDOWS.test(path) ? path.replaceAll('\\', '/') : path
}

/**
 * Returns the path of a file relative to a folder, with slashes, or the absolute path of a file outside the folder.
 * @param {string} root
 * @param {string} file
 */
function relativePath(root, file) {
  const path = withSlashes(file)
  if (root === '') return path
  const folder = `${withSlashes(root).replace(/\/+$/, '')}/`
  const isInside = WINDOWS.test(file) ? path.toLowerCase().startsWith(folder.toLowerCase()) : path.startsWith(folder)
  return isInside && path.length > folder.length ? path.slice(folder.length) : path
}

/** Returns whether a path is relative: then the file belongs to the program. @param {string} path result of `relativePath` */
function isRelative(path) {
  return path !== '' && !path.startsWith('/') && !WINDOWS.test(path) && !URL_SCHEME.test(path) && !path.startsWith('[')
}

/** Returns the URI of a path. A relative path has a relative URI. @param {string} file */
function uriOf(file) {
  const path = withSlashes(file)
  if (path.startsWith('//')) return `file:${encode(path)}`
  if (path.startsWith('/')) return `file://${encode(path)}`
  if (WINDOWS.test(path)) return `file:///${path.slice(0, 2)}${encode(path.slice(2))}`
  return URL_SCHEME.test(path) ? encodeURI(wellFormed(path)) : encode(path)
}

/**
 * Returns the link that opens a line in Visual Studio Code, or `undefined` for a file without an absolute path.
 * @param {string} file
 * @param {number} line
 * @param {number} column
 */
function editorLink(file, line, column) {
  const path = withSlashes(file)
  if (!path.startsWith('/') && !WINDOWS.test(path)) return undefined
  const drive = WINDOWS.test(path) && !path.startsWith('/') ? `/${path.slice(0, 2)}` : ''
  return `vscode://file${drive}${encode(drive === '' ? path : path.slice(2))}:${line}:${Math.max(1, column)}`
}

/** @param {string} path */
function encode(path) {
  return wellFormed(path).split('/').map(encodeURIComponent).join('/')
}

/** @param {string} text */
function wellFormed(text) {
  return /** @type {string & { toWellFormed(): string }} */ (text).toWellFormed()
}

module.exports = { editorLink, isRelative, relativePath, uriOf }
