'use strict'

const assert = require('node:assert/strict')
const { mkdtempSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { test } = require('node:test')
const { transformSync } = require('esbuild')
const { node } = require('../support/child')

const WATCH = require.resolve('../../watch')

/** TypeScript whose guilty line differs from the compiled one. */
const SOURCE = `interface Options {
  duration: number
}

type Unused = { a: string }

export function guilty({ duration }: Options): void {
  const end: number = performance.now() + duration
  while (performance.now() < end);
}

const { watch } = require(${JSON.stringify(WATCH)})
const alive = setInterval(() => {}, 60_000)
watch({
  threshold: 20,
  maxPerStack: Infinity,
  onBlock: (block: any) => {
    console.log(JSON.stringify(block))
    if (block.samples[0]?.frames.some(({ name }: any) => name === 'guilty')) clearInterval(alive)
  }
})
setTimeout(() => guilty({ duration: 150 }), 50)
`

for (const sourcemap of /** @type {const} */ (['inline', 'external'])) {
  test(`positions are those of the TypeScript source, ${sourcemap} map`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'offloop-'))
    const options = /** @type {const} */ ({ loader: 'ts', format: 'cjs', sourcefile: 'program.ts' })
    const { code, map } = transformSync(SOURCE, { ...options, sourcemap })
    const file = join(folder, 'program.js')
    writeFileSync(file, sourcemap === 'inline' ? code : `${code}//# sourceMappingURL=program.js.map\n`)
    if (sourcemap === 'external') writeFileSync(`${file}.map`, map)
    const { stdout, stderr } = await node([file])
    const blocks = stdout
      .trim()
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line))
    const frames = blocks.flatMap(block => block.samples[0].frames)
    const found = frames.find((/** @type {any} */ { name }) => name === 'guilty')
    assert.ok(found !== undefined, stdout + stderr)
    assert.deepEqual([found.file, found.line], [join(folder, 'program.ts'), 9])
  })
}
