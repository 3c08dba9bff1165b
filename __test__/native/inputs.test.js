'use strict'

const assert = require('node:assert/strict')
const { existsSync, readFileSync } = require('node:fs')
const { readFile, writeFile, mkdtemp, rm } = require('node:fs/promises')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { test } = require('node:test')
const { Pool, pool, transforms, move, occupy } = require('../support/fault-addon')

const identity = transforms.identity()
const turn = () => new Promise(resolve => setImmediate(resolve))

test('copies an input, so that it may change after the call', async () => {
  for (const size of [1, 100, 5000, 100_000, 1 << 20]) {
    const busy = new Pool({ threads: 1 })
    const { release } = occupy(busy)
    const input = Buffer.alloc(size, 1)
    const running = busy.run(identity, input)
    const mapped = busy.map(identity, [input])
    input.fill(2)
    structuredClone(input.buffer, { transfer: size === 1 ? [] : [input.buffer] })
    await release()
    assert.deepEqual(await running, Buffer.alloc(size, 1))
    assert.deepEqual(await mapped, [Buffer.alloc(size, 1)])
    await busy.close()
  }
})

test('copies a large input over many event-loop iterations', async () => {
  const size = 256 << 20
  const input = Buffer.alloc(size)
  let turns = 0
  let isDone = false
  const output = pool.run(identity, input).finally(() => {
    isDone = true
  })
  assert.equal(pool.stats().queuedBytes, size)
  while (!isDone) {
    await turn()
    turns++
  }
  assert.ok(turns > 20, `256 MiB were copied in ${turns} iterations`)
  assert.equal((await output).length, size)
})

test('rejects an input whose length changes during the copy, and releases its bytes', async () => {
  const own = new Pool({ threads: 1 })
  const detached = new Uint8Array(20 << 20)
  const detaching = own.run(identity, detached)
  const resizable = new /** @type {any} */ (ArrayBuffer)(20 << 20, { maxByteLength: 30 << 20 })
  const shrinking = own.run(identity, new Uint8Array(resizable))
  const growing = own.map(identity, [new Uint8Array(resizable)])
  structuredClone(detached.buffer, { transfer: [detached.buffer] })
  const { resize } = /** @type {any} */ (resizable)
  resize?.call(resizable, 25 << 20)
  await assert.rejects(detaching, { name: 'TypeError', message: /must not be detached/ })
  for (const promise of [shrinking, growing]) {
    await assert.rejects(promise, { name: 'TypeError', message: /changed its length from 20971520 to \d+ bytes/ })
  }
  const { queued, queuedBytes } = own.stats()
  assert.deepEqual([queued, queuedBytes], [0, 0])
  await own.close()
})

test('an abort during a copy releases its bytes immediately', async () => {
  const own = new Pool({ threads: 1 })
  const abort = new AbortController()
  const copying = own.run(identity, Buffer.alloc(100 << 20), { signal: abort.signal })
  await turn()
  assert.equal(own.stats().queuedBytes, 100 << 20)
  abort.abort()
  assert.deepEqual([own.stats().queued, own.stats().queuedBytes], [0, 0])
  await assert.rejects(copying, { name: 'AbortError' })
  await own.close()
})

test('concurrent copies are correct and complete in order', async () => {
  const inputs = Array.from({ length: 20 }, (_, i) => Buffer.alloc((2 << 20) + i, i))
  /** @type {number[]} */
  const order = []
  const own = new Pool({ threads: 1 })
  const outputs = await Promise.all(
    inputs.map(async (input, i) => {
      const output = await own.run(identity, input)
      order.push(i)
      return output
    })
  )
  assert.deepEqual(outputs, inputs)
  assert.deepEqual(
    order,
    Array.from({ length: 20 }, (_, i) => i)
  )
  await own.close()
})

