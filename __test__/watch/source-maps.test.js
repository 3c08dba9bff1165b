'use strict'

const assert = require('node:assert/strict')
const { mkdirSync, mkdtempSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { dirname, join } = require('node:path')
const { test } = require('node:test')
const { transformSync } = require('esbuild')
const { originalFrames } = require('../../lib/watch/source-maps')
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

/**
 * Writes files into a new folder, and returns its path.
 * @param {Record<string, string>} files by their paths in the folder
 */
function folderWith(files) {
  const folder = mkdtempSync(join(tmpdir(), 'offloop-'))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}

/**
 * @param {string} file
 * @param {number} line
 * @param {number} column
 */
function frameAt(file, line, column) {
  return { name: 'guilty', file, line, column, isAsync: false, isUser: true }
}

/** @param {string} url */
const compiled = url => `guilty()\nguilty()\n//# sourceMappingURL=${url}\n`
/** @param {unknown} map */
const inline = map => `data:application/json;base64,${Buffer.from(JSON.stringify(map)).toString('base64')}`

const VALID = { version: 3, sources: ['a.ts'], names: [], mappings: 'AAAA' }

for (const [title, code] of [
  ['a source on another host', compiled(inline({ ...VALID, sources: ['file://buildhost/a.ts'] }))],
  ['a source with a wrong escape', compiled(inline({ ...VALID, sources: ['file:///%zz.ts'] }))],
  ['a source that is not a text', compiled(inline({ ...VALID, sources: [{}] }))],
  ['a source that is absent', compiled(inline({ ...VALID, sources: [] }))],
  ['no sources', compiled(inline({ ...VALID, sources: undefined }))],
  ['mappings that are not a text', compiled(inline({ ...VALID, mappings: 5 }))],
  ['a map that is null', compiled(inline(null))],
  ['a map that is not JSON', compiled('data:application/json;base64,AAAA')],
  ['sections that are not objects', compiled(inline({ version: 3, sections: [null, 5] }))],
  ['a URL with a wrong escape', compiled('%zz.map')],
  ['a URL of the network', compiled('https://example.com/a.js.map')],
  ['a map that is missing', compiled('missing.map')]
]) {
  test(`a frame keeps its position: ${title}`, async () => {
    const file = join(folderWith({ 'a.js': code }), 'a.js')
    assert.deepEqual(await originalFrames([frameAt(file, 1, 1)]), [frameAt(file, 1, 1)])
  })
}
