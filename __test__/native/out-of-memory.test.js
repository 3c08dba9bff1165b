'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { node } = require('../support/child')

// Runs in a child process, whose address space is limited after a warm-up.
const script = `
  const { execFileSync } = require('node:child_process')
  const { readFileSync } = require('node:fs')
  const { Cache, OffloopError, pool, transforms, move } = require(${JSON.stringify(require.resolve('../..'))})
  const MiB = 2 ** 20
  const zeros = Buffer.alloc(160 * MiB)
  const { zstdCompress, hashPassword, numeric, text } = transforms
  const packers = { gunzip: 'gzip', inflate: 'deflate', inflateRaw: 'deflateRaw', zstdDecompress: 'zstdCompress',
    brotliDecompress: 'brotliCompress', lz4Decompress: 'lz4Compress' }

  async function through(sink, chunk) {
    sink.result.catch(() => {})
    sink.on('error', () => {})
    sink.end(chunk)
    return sink.result
  }

  async function main() {
    const tasks = {
      zstdCompress: () => through(pool.collect(zstdCompress({ level: 22 })), 'x'),
      brotliCompress: () => pool.run(transforms.brotliCompress({ quality: 11, window: 24 }), 'x'),
      argon2id: () => pool.run(hashPassword({ memoryKiB: 600 * 1024, iterations: 1 }), 'x'),
      scrypt: () => pool.run(hashPassword({ algorithm: 'scrypt', cost: 19 }), 'x')
    }
    for (const [name, packer] of Object.entries(packers)) {
      const options = packer === 'brotliCompress' ? { quality: 1 } : undefined
      const packed = await pool.run(transforms[packer](options), zeros)
      tasks[name] = () => pool.run(transforms[name](), packed)
    }
    // These need several times the memory that the other tasks have freed by then.
    for (const [name, transform, Class] of [
      ['base64Encode', text.base64Encode(), Uint8Array],
      ['sort', numeric.sort(), Uint32Array],
      ['stats', numeric.stats(), Uint8Array]
    ]) {
      const inputs = [1, 2].map(() => new Class(160 * MiB / Class.BYTES_PER_ELEMENT))
      tasks[name] = () => pool.run(transform, move(inputs.pop()))
    }
    await pool.map(transforms.identity(), Array(100).fill(Buffer.from('x')))
    // The first errors need memory for the shapes of their objects.
    await pool.map(transforms.gunzip(), Array(100).fill('x'), { settle: true })
    await pool.map(text.base64Decode(), Array(100).fill('!'), { settle: true })
    const limit = max => execFileSync('prlimit', ['--pid', String(process.pid), '--as=' + max + ':unlimited'])
    const used = 1024 * Number(/VmSize:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1])
    const outcomes = {}
    const cache = new Cache({ maxBytes: 1e9, storage: 'native', codec: 'bytes' })
    limit(used + 64 * MiB)
    const copies = await Promise.allSettled([pool.run(transforms.identity(), zeros), cache.get('x', () => zeros)])
    for (const [name, run] of Object.entries(tasks)) {
      outcomes[name] = await run().then(() => 'done', error => [error.code, error.transform, error.message])
    }
    limit('unlimited')
    const later = {}
    for (const name of ['zstdCompress', 'brotliCompress', 'gunzip', 'sort']) {
      later[name] = await tasks[name]().then(() => 'done', error => error.code)
    }
    const copied = copies.map(({ reason }) => [reason instanceof OffloopError, reason?.code])
    console.log(JSON.stringify({ outcomes, copied, later, running: pool.stats().running }))
  }
  main()`

/** V8 ends the process if it lacks memory itself, for compiled code or to collect garbage: rarely with these options. */
const FRUGAL = ['--no-sparkplug', '--no-opt', '--min-semi-space-size=16']
const ATTEMPTS = 3

/**
 * Returns the outcome of a program, which V8 itself may have ended a few times.
 * @param {string[]} args
 */
async function outcomeOf(args) {
  for (let left = ATTEMPTS - 1; left > 0; left--) {
    const outcome = await node(args)
    if (!/FATAL ERROR: .*JavaScript heap out of memory/.test(outcome.stderr)) return outcome
  }
  return node(args)
}

test('a task that runs out of memory fails alone with its error code', {
  skip: process.platform !== 'linux' && 'prlimit exists only on Linux'
}, async () => {
  const { code, stdout, stderr } = await outcomeOf([...FRUGAL, '-e', script])
  assert.equal(code, 0, stderr)
  const { outcomes, copied, later, running } = JSON.parse(stdout)
  const withoutCopy = [true, 'ERR_OFFLOOP_RESOURCES']
  assert.deepEqual(copied, [withoutCopy, withoutCopy])
  assert.equal(running, 0)
  assert.deepEqual(Object.values(later), ['done', 'done', 'done', 'done'])
  for (const [name, outcome] of Object.entries(outcomes)) {
    const [failure, transform, message] = outcome
    assert.equal(failure, 'ERR_OFFLOOP_RESOURCES', `${name}: ${outcome}`)
    assert.equal(typeof transform, 'string')
    assert.match(message, /memory/)
  }
  assert.equal(Object.keys(outcomes).length, 13)
})
