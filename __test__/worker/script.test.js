'use strict'

// Scripts written for `new Worker(script, { workerData })`.

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const { mkdtempSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { test } = require('node:test')
const { pathToFileURL } = require('node:url')
const { Pool, pool, move, transforms } = require('../..')
const { fixture } = require('../support/worker.js')

const script = transforms.workerScript(fixture('script.js'))

test('resolves to the first message of a script', async () => {
  for (const transform of [script, transforms.workerScript(pathToFileURL(fixture('script.js')))]) {
    assert.deepEqual(await pool.run(transform, { a: 1 }), { got: { a: 1 } })
  }
  assert.deepEqual(await pool.run(script, { twice: true }), { got: { twice: true } })
  const buffer = new ArrayBuffer(9)
  assert.equal((await pool.run(script, move(buffer))).got.byteLength, 9)
  assert.equal(buffer.byteLength, 0)
})

test('runs at most as many scripts in parallel as the pool has threads', async () => {
  const own = new Pool({ threads: 1 })
  const all = [1, 2, 3].map(n => own.run(script, n))
  assert.deepEqual([own.stats().running, own.stats().queued], [1, 2])
  assert.deepEqual(await Promise.all(all), [{ got: 1 }, { got: 2 }, { got: 3 }])
  assert.deepEqual(await own.map(script, [4, 5]), [{ got: 4 }, { got: 5 }])
  const { completed, byTransform } = own.stats()
  assert.deepEqual([completed, byTransform.workerScript.completed], [5, 5])
  await own.close()
})

test('rejects for an error, an exit without a message and a missing file', async () => {
  await assert.rejects(pool.run(script, { fail: true }), error => {
    const { name, message, stack } = /** @type {Error} */ (error)
    assert.deepEqual([name, message], ['RangeError', 'the script fails'])
    assert.match(String(stack), /script\.js[\s\S]*called from ---\n.*script\.test\.js/)
    return true
  })
  for (const code of [0, 3]) {
    await assert.rejects(pool.run(script, { silent: code }), {
      code: 'ERR_OFFLOOP_WORKER_EXIT',
      message: `The script ${pathToFileURL(fixture('script.js'))} ended with exit code ${code} and posted no message`
    })
  }
  const remedy = "use new URL('./nowhere.js', import.meta.url), or in CommonJS require.resolve('./nowhere.js')"
  const hint = `. A relative path is resolved against the current directory: ${remedy}`
  for (const [path, end] of [
    ['./nowhere.js', hint],
    ['nowhere.js', hint],
    [join(process.cwd(), 'nowhere.js'), '']
  ]) {
    await assert.rejects(pool.run(transforms.workerScript(path), 0), {
      code: 'MODULE_NOT_FOUND',
      message: `Cannot find module '${join(process.cwd(), 'nowhere.js')}'${end}`
    })
  }
  await assert.rejects(
    pool.run(script, () => {}),
    { name: 'DataCloneError' }
  )
})

test('an abort terminates the script and returns its permit', async () => {
  const own = new Pool({ threads: 1 })
  const controller = new AbortController()
  const hangs = own.run(script, { hang: true }, { signal: controller.signal })
  const waits = own.run(script, { hang: true }, { signal: controller.signal })
  controller.abort()
  await assert.rejects(hangs, { name: 'AbortError' })
  await assert.rejects(waits, { name: 'AbortError' })
  assert.deepEqual(await own.run(script, 'next'), { got: 'next' })
  const last = own.run(script, { hang: true })
  const closed = own.close({ force: true })
  await assert.rejects(last, { code: 'ERR_OFFLOOP_CLOSED' })
  await closed
})

/** Makes a script from its text. @param {string} text */
function scriptAt(text) {
  const path = join(mkdtempSync(join(tmpdir(), 'offloop-')), 'script.cjs')
  writeFileSync(path, text)
  return { path, transform: transforms.workerScript(path) }
}

test('a DOMException keeps its class, thrown synchronously, later or by a promise', async () => {
  const thrown = "new DOMException('on purpose', 'NotReadableError')"
  const later = `setTimeout(() => { throw ${thrown} })`
  for (const text of [`throw ${thrown}`, later, `Promise.reject(${thrown})`]) {
    await assert.rejects(pool.run(scriptAt(text).transform, 0), error => {
      assert.ok(error instanceof DOMException)
      assert.deepEqual([error.name, error.message, error.code], ['NotReadableError', 'on purpose', 0])
      assert.match(String(error.stack), /script\.cjs[\s\S]*called from ---\n.*script\.test\.js/)
      return true
    })
  }
  await assert.rejects(pool.run(scriptAt("atob('*')").transform, 0), { name: 'InvalidCharacterError', code: 5 })
})

test('a DOMException arrives even if the process has flags that threads do not support', () => {
  const { path } = scriptAt("throw new DOMException('m', 'AbortError')")
  const program = `const { pool, transforms } = require(${JSON.stringify(join(__dirname, '../..'))})
    pool.run(transforms.workerScript(${JSON.stringify(path)}), 0).catch(({ name }) => console.log(name))`
  const flags = ['--max-old-space-size=300', '--expose-gc', '--no-warnings']
  const run = (/** @type {string[]} */ args) => execFileSync(process.execPath, args, { encoding: 'utf8' })
  assert.equal(run([...flags, scriptAt(program).path]), 'AbortError\n')
  // A program on the command line counts as a flag too.
  assert.notEqual(run([...flags, '-e', program]), '')
})
