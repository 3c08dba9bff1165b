'use strict'

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const { join } = require('node:path')
const { test } = require('node:test')
const zlib = require('node:zlib')
const { Pool, transforms } = require('../..')

const MiB = 1 << 20
const { gunzip, inflate, inflateRaw, brotliDecompress, zstdDecompress, lz4Decompress, chain, csv, json, text } =
  transforms
const LIMIT = { name: 'OffloopError', code: 'ERR_OFFLOOP_OUTPUT_LIMIT' }

/** Transforms with an output limit, with an input whose output is larger than 1000 bytes. */
async function cases() {
  const pool = new Pool({ threads: 1 })
  const plain = 'a'.repeat(2000)
  const [zstd, lz4] = await Promise.all([
    pool.run(transforms.zstdCompress(), plain),
    pool.run(transforms.lz4Compress(), plain)
  ])
  await pool.close()
  const gzip = zlib.gzipSync(plain)
  const rows = `name\n${'x\n'.repeat(1000)}`
  return /** @type {[(options?: any) => any, any][]} */ ([
    [gunzip, gzip],
    [inflate, zlib.deflateSync(plain)],
    [inflateRaw, zlib.deflateRawSync(plain)],
    [brotliDecompress, zlib.brotliCompressSync(plain)],
    [zstdDecompress, zstd],
    [lz4Decompress, lz4],
    [options => chain(gunzip(options), transforms.digest('sha256')), gzip],
    [options => chain(transforms.identity(), gunzip(options), text.base64Encode()), gzip],
    [csv.parse, rows],
    [
      options => csv.aggregate({ groupBy: ['name'], measures: { n: ['count'] }, ...options }),
      `name\n${Array.from({ length: 1000 }, (_, it) => `${it}\n`).join('')}`
    ],
    [options => json.select('$[*]', options), `[${'"abc",'.repeat(999)}1]`],
    [options => text.matches('a', options), plain],
    [options => text.replace('a', 'aa', options), plain],
    [json.stringify, Array.from({ length: 1000 }, () => 'abc')],
    [options => chain(json.stringify(options), transforms.gzip()), Array.from({ length: 1000 }, () => 'abc')]
  ])
}

test('maxOutput of a pool lowers that of every transform', async t => {
  const [limited, free] = [new Pool({ threads: 1, maxOutput: 1000 }), new Pool({ threads: 1 })]
  t.after(() => Promise.all([limited.close(), free.close()]))
  for (const [make, input] of await cases()) {
    const name = make().name
    await free.run(make(), input)
    await assert.rejects(limited.run(make(), input), LIMIT, name)
    await assert.rejects(limited.run(make({ maxOutput: 2 ** 40 }), input), LIMIT, name)
    await assert.rejects(limited.map(make(), [input]), LIMIT, name)
    await assert.rejects(free.run(make({ maxOutput: 100 }), input), LIMIT, name)
  }
  assert.equal((await limited.run(gunzip(), zlib.gzipSync('a'.repeat(1000)))).length, 1000)
  await assert.rejects(
    limited.run(gunzip({ maxOutput: 999 }), zlib.gzipSync('a'.repeat(1000))),
    /larger than 999 bytes, the maxOutput of the transform or of its pool$/
  )
  await assert.rejects(
    limited.run(gunzip(), zlib.gzipSync('a'.repeat(1001))),
    /larger than 1000 bytes, the maxOutput of the transform or of its pool$/
  )
  // Transforms without the option have no output limit.
  assert.equal((await limited.run(transforms.identity(), Buffer.alloc(2000))).length, 2000)
  assert.equal((await limited.run(text.base64Encode(), Buffer.alloc(3000))).length, 4000)
})

test('maxOutput of a pool limits the total output of a stream', async t => {
  const pool = new Pool({ threads: 1, maxOutput: 1000 })
  t.after(() => pool.close())
  const bomb = zlib.gzipSync(Buffer.alloc(1001))
  for (const transform of [gunzip(), chain(gunzip(), transforms.identity())]) {
    const sink = pool.collect(transform)
    sink.on('error', () => {})
    sink.end(bomb)
    await assert.rejects(sink.result, LIMIT)
    await assert.rejects(async () => {
      const stream = pool.stream(transform)
      stream.end(bomb)
      for await (const chunk of stream) void chunk
    }, LIMIT)
  }
})

test('maxOutput of a pool is checked, and shared by name', async t => {
  for (const maxOutput of [0, -1, 1.5, 2 ** 53, NaN, Infinity]) {
    assert.throws(() => new Pool({ maxOutput }), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' })
  }
  for (const maxOutput of /** @type {any[]} */ (['1', null, 1n])) {
    assert.throws(() => new Pool({ maxOutput }), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' })
  }
  const first = new Pool({ name: 'max-output', threads: 1, maxOutput: 1000 })
  const second = new Pool({ name: 'max-output' })
  t.after(() => Promise.all([first.close(), second.close()]))
  await assert.rejects(second.run(gunzip(), zlib.gzipSync(Buffer.alloc(1001))), LIMIT)
  assert.throws(
    () => new Pool({ name: 'max-output', maxOutput: 2000 }),
    /exists with maxOutput = 1000\. Received maxOutput = 2000/
  )
})

test('the default is 256 MiB', async t => {
  const pool = new Pool({ threads: 1 })
  t.after(() => pool.close())
  const bomb = zlib.gzipSync(Buffer.alloc(256 * MiB + 1), { level: 1 })
  await assert.rejects(pool.run(gunzip(), bomb), { ...LIMIT, message: /larger than 268435456 bytes/ })
})

test('64 bombs stay within maxQueueBytes + threads × maxOutput', {
  skip: process.platform !== 'linux' && 'reads /proc'
}, async t => {
  const [threads, maxOutput] = [2, 64 * MiB]
  const zeros = Buffer.alloc(200 * MiB)
  const setup = new Pool()
  const bombs = /** @type {[string, Buffer][]} */ ([
    ['gunzip', await setup.run(transforms.gzip({ level: 1 }), zeros)],
    ['zstdDecompress', await setup.run(transforms.zstdCompress({ level: 1 }), zeros)]
  ])
  await setup.close()
  for (const [name, bomb] of bombs) {
    const maxQueueBytes = 64 * bomb.length
    const program = `
      const { readFileSync, writeFileSync } = require('node:fs')
      const { Pool, transforms } = require(${JSON.stringify(join(__dirname, '..', '..'))})
      const bomb = readFileSync(0)
      const pool = new Pool(${JSON.stringify({ threads, maxOutput, maxQueueBytes })})
      const resident = name => 1024 * Number(new RegExp(name + ':\\\\s+(\\\\d+)').exec(readFileSync('/proc/self/status', 'utf8'))[1])
      // Resets the peak.
      writeFileSync('/proc/self/clear_refs', '5')
      const before = resident('VmRSS')
      Promise.allSettled(Array.from({ length: 64 }, () => pool.run(transforms.${name}(), bomb))).then(outcomes => {
        const codes = [...new Set(outcomes.map(it => it.reason?.code))]
        console.log(JSON.stringify({ codes, grown: resident('VmHWM') - before }))
        return pool.close()
      })`
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', program], { input: bomb, encoding: 'utf8' })
    assert.equal(stderr, '')
    const { codes, grown } = JSON.parse(stdout)
    const bound = maxQueueBytes + threads * maxOutput
    t.diagnostic(`${name}: ${grown} of ${bound} bytes`)
    assert.deepEqual(codes, [LIMIT.code])
    assert.ok(grown <= 1.1 * bound, `${grown} of ${bound} bytes`)
  }
})
