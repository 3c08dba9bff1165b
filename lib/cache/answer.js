'use strict'

const native = require('../native')

/**
 * @typedef {import('./near-cache').NearEntry<any>} NearEntry
 * @typedef {import('./flight').Flight} Flight
 *
 * Native code's answer about an id.
 * @typedef {object} Answer
 * @property {NearEntry | undefined} entry to serve now
 * @property {Flight | undefined} flight to wait for or, if there is an entry, to lead in the background
 * @property {boolean} leads
 * @property {unknown} previous the last known value, for the loader
 * @property {{ bytes: Buffer | null } | undefined} [failing] the error to reject with, if native code keeps it
 */

/** The words of the latest answer (AnswerWord). Read them before calling anything else. */
const out = new Float64Array(native.ANSWER_WORDS)

module.exports = { out }
