'use strict'

// Identifies a shared library by its headers: the messages of loaders are terse and differ by system, and loading a bad file can
// crash the process.

const { closeSync, fstatSync, openSync, readSync } = require('node:fs')

/** Bytes that hold the headers and the segment table of any library. */
const HEADER_BYTES = 4096

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

/** The type of a segment that is loaded. */
const PT_LOAD = 1

/**
 * @typedef {object} Library
 * @property {string | undefined} system as in `process.platform`; undefined if it is not a library
 * @property {string | undefined} arch as in `process.arch`; undefined if there are several, or it is unknown
 * @property {number} size in bytes
 * @property {number} minSize bytes; a smaller file is truncated
 */

/**
 * @param {string} path
 * @returns {Library | undefined} undefined if the file cannot be read
 */
function inspect(path) {
  try {
    const file = openSync(path, 'r')
    try {
      const head = Buffer.alloc(HEADER_BYTES)
      const read = readSync(file, head, 0, HEADER_BYTES, 0)
      const { size } = fstatSync(file)
      return { minSize: 0, ...identify(head.subarray(0, read)), size }
    } finally {
      closeSync(file)
    }
  } catch {
    return undefined
  }
}

/**
 * @param {Buffer} head
 * @returns {{ system: string | undefined, arch: string | undefined, minSize?: number }}
 */
function identify(head) {
  const unknown = { system: undefined, arch: undefined }
  if (head.length < 64) return unknown
  const magic = head.readUInt32BE(0)
  // Addons are published for 64-bit little-endian machines only. For others the machine is all that matters.
  if (magic === 0x7f454c46) {
    const isUsual = head[4] === 2 && head[5] === 1
    const machine = head[5] === 2 ? head.readUInt16BE(18) : head.readUInt16LE(18)
    const arch = ELF[machine] ?? `machine ${machine}`
    if (!isUsual) return { system: 'linux', arch: head[4] === 1 && arch === 'x64' ? 'ia32' : arch }
    return { system: 'linux', arch, minSize: endOfSegments(head) }
  }
  if (magic === 0xcffaedfe) return { system: 'darwin', arch: MACH_O[head.readUInt32LE(4)] }
  if (magic === 0xcafebabe) return { system: 'darwin', arch: undefined }
  if (head.toString('latin1', 0, 2) !== 'MZ') return unknown
  const header = head.readUInt32LE(0x3c)
  if (header + 6 > head.length || head.toString('latin1', header, header + 4) !== 'PE\0\0') return unknown
  return { system: 'win32', arch: PE[head.readUInt16LE(header + 4)] }
}

/** Returns the end of the last segment. Loaders map it unchecked; touching a missing part crashes the process. @param {Buffer} head */
function endOfSegments(head) {
  const [start, size, count] = [Number(head.readBigUInt64LE(32)), head.readUInt16LE(54), head.readUInt16LE(56)]
  let end = start + size * count
  for (let entry = start; entry < start + size * count && entry + 56 <= head.length; entry += size) {
    if (head.readUInt32LE(entry) !== PT_LOAD) continue
    end = Math.max(end, Number(head.readBigUInt64LE(entry + 8)) + Number(head.readBigUInt64LE(entry + 32)))
  }
  return end
}

module.exports = { inspect }
