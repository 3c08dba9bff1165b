'use strict'

// Positions in the sources of compiled files. A map is read from the comment at the end of a file, once for each file.

const { readFile, stat } = require('node:fs/promises')
const { SourceMap, findSourceMap } = require('node:module')
const { dirname, isAbsolute, resolve } = require('node:path')
const { fileURLToPath } = require('node:url')

/** @typedef {import('../../watch').Frame} Frame */

/** Reading a larger file or map would hold the event loop itself. */
const MAX_BYTES = 4 << 20
/** Files whose maps, or their absence, are remembered. */
const MAX_FILES = 200

const COMMENT = /\/\/[#@] sourceMappingURL=(\S+)\s*$/
const INLINE = /^data:application\/json[^,]*;base64,/

/** @type {Map<string, Promise<SourceMap | undefined>>} */
const maps = new Map()

/**
 * Returns the frames with the positions of their sources, where a map is known.
 * @param {Frame[]} frames
 */
async function originalFrames(frames) {
  // A wrong map must not be a rejection, which ends the process.
  return Promise.all(frames.map(frame => originalFrame(frame).catch(() => frame)))
}

/**
 * @param {Frame} frame
 * @returns {Promise<Frame>}
 */
async function originalFrame(frame) {
  if (!frame.isUser || !isAbsolute(frame.file)) return frame
  const map = findSourceMap(frame.file) ?? (await mapOf(frame.file))
  const entry = /** @type {any} */ (map?.findEntry(frame.line - 1, frame.column - 1))
  if (entry?.originalSource === undefined || entry.originalLine === undefined) return frame
  const file = sourcePath(entry.originalSource, frame.file)
  return { ...frame, file, line: entry.originalLine + 1, column: entry.originalColumn + 1 }
}

/** @param {string} file */
function mapOf(file) {
  const known = maps.get(file)
  if (known !== undefined) return known
  if (maps.size >= MAX_FILES) maps.delete(/** @type {string} */ (maps.keys().next().value))
  const read = readMap(file).catch(() => undefined)
  maps.set(file, read)
  return read
}

/** @param {string} file */
async function readMap(file) {
  const url = COMMENT.exec(lastLine((await readSmall(file)) ?? ''))?.[1]
  if (url === undefined) return undefined
  const text = INLINE.test(url)
    ? Buffer.from(url.replace(INLINE, ''), 'base64').toString()
    : await readSmall(resolve(dirname(file), decodeURIComponent(url)))
  return text === undefined ? undefined : new SourceMap(JSON.parse(text))
}

/** @param {string} text */
function lastLine(text) {
  return text.slice(text.trimEnd().lastIndexOf('\n') + 1)
}

/** @param {string} file */
async function readSmall(file) {
  const { size } = await stat(file)
  return size > MAX_BYTES ? undefined : readFile(file, 'utf8')
}

/**
 * @param {string} source
 * @param {string} compiled
 */
function sourcePath(source, compiled) {
  if (source.startsWith('file:')) return fileURLToPath(source)
  return /^[a-z]+:/i.test(source) ? source : resolve(dirname(compiled), source)
}

module.exports = { originalFrames }