test('move() transfers the memory and detaches the buffer', async () => {
  for (const size of [1, 1000, 100_000, 5 << 20]) {
    const array = new Uint8Array(size).fill(7)
    const { buffer } = array
    assert.deepEqual(await pool.run(identity, move(array)), Buffer.alloc(size, 7))
    assert.deepEqual([array.length, buffer.byteLength], [0, 0])
    const arrayBuffer = new ArrayBuffer(size)
    assert.equal((await pool.run(identity, move(arrayBuffer))).length, size)
    assert.equal(arrayBuffer.byteLength, 0)
  }
  const folder = await mkdtemp(join(tmpdir(), 'offloop-'))
  await writeFile(join(folder, 'file'), Buffer.alloc(1_000_000, 'file'))
  const file = await readFile(join(folder, 'file'))
  assert.deepEqual(await pool.run(identity, move(file)), Buffer.alloc(1_000_000, 'file'))
  await rm(folder, { recursive: true })
})

test('move() copies memory that cannot be transferred', async () => {
  const slab = Buffer.from('slab')
  const neighbour = Buffer.from('neighbour')
  assert.equal(String(await pool.run(identity, move(slab))), 'slab')
  assert.equal(String(slab), 'slab')
  assert.equal(String(neighbour), 'neighbour')
  const part = new Uint8Array(new ArrayBuffer(100_000), 10, 50_000)
  assert.equal((await pool.run(identity, move(part))).length, 50_000)
  assert.equal(part.length, 50_000)
  const shared = new Uint8Array(new SharedArrayBuffer(100_000))
  assert.equal((await pool.run(identity, move(shared))).length, 100_000)
  assert.equal(shared.length, 100_000)
  const resizable = new /** @type {any} */ (ArrayBuffer)(100_000, { maxByteLength: 200_000 })
  assert.equal((await pool.run(identity, move(resizable))).length, 100_000)
  assert.equal(resizable.byteLength, 100_000)
  const external = await pool.run(identity, Buffer.alloc(100_000, 3))
  assert.deepEqual(await pool.run(identity, move(external)), Buffer.alloc(100_000, 3))
})

test('a moved buffer stays attached if the queue is full', async () => {
  const full = new Pool({ threads: 1, maxQueue: 0 })
  const { release } = occupy(full)
  const buffer = Buffer.alloc(100_000, 5)
  await assert.rejects(full.run(identity, move(buffer)), { code: 'ERR_OFFLOOP_QUEUE_FULL' })
  assert.equal(buffer.length, 100_000)
  await release()
  await full.close()
  await assert.rejects(full.run(identity, move(buffer)), { code: 'ERR_OFFLOOP_CLOSED' })
  assert.equal(buffer.length, 100_000)
})

test('releases moved buffers of tasks aborted in the queue', async () => {
  const own = new Pool({ threads: 1 })
  const { release } = occupy(own)
  const abort = new AbortController()
  const queued = Array.from({ length: 50 }, () =>
    own.run(identity, move(Buffer.alloc(1_000_000)), { signal: abort.signal })
  )
  assert.equal(own.stats().queuedBytes, 50_000_001)
  abort.abort()
  for (const promise of queued) await assert.rejects(promise, { name: 'AbortError' })
  assert.equal(own.stats().queuedBytes, 1)
  await release()
  await own.close()
})

const hasLargePages = existsSync('/sys/kernel/mm/transparent_hugepage/enabled') && existsSync('/proc/self/smaps')

test('a large copy has large pages and is one mapping, which can grow without a copy', {
  skip: !hasLargePages
}, async () => {
  const size = 64 << 20
  const running = pool.run(transforms.digest('xxh3-64'), Buffer.alloc(size))
  const mappings = readFileSync('/proc/self/smaps', 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)
  const sizes = mappings
    .filter(mapping => / hg( |$)/m.test(mapping))
    .map(mapping => 1024 * Number(/^Size:\s+(\d+) kB/m.exec(mapping)?.[1]))
  assert.ok(
    sizes.some(mapped => mapped > size),
    `large pages in mappings of ${sizes} bytes`
  )
  await running
})

test('move() rejects values that are not bytes', () => {
  for (const value of ['text', 7, null, {}, [1]]) {
    assert.throws(() => move(/** @type {any} */ (value)), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' })
  }
})
