'use strict'

const { readFileSync, realpathSync, statSync } = require('node:fs')
const { relativePath } = require('../locations')

const SOURCE = /\.[cm]?[jt]sx?$/
/** Maximum size of a source in bytes: larger files are bundles. */
const MAX_SIZE = 2_000_000

/**
 * Returns a function that reads sources, only in a folder: a report from another machine may name any file.
 * @param {string} root
 * @returns {(file: string) => string | undefined}
 */
function sourceReader(root) {
  /** @type {Map<string, string | undefined>} */
  const texts = new Map()
  return file => {
    if (!texts.has(file)) texts.set(file, isSource(root, file) ? read(root, file) : undefined)
    return texts.get(file)
  }
}

/**
 * @param {string} root
 * @param {string} file
 */
function isSource(root, file) {
  const path = relativePath(root, file)
  return SOURCE.test(path) && path !== file && !path.split('/').includes('..')
}

/**
 * @param {string} root
 * @param {string} file
 */
function read(root, file) {
  try {
    const stats = statSync(file)
    // A link may lead out of the folder.
    const isInside = isSource(realpathSync(root), realpathSync(file))
    return isInside && stats.isFile() && stats.size <= MAX_SIZE ? readFileSync(file, 'utf8') : undefined
  } catch {
    return undefined
  }
}

module.exports = { sourceReader }
