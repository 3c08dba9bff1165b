'use strict'

// What a file is that should be a shared library, read from the file itself: loaders say little, say it differently on every
// system, and can take the process down.

const { closeSync, fstatSync, openSync, readSync } = require('node:fs')

/** Enough for the headers of any library, and the table of its segments. */
const HEAD = 4096

const ELF = /** @type {Record<number, string>} */ ({
  3: 'ia32',
  8: 'mips',
  21: 'ppc64',
  22: 's390x',
  40: 'arm',
  62: 'x64',
  183: 'arm64',
  243: 'riscv64',
  258: 'loong64'
})
const MACH_O = /** @type {Record<number, string>} */ ({ 7: 'ia32', 12: 'arm', 16777223: 'x64', 16777228: 'arm64' })
const PE = /** @type {Record<number, string>} */ ({ 332: 'ia32', 34404: 'x64', 43620: 'arm64' })

/** A segment that is loaded. */
const LOAD = 1

/**
 * @typedef {object} Library
 * @property {string | undefined} system as `process.platform` has it; undefined if it is no library
 * @property {string | undefined} arch as `process.arch` has it; undefined if it is of several, or unknown
 * @property {number} size in bytes
 * @property {number} needed bytes without which it is cut short
 */

/** Reads what the file is; undefined if it cannot be read. @param {string} path @returns {Library | undefined} */
function inspect(path) {
  try {
    const file = openSync(path, 'r')
    try {
      const head = Buffer.alloc(HEAD)
      const read = readSync(file, head, 0, HEAD, 0)
      const { size } = fstatSync(file)
      return { needed: 0, ...kindOf(head.subarray(0, read)), size }
    } finally {
      closeSync(file)
    }
  } catch {
    return undefined
  }
}

/** @param {Buffer} head @returns {{ system: string | undefined, arch: string | undefined, needed?: number }} */
function kindOf(head) {
  const none = { system: undefined, arch: undefined }
  if (head.length < 64) return none
  const magic = head.readUInt32BE(0)
  // Only what runs Node.js: 64 bits, little-endian. Others are told apart by their machine alone.
  if (magic === 0x7f454c46) {
    const isUsual = head[4] === 2 && head[5] === 1
    const machine = head[5] === 2 ? head.readUInt16BE(18) : head.readUInt16LE(18)
    const arch = ELF[machine] ?? `machine ${machine}`
    if (!isUsual) return { system: 'linux', arch: head[4] === 1 && arch === 'x64' ? 'ia32' : arch }
    return { system: 'linux', arch, needed: endOfSegments(head) }
  }
  if (magic === 0xcffaedfe) return { system: 'darwin', arch: MACH_O[head.readUInt32LE(4)] }
  if (magic === 0xcafebabe) return { system: 'darwin', arch: undefined }
  if (head.toString('latin1', 0, 2) !== 'MZ') return none
  const at = head.readUInt32LE(0x3c)
  if (at + 6 > head.length || head.toString('latin1', at, at + 4) !== 'PE\0\0') return none
  return { system: 'win32', arch: PE[head.readUInt16LE(at + 4)] }
}

/** Where the last segment ends: the loader maps it without a look, and touching what is not there ends the process. @param {Buffer} head */
function endOfSegments(head) {
  const [at, size, count] = [Number(head.readBigUInt64LE(32)), head.readUInt16LE(54), head.readUInt16LE(56)]
  let end = at + size * count
  for (let entry = at; entry < at + size * count && entry + 56 <= head.length; entry += size) {
    if (head.readUInt32LE(entry) !== LOAD) continue
    end = Math.max(end, Number(head.readBigUInt64LE(entry + 8)) + Number(head.readBigUInt64LE(entry + 32)))
  }
  return end
}

module.exports = { inspect }
