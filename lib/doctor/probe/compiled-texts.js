'use strict'

// Reads texts that a loader compiled in memory. The file of such a script contains the source, whose positions differ.

const { readFileSync } = require('node:fs')
const { isAbsolute } = require('node:path')
const { pathOf } = require('../../watch/frames')
const { call, connected } = require('./inspector')

/** Maximum number of reported texts, and maximum sum of their lengths. */
const MAX_TEXTS = 200
const MAX_LENGTH = 16 << 20
const COMMENT = /\/\/[#@] sourceMappingURL=\S+\s*$/

/**
 * Returns the texts that V8 ran, for those of the given files whose text has an inline source map that the file lacks. Call this after
 * the measurement: the debugger may make V8 discard optimized code.
 * @param {ReadonlySet<string>} files
 * @returns {{ file: string, text: string }[]}
 */
function compiledTexts(files) {
  const session = connected()
  if (session === undefined) return []
  /** @type {Map<string, string>} script ids by file; if a file was loaded several times, that of the last script */
  const scripts = new Map()
  session.on('Debugger.scriptParsed', ({ params: { scriptId, url, sourceMapURL = '' } }) => {
    const file = pathOf(url)
    if (sourceMapURL.startsWith('data:') && files.has(file)) scripts.set(file, scriptId)
  })
  try {
    call(session, 'Debugger.enable')
    return textsOf(scripts, scriptId => call(session, 'Debugger.getScriptSource', { scriptId })?.scriptSource)
  } finally {
    session.disconnect()
  }
}

/**
 * @param {ReadonlyMap<string, string>} scripts
 * @param {(scriptId: string) => string | undefined} sourceOf
 */
function textsOf(scripts, sourceOf) {
  const texts = []
  let length = 0
  for (const [file, scriptId] of scripts) {
    if (texts.length === MAX_TEXTS || length > MAX_LENGTH) break
    if (hasMap(file)) continue
    const text = sourceOf(scriptId)
    if (text === undefined) continue
    texts.push({ file, text })
    length += text.length
  }
  return texts
}

/** Returns whether a file contains its source map, and therefore the text that V8 ran. @param {string} file */
function hasMap(file) {
  try {
    return isAbsolute(file) && COMMENT.test(readFileSync(file, 'utf8'))
  } catch {
    return false
  }
}

/**
 * Collects the files of the program from all frames in a value.
 * @param {unknown} value plain JSON
 * @param {Set<string>} files
 */
function addFiles(value, files) {
  if (typeof value !== 'object' || value === null) return
  const { file, isUser } = /** @type {{ file?: unknown, isUser?: unknown }} */ (value)
  if (isUser === true && typeof file === 'string') files.add(file)
  for (const part of Object.values(value)) addFiles(part, files)
}

module.exports = { addFiles, compiledTexts }
