'use strict'

const { blank } = require('./source-text.js')

/**
 * The rules of language of CONTRIBUTING that a regular expression can check.
 * @type {readonly { rule: string, pattern: RegExp, sample: string }[]}
 */
const RULES = [
  {
    rule: 'name the thing',
    // A question may start with "What".
    pattern: /(?<=^|[.!:;|`*/] |\/\/! |["'`])(What|Whatever|Whoever|Whichever) (?![^.]*\?)[a-z]/gm,
    sample: '// What was given away is lost.'
  },
  {
    rule: 'name the thing',
    pattern: /\bwhat (is|are|was|were|has|had|it|they) /g,
    sample: '// Returns what is left.'
  },
  {
    rule: 'data is returned, reported or published, not told',
    pattern: /\b(tell|tells|told|telling|hear|hears|heard|speak|speaks|spoken)\b/gi,
    sample: "// The listener is told of the task's end."
  },
  {
    rule: 'components act, not persons',
    pattern: /\b(whoever|whomever|whatever|whichever|whom|nobody|no one|somebody|anybody|someone|anyone)\b/gi,
    sample: '// Nobody waits for it.'
  },
  {
    rule: 'no negated noun',
    pattern:
      /(?<!\bthere )\b(is|are|was|were|be) (no(?! (longer|more|less|fewer|later|earlier|larger|smaller))|none|nothing)\b/gi,
    sample: '// The input is no JSON.'
  },
  {
    rule: 'a number or a unit',
    pattern: /\bso (many|much|long|far|few)\b(?! (as|that)\b)/gi,
    sample: '// So many bytes are copied.'
  },
  {
    rule: 'readable without the comment above',
    pattern: /(?<=(\/\/\/|\/\*\*|\/\/!|^ *\*) )The same\b/gm,
    sample: '/** The same of strings. */'
  },
  {
    rule: 'no inversion',
    pattern: /\b(should (it|they)|is it that|be it|were it|as (it|they|there) (is|are|was|were))\b/g,
    sample: '// Passes the text as it is.'
  },
  {
    rule: "the field's words",
    pattern: /\b(way back|turns? of the (event )?loop|young garbage|the border|errands?)\b/gi,
    sample: '// Waits for a turn of the loop.'
  },
  {
    rule: 'index, offset, position or slot',
    pattern: /(?<!\b(in|takes?|first|one|of|right|the only|another|their|its) )\b(places?)\b(?! of\b)/gi,
    sample: '// The place where the text ends.'
  },
  {
    rule: 'in flight, again, release, immediately',
    pattern: /\b(under way|underway|anew|let(s|ting)? (it |them )?go of|at once(?=[.,;:)]))/gi,
    sample: '// Lets go of the buffer.'
  },
  {
    rule: 'plain words',
    pattern: /\b(by itself|of its own|of their own|by themselves|is of no use|for ever)\b/gi,
    sample: '// A thread of its own.'
  },
  {
    rule: 'one tag a line',
    pattern: /\/\*\*((?!\*\/)[^\n])*@\w+((?!\*\/)[^\n])* @(param|returns?|type)\b/g,
    sample: '/** @param {number} a @param {number} b */'
  }
]

/**
 * Returns the text with everything blanked that is not prose: code, and the code blocks of pages except for comments.
 * @param {string} path
 * @param {string} text
 */
function proseOf(path, text) {
  if (path.endsWith('.md')) {
    const comment = /\/\/.*|(?<= )# .*/
    return text.replace(/^```[\s\S]*?^```/gm, block =>
      block.replace(/(?<=\n).*/g, line => comment.exec(line)?.[0] ?? '')
    )
  }
  const code = blank(text, path.endsWith('.rs') ? 'rust' : 'js')
  return [...text].map((letter, index) => (letter === '\n' || code[index] !== letter ? letter : ' ')).join('')
}

/**
 * Lists the phrases that break a rule.
 * @param {Record<string, string>} files paths from the root to text
 * @returns {string[]}
 */
function languageComplaints(files) {
  return Object.entries(files)
    .filter(([path]) => /\.(rs|js|cjs|mjs|ts|mts|md)$/.test(path))
    .flatMap(([path, text]) => {
      const prose = proseOf(path, text)
      return RULES.flatMap(({ rule, pattern }) =>
        [...prose.matchAll(pattern)].map(found => {
          const line = prose.slice(0, found.index).split('\n').length
          return `${path}:${line} "${found[0].trim()}": ${rule}`
        })
      )
    })
}

module.exports = { RULES, languageComplaints }
