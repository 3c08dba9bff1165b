// The script of the page: charts, copying, printing. Runs in browsers, after the charts of lib/doctor/vendor.
;(() => {
  'use strict'

  /**
   * @typedef {object} Series columns of a process
   * @property {string} label
   * @property {number[]} at seconds
   * @property {number[]} busy
   * @property {number[]} gc
   * @property {number[]} requests
   * @property {number[]} heap
   * @property {number[]} rss
   * @property {{ at: number, duration: number, text: string }[]} blocks
   *
   * @typedef {object} Profile columns of calls, callers first; names and files are indexes of `texts`
   * @property {number[]} parents
   * @property {number[]} names
   * @property {number[]} files
   * @property {number[]} lines
   * @property {number[]} selves milliseconds
   * @property {string[]} texts
   */

  const PANEL_HEIGHT = 130
  const CELL_HEIGHT = 20
  const MIN_WIDTH = 0.5
  /** Titles of the panels, with their series. */
  const PANELS = /** @type {const} */ ([
    { title: 'Loop busy, %', series: ['busy'] },
    { title: 'Requests per second', series: ['requests'] },
    { title: 'Garbage collection, %', series: ['gc'] },
    { title: 'Heap and process, MB', series: ['heap', 'rss'] }
  ])

  /** @type {{ timeline: Series[], flame: Profile | null }} */
  const data = JSON.parse(element('#charts').textContent ?? '')
  /** Functions that redraw the charts. @type {(() => void)[]} */
  const redraws = []

  startCopying()
  startPrinting()
  startTimeline()
  startProfile()
  startRedrawing()

  /**
   * @param {string} selector
   * @returns {HTMLElement}
   */
  function element(selector) {
    return /** @type {HTMLElement} */ (document.querySelector(selector))
  }

  function startCopying() {
    for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('[data-copy]'))) {
      button.hidden = false
      button.addEventListener('click', () => copy(button))
    }
  }

  /** @param {HTMLElement} button */
  async function copy(button) {
    const code = /** @type {HTMLElement} */ (button.previousElementSibling)
    try {
      await navigator.clipboard.writeText(code.textContent ?? '')
      button.textContent = 'Copied'
    } catch {
      // The browser forbids copying: selects the text, so that the user can copy it.
      getSelection()?.selectAllChildren(code)
    }
  }

  function startPrinting() {
    addEventListener('beforeprint', () => {
      for (const details of document.querySelectorAll('main details')) details.setAttribute('open', '')
    })
  }

  function startTimeline() {
    const charts = element('[data-timeline]')
    if (charts === null) return
    const select = /** @type {HTMLSelectElement} */ (element('[data-process]'))
    select.append(...data.timeline.map(({ label }, index) => new Option(label, String(index))))
    charts.hidden = false
    element('[data-without]').hidden = true
    const draw = () => drawTimeline(data.timeline[Number(select.value)])
    select.addEventListener('change', draw)
    redraws.push(draw)
    draw()
  }

  /** @param {Series} series */
  function drawTimeline(series) {
    const panels = element('[data-panels]')
    panels.replaceChildren()
    const end = Math.max(0, series.at.at(-1) ?? 0, series.blocks.at(-1)?.at ?? 0)
    drawBlocks(panels, series.blocks, end)
    for (const { title, series: keys } of PANELS) {
      const columns = keys.map(key => ({ label: key, values: series[key] }))
      draw(panels, title, [0, ...series.at, end], columns)
    }
  }

  /**
   * Draws a bar for each block. A click on the bar shows the text of the block.
   * @param {HTMLElement} panels
   * @param {Series['blocks']} blocks
   * @param {number} end
   */
  function drawBlocks(panels, blocks, end) {
    const at = [0, ...blocks.map(it => it.at), end]
    const columns = [{ label: 'block', values: blocks.map(({ duration }) => duration) }]
    const bars = charts.uPlot.paths.bars?.({ size: [0.5, 20, 3] })
    const plot = draw(panels, 'Blocks, ms', at, columns, bars)
    plot.over.addEventListener('click', () => {
      const block = blocks[(plot.cursor.idx ?? 0) - 1]
      if (block !== undefined) {
        element('[data-block]').textContent = `${block.duration} ms after ${block.at} s, ${block.text}`
      }
    })
  }

  /**
   * @param {HTMLElement} panels
   * @param {string} title
   * @param {number[]} at
   * @param {{ label: string, values: number[] }[]} columns each without values at the first and the last time
   * @param {uPlot.Series.PathBuilder} [paths]
   */
  function draw(panels, title, at, columns, paths) {
    const grid = { stroke: color('--line'), width: 1 }
    const axis = { stroke: color('--text'), grid, ticks: grid, size: 50 }
    const strokes = [color('--accent'), color('--likely')]
    return new charts.uPlot(
      {
        title,
        width: Math.max(200, panels.clientWidth),
        height: PANEL_HEIGHT,
        legend: { show: columns.length > 1 },
        cursor: { sync: { key: 'time' }, drag: { x: true, y: false } },
        scales: { x: { time: false }, y: { range: (_, __, max) => [0, Math.max(max, 1)] } },
        axes: [{ ...axis, size: 30, values: (_, ticks) => ticks.map(tick => `${tick} s`) }, axis],
        series: [
          { label: 's' },
          ...columns.map(({ label }, index) => ({
            label,
            stroke: strokes[index],
            width: 1.5,
            points: { show: false },
            ...(paths && { paths, fill: strokes[index] })
          }))
        ]
      },
      [at, ...columns.map(({ values }) => [null, ...values, null])],
      panels
    )
  }

  /** @param {string} name of a custom property of the style sheet */
  function color(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim()
  }

  function startProfile() {
    const section = element('[data-profile]')
    if (section === null || data.flame === null) return
    section.hidden = false
    const holder = element('[data-flame]')
    const output = element('[data-call]')
    const hint = output.textContent
    const begin = performance.now()
    const chart = flameChart(holder, callTree(data.flame), text => {
      output.textContent = text ?? hint
    })
    performance.measure('offloop flame graph', { start: begin, end: performance.now() })
    const search = /** @type {HTMLInputElement} */ (element('[data-search]'))
    search.addEventListener('input', () => (search.value === '' ? chart.clear() : chart.search(search.value)))
    element('[data-reset]').addEventListener('click', () => chart.resetZoom())
    startKeys(holder, chart, output)
    redraws.push(() => chart.width(widthOf(holder)).update())
  }

  /**
   * Builds the tree of calls, with inclusive times.
   * @param {Profile} profile
   * @returns {FlameCall}
   */
  function callTree({ parents, names, files, lines, selves, texts }) {
    /** @type {FlameCall} */
    const root = { name: 'all', file: '', line: 0, value: 0, self: 0, children: [] }
    /** @type {FlameCall[]} */
    const calls = names.map((name, index) => ({
      name: texts[name],
      file: texts[files[index]],
      line: lines[index],
      value: selves[index],
      self: selves[index],
      children: []
    }))
    for (let index = calls.length - 1; index >= 0; index--) {
      const parent = calls[parents[index]] ?? root
      parent.value += calls[index].value
      parent.children.push(calls[index])
    }
    for (const { children } of [root, ...calls]) children.sort((one, other) => other.value - one.value)
    return root.children.length === 1 ? root.children[0] : root
  }

  /**
   * @param {HTMLElement} holder
   * @param {FlameCall} tree
   * @param {(text: string | null) => void} show
   */
  function flameChart(holder, tree, show) {
    const chart = charts
      .flamegraph()
      .width(widthOf(holder))
      .cellHeight(CELL_HEIGHT)
      .minFrameSize(MIN_WIDTH)
      .transitionDuration(0)
      .inverted(true)
      .setLabelHandler(node => describe(node, tree.value))
      .setColorMapper(node => `var(--${node.highlight ? 'found' : kindOf(node.data)})`)
      .setDetailsHandler(show)
      .setSearchMatch(matches)
      .setSearchHandler((found, sum) => show(`${found.length} calls, ${share(sum, tree.value)} of the time`))
    charts.select(holder).datum(tree).call(chart)
    return chart
  }

  /** @param {HTMLElement} holder */
  function widthOf(holder) {
    return Math.max(200, holder.clientWidth)
  }

  /** @param {FlameCall} call */
  function kindOf({ file }) {
    if (file === '') return 'native'
    if (file.startsWith('node:')) return 'node'
    return /(^|\/)node_modules\//.test(file) ? 'package' : 'user'
  }

  /**
   * @param {FlameNode} node
   * @param {string} term
   */
  function matches({ data: { name, file } }, term) {
    return `${name} ${file}`.toLowerCase().includes(term.toLowerCase())
  }

  /**
   * @param {FlameNode} node
   * @param {number} total
   */
  function describe({ data: { name, file, line, value, self } }, total) {
    const position = file === '' ? '' : ` ${file}:${line}`
    return `${name}${position}, ${value.toFixed(1)} ms (${share(value, total)}), itself ${self.toFixed(1)} ms`
  }

  /**
   * @param {number} part
   * @param {number} total
   */
  function share(part, total) {
    return `${((part / Math.max(total, 0.001)) * 100).toFixed(1)} %`
  }

  /**
   * Adds keys that select calls and zoom.
   * @param {HTMLElement} holder
   * @param {FlameChart} chart
   * @param {HTMLElement} output
   */
  function startKeys(holder, chart, output) {
    /** @type {FlameNode} */
    const root = charts.select(holder).datum()
    let selected = root
    /** @type {Record<string, () => FlameNode | undefined | null>} */
    const moves = {
      ArrowUp: () => selected.parent,
      ArrowDown: () => selected.children?.[0],
      ArrowLeft: () => sibling(selected, -1),
      ArrowRight: () => sibling(selected, 1),
      Enter: () => selected,
      Escape: () => root
    }
    holder.addEventListener('keydown', event => {
      if (!Object.hasOwn(moves, event.key)) return
      event.preventDefault()
      selected = moves[event.key]() ?? selected
      if (event.key === 'Enter') chart.zoomTo(selected)
      if (event.key === 'Escape') chart.resetZoom()
      charts
        .select(holder)
        .selectAll('g.frame')
        .classed('selected', node => node === selected)
      output.textContent = describe(selected, root.data.value)
    })
  }

  /**
   * @param {FlameNode} node
   * @param {number} step
   */
  function sibling(node, step) {
    const siblings = node.parent?.children ?? []
    return siblings[siblings.indexOf(node) + step]
  }

  /** Redraws the charts when the width or the colors change. */
  function startRedrawing() {
    let width = document.documentElement.clientWidth
    const redraw = () => {
      for (const it of redraws) it()
    }
    addEventListener('resize', () => {
      if (document.documentElement.clientWidth === width) return
      width = document.documentElement.clientWidth
      requestAnimationFrame(redraw)
    })
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw)
  }
})()
