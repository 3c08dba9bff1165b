'use strict'

// Positions in the sources of compiled files. A map is read from the comment at the end of a file. It is not kept: the positions
// that were looked up are.

const { readFile, stat } = require('node:fs/promises')
const { findSourceMap } = require('node:module')
const { dirname, isAbsolute, resolve } = require('node:path')
const { fileURLToPath, pathToFileURL } = require('node:url')
const { isUserFile } = require('./frames')
const { isUrl, originsOf } = require('./mappings')

/**
 * @typedef {import('../../watch').Frame} Frame
 * @typedef {import('./mappings').Origin} Origin
 * @typedef {import('./mappings').Position} Position
 *
 * @typedef {Pick<Frame, 'file' | 'line' | 'column'>} FilePosition
 * @typedef {{ positions: Position[], results: Promise<(FilePosition | undefined)[]> }} Batch
 */

/** Reading a larger file or map would hold the event loop itself. */
const MAX_BYTES = 4 << 20
/** Positions whose origins, or their absence, are remembered. */
const MAX_POSITIONS = 1000

const COMMENT = /\/\/[#@] sourceMappingURL=(\S+)\s*$/
/** @type {ReadonlyMap<string, string>} */
const NO_TEXTS = new Map()
const INLINE = /^data:application\/json[^,]*;base64,/

/** Origins by position, least recently used first. @type {Map<string, Promise<FilePosition | undefined>>} */
const origins = new Map()
/** Positions to look up, by the file whose map is being read. @type {Map<string, Batch>} */
const batches = new Map()

/**
 * Returns the frames with the positions of their sources, where a map is known.
 * @param {Frame[]} frames
 * @param {ReadonlyMap<string, string>} [texts] that were compiled in place of the texts of files, by file
 */
async function originalFrames(frames, texts = NO_TEXTS) {
  return Promise.all(frames.map(frame => originalFrame(frame, texts)))
}

/**
 * @param {Frame} frame
 * @param {ReadonlyMap<string, string>} texts
 */
async function originalFrame(frame, texts) {
  const origin = await originOf(frame, texts)
  return origin === undefined ? frame : { ...frame, ...origin, isUser: isUserFile(origin.file) }
}

/**
 * @param {Frame} frame
 * @param {ReadonlyMap<string, string>} texts
 */
function originOf({ isUser, file, line, column }, texts) {
  if (!isUser || !isAbsolute(file)) return undefined
  const key = `${line}:${column} ${file}`
  const origin = origins.get(key) ?? lookUp(file, { line: line - 1, column: column - 1 }, texts.get(file))
  origins.delete(key)
  origins.set(key, origin)
  if (origins.size > MAX_POSITIONS) origins.delete(/** @type {string} */ (origins.keys().next().value))
  return origin
}

/**
 * @param {string} file
 * @param {Position} position
 * @param {string} [text]
 */
async function lookUp(file, position, text) {
  let batch = batches.get(file)
  if (batch === undefined) {
    /** @type {Position[]} */
    const positions = []
    // A wrong map must not be a rejection, which ends the process.
    batch = { positions, results: lookUpAll(file, positions, text).catch(() => []) }
    batches.set(file, batch)
  }
  const index = batch.positions.push(position) - 1
  return (await batch.results)[index]
}

/**
 * @param {string} file
 * @param {readonly Position[]} positions may grow until the map has been read
 * @param {string} [text]
 * @returns {Promise<(FilePosition | undefined)[]>}
 */
async function lookUpAll(file, positions, text) {
  const found = await readMap(file, text).finally(() => batches.delete(file))
  if (found === undefined) return positions.map(position => lookUpByNode(file, position))
  return originsOf(found.map, positions).map(origin => origin && filePosition(origin, found.folder))
}

/**
 * Returns the map that the end of a file refers to, or `undefined` without a reference.
 * @param {string} file
 * @param {string} [text] in place of that of the file
 */
async function readMap(file, text) {
  const url = COMMENT.exec(lastLine(text ?? (await readSmall(file))))?.[1]
  if (url === undefined) return undefined
  const isInline = INLINE.test(url)
  const path = isInline ? file : fileURLToPath(new URL(url, pathToFileURL(file)))
  const json = isInline ? Buffer.from(url.replace(INLINE, ''), 'base64').toString() : await readSmall(path)
  return { map: JSON.parse(json), folder: dirname(path) }
}

/** @param {string} text */
function lastLine(text) {
  return text.slice(text.trimEnd().lastIndexOf('\n') + 1)
}

/** @param {string} file */
async function readSmall(file) {
  const { size } = await stat(file)
  if (size > MAX_BYTES) throw new RangeError(`The file is larger than ${MAX_BYTES} bytes`)
  return readFile(file, 'utf8')
}

/**
 * Looks up a position in a map that Node.js has, such as that of a loader of TypeScript.
 * @param {string} file
 * @param {Position} position
 */
function lookUpByNode(file, { line, column }) {
  const entry = /** @type {any} */ (findSourceMap(file)?.findEntry(line, column))
  if (entry?.originalSource === undefined || entry.originalLine === undefined) return undefined
  return filePosition(
    { source: entry.originalSource, line: entry.originalLine, column: entry.originalColumn },
    dirname(file)
  )
}

/**
 * @param {Origin} origin
 * @param {string} folder of the map
 * @returns {FilePosition}
 */
function filePosition({ source, line, column }, folder) {
  return { file: isUrl(source) ? pathOfUrl(source) : resolve(folder, source), line: line + 1, column: column + 1 }
}

/** Returns the path of a URL of this machine, and other URLs unchanged. @param {string} url */
function pathOfUrl(url) {
  try {
    return url.startsWith('file:') ? fileURLToPath(url) : url
  } catch {
    return url
  }
}

module.exports = { originalFrames }
