'use strict'

// The architecture rules as pure functions from files (path to text) to complaints.

const { posix } = require('node:path')
const { blank } = require('./source-text.js')

/** @typedef {Record<string, string>} Files paths from the root, with slashes */

const MAX_LINES = 450
/** A file of the published package alone. */
const PUBLISHED = 'lib/bundle.js'

/**
 * @param {Files} files
 * @param {RegExp} pattern
 */
function pick(files, pattern) {
  return Object.entries(files).filter(([path]) => pattern.test(path))
}

/**
 * Finds napi and unsafe outside src/node/.
 * @param {Files} files
 */
function napiOutsideNode(files) {
  return pick(files, /^src\/.*\.rs$/)
    .filter(([path]) => !path.startsWith('src/node/'))
    .flatMap(([path, text]) => {
      const code = blank(text, 'rust').replace(/#!?\[[^\]]*\]/g, attribute => attribute.replace(/unsafe_code/g, ''))
      return [/\bnapi(_derive|_sys)?\b/, /\bunsafe\b/].flatMap(word => {
        const found = word.exec(code)
        return found === null ? [] : [`${path}:${lineOf(code, found.index)} names ${found[0]} outside src/node/`]
      })
    })
}

/**
 * Finds unsafe blocks, functions and implementations without a SAFETY comment on them or just above.
 * @param {Files} files
 */
function undocumentedUnsafe(files) {
  return pick(files, /^src\/.*\.rs$/).flatMap(([path, text]) => {
    const lines = text.split('\n')
    return blank(text, 'rust')
      .split('\n')
      .flatMap((line, index) => {
        if (!/\bunsafe\s*(\{|impl\b)|\bunsafe\s*$/.test(line)) return []
        return isDocumented(lines, index) ? [] : [`${path}:${index + 1} has an unsafe without a SAFETY comment`]
      })
  })
}

/**
 * True if the statement that contains the line has a SAFETY comment above it.
 * @param {readonly string[]} lines
 * @param {number} index
 */
function isDocumented(lines, index) {
  for (let line = index; line >= 0 && line > index - 12; line--) {
    if (/\/\/\s*SAFETY:/.test(lines[line])) return true
    // The end of the previous statement or block: comments above it are about other code.
    if (line < index && /[;{}]\s*$/.test(lines[line])) return false
  }
  return false
}

/**
 * Finds exported functions that do not catch panics.
 * @param {Files} files
 */
function uncaughtPanics(files) {
  return pick(files, /^src\/node\/.*\.rs$/).flatMap(([path, text]) => {
    const code = blank(text, 'rust')
    return [...code.matchAll(/#\[napi(\([^\]]*\))?\]\s*(#\[[^\]]*\]\s*)*pub (async )?fn (\w+)/g)]
      .filter(([, options = '']) => !/\bcatch_unwind\b/.test(options))
      .map(([, , , , name]) => `${path}: ${name} lacks catch_unwind`)
  })
}

/** @param {Files} files */
function longFiles(files) {
  return pick(files, /^(src\/.*\.rs|lib\/.*\.js)$/)
    .map(([path, text]) => /** @type {const} */ ([path, text.split('\n').length - 1]))
    .filter(([, lines]) => lines > MAX_LINES)
    .map(([path, lines]) => `${path} has ${lines} lines, more than ${MAX_LINES}`)
}

/**
 * Lists the project's own files that a file requires.
 * @param {string} path
 * @param {string} text
 * @param {Files} files
 */
function requires(path, text, files) {
  const calls = blank(text, 'js', { strings: false }).matchAll(/\brequire\(\s*['"](\.[^'"]*)['"]\s*\)/g)
  return [...calls].map(([, target]) => {
    const full = posix.join(posix.dirname(path), target).replace(/\/$/, '')
    return ['', '.js', '/index.js'].map(end => `${full}${end}`).find(it => it in files) ?? full
  })
}

/**
 * Lists crates of [dependencies] that no source file uses.
 * @param {string} manifest
 * @param {Files} files
 */
function unusedCrates(manifest, files) {
  const section = /^\[dependencies\]\n([\s\S]*?)(?=^\[|$(?![\s\S]))/m.exec(manifest)?.[1] ?? ''
  const crates = [...section.matchAll(/^([\w-]+)\s*=/gm)].map(([, name]) => name)
  if (crates.length === 0) return ['Cargo.toml has no [dependencies]']
  const code = pick(files, /^src\/.*\.rs$/)
    .map(([, text]) => blank(text, 'rust'))
    .join('\n')
  // The crate md-5 is `md5` in code, others replace the dash by an underscore.
  return crates
    .filter(name => !new RegExp(`\\b${name.replaceAll('-', '_?')}\\b`).test(code))
    .map(name => `${name} is in Cargo.toml but not used in src/`)
}

/**
 * Finds paths of a machine and hosts of package registries.
 * @param {Files} files
 */
function machineSpecificWords(files) {
  const words = [
    /(?<![\w.@-])\/(work|home|tmp|root|Users|farm)\/[\w.]/,
    /https?:\/\/[^\s/"']*(registry|artifactory|nexus|mirror)[^\s/"']*/i,
    /"resolved":\s*"\w+:/
  ]
  return Object.entries(files).flatMap(([path, text]) => {
    return words.flatMap(word => {
      const found = word.exec(text)
      return found === null ? [] : [`${path}:${lineOf(text, found.index)} contains ${found[0]}`]
    })
  })
}

/**
 * Lists optional packages of other platforms that a lock file lacks. npm drops those that it could not reach when it wrote the
 * lock file, and `npm ci` then fails on every platform.
 * @param {string} lock
 */
function missingFromLock(lock) {
  /** @type {Record<string, { optionalDependencies?: Record<string, string> }>} */
  const packages = JSON.parse(lock).packages
  const present = new Set(Object.keys(packages).map(path => path.slice(path.lastIndexOf('node_modules/') + 13)))
  const required = Object.values(packages).flatMap(entry => Object.keys(entry.optionalDependencies ?? {}))
  return [...new Set(required)].filter(name => !present.has(name))
}

/**
 * Lists the values that a declaration file exports.
 * @param {string} text
 */
function declaredValues(text) {
  const code = blank(text, 'js')
  const names = code.matchAll(/^export (?:declare )?(?:abstract )?(?:class|function|const|let|var|enum) (\w+)/gm)
  return [...new Set([...names].map(([, name]) => name))].sort()
}

/**
 * Lists documents that no other document links to.
 * @param {Files} files
 */
function unlinkedDocs(files) {
  const documents = pick(files, /\.md$/)
  const linked = new Set(
    documents.flatMap(([path, text]) => {
      const targets = [...text.matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g)].map(([, target]) => target)
      return targets.map(target => posix.join(posix.dirname(path), target)).filter(target => target !== path)
    })
  )
  return pick(files, /^docs\//)
    .filter(([path]) => !linked.has(path))
    .map(([path]) => `${path} is not linked from any document`)
}

/**
 * Finds paths of project files, in comments and documents, that do not exist. Skips files with samples of such paths.
 * @param {Files} files
 */
function brokenPaths(files) {
  const path =
    /(?<![\w./@-])(lib|src|__test__|docs|scripts|benchmarks|benches|tests|fuzz|examples)\/[\w./-]*\w\.(js|cjs|mjs|ts|rs|md)\b/g
  const module = /(?<![\w./-])[a-z]\w*\.rs\b/g
  const modules = new Set(Object.keys(files).map(file => posix.basename(file)))
  return Object.entries(files)
    .filter(
      ([file]) =>
        !/^(__test__\/(architecture\/\w+|scripts\/test-runner)\.test\.js|tests\/modules\/main\.rs)$/.test(file)
    )
    .flatMap(([file, text]) => {
      const missing = [
        ...[...text.matchAll(path)].filter(([named]) => !(named in files) && named !== PUBLISHED),
        ...[...(file.startsWith('src/') ? text.matchAll(module) : [])].filter(([named]) => !modules.has(named))
      ]
      return missing.map(({ 0: named, index }) => `${file}:${lineOf(text, index)} names ${named}, which does not exist`)
    })
}

/**
 * Finds links between pages to headings that do not exist.
 * @param {Files} files
 */
function brokenAnchors(files) {
  return pick(files, /\.md$/).flatMap(([path, text]) =>
    [...text.matchAll(/\]\(([\w./-]*\.md)?#([^)]+)\)/g)]
      .filter(([, page, anchor]) => {
        const target = page === undefined ? path : posix.join(posix.dirname(path), page)
        const headings = (files[target] ?? '').match(/(?<=^#+ ).*/gm) ?? []
        return !headings.some(
          heading =>
            heading
              .toLowerCase()
              .replace(/[^\w\- ]/g, '')
              .replaceAll(' ', '-') === anchor
        )
      })
      .map(({ 0: link, index }) => `${path}:${lineOf(text, index)} links to ${link}, which does not exist`)
  )
}

/**
 * Finds focused tests, which keep others from running.
 * @param {Files} files
 */
function focusedTests(files) {
  return pick(files, /^__test__\/.*\.js$/).flatMap(([path, text]) => {
    const code = blank(text, 'js')
    const found = /\b(test|it|describe|suite)\.only\(|\bonly: true\b/.exec(code)
    return found === null ? [] : [`${path}:${lineOf(code, found.index)} keeps other tests from running`]
  })
}

/** Functions that fake timers replace; `lib/internal/clock.js` exports the originals. */
const FAKEABLE = /(?<![\w.#])(?:setTimeout|clearTimeout|setImmediate|queueMicrotask|nextTick)\b(?=\()/g
const FAKEABLE_MEMBERS =
  /\b(?:performance|Date)\.now\b|\bprocess\.(?:nextTick|hrtime)\b|\bsetInterval\b|\bclearInterval\b|'node:timers[^']*'/g

/**
 * Finds timers and clocks that do not come from `lib/internal/clock.js`. Code of worker threads and pages is exempt, which fakes do not reach,
 * and the file that replaces `setInterval` itself.
 * @param {Files} files
 */
function fakeableTimers(files) {
  return pick(
    files,
    /^lib\/(?!internal\/clock\.js|doctor\/(?:report\/page|vendor|probe\/intervals\.js)).*\.js$/
  ).flatMap(([path, text]) => {
    const code = blank(text, 'js', { strings: false })
    const imported = /\{([^}]*)\} = require\('(?:\.|\.\.(?:\/\.\.)?\/internal)\/clock'\)/.exec(code)?.[1] ?? ''
    const calls = [...code.matchAll(FAKEABLE)].filter(([name]) => !new RegExp(`\\b${name}\\b`).test(imported))
    const found = [...calls, ...code.matchAll(FAKEABLE_MEMBERS)]
    return found.map(
      ({ 0: name, index }) => `${path}:${lineOf(code, index)} uses ${name}, which lib/internal/clock.js exports`
    )
  })
}

/**
 * @param {string} text
 * @param {number} index
 */
function lineOf(text, index) {
  return text.slice(0, index).split('\n').length
}

module.exports = {
  brokenAnchors,
  brokenPaths,
  declaredValues,
  fakeableTimers,
  focusedTests,
  longFiles,
  machineSpecificWords,
  missingFromLock,
  napiOutsideNode,
  requires,
  uncaughtPanics,
  undocumentedUnsafe,
  unlinkedDocs,
  unusedCrates
}
