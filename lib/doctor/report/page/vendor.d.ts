// The charts of lib/doctor/vendor, which precede the page's script. d3 comes without types: these are the parts in use.

/** A call in a flame graph. */
interface FlameCall {
  name: string
  file: string
  line: number
  /** Milliseconds, with callees. */
  value: number
  /** Milliseconds, without callees. */
  self: number
  children: FlameCall[]
}

/** A call as d3 has it. */
interface FlameNode {
  data: FlameCall
  parent: FlameNode | null
  children?: FlameNode[]
  highlight?: boolean
}

interface FlameChart {
  (selection: D3Selection): void
  width(pixels: number): this
  cellHeight(pixels: number): this
  minFrameSize(pixels: number): this
  transitionDuration(milliseconds: number): this
  inverted(isInverted: boolean): this
  setLabelHandler(label: (node: FlameNode) => string): this
  setColorMapper(color: (node: FlameNode) => string): this
  setDetailsHandler(show: (text: string | null) => void): this
  setSearchMatch(matches: (node: FlameNode, term: string) => boolean): this
  setSearchHandler(show: (found: FlameNode[], value: number) => void): this
  search(term: string): void
  clear(): void
  update(): void
  zoomTo(node: FlameNode): void
  resetZoom(): void
}

interface D3Selection {
  datum(): FlameNode
  datum(value: FlameCall): this
  call(chart: FlameChart): this
  selectAll(selector: string): this
  classed(name: string, applies: (node: FlameNode) => boolean): this
}

declare const charts: {
  uPlot: typeof import('uplot')
  flamegraph(): FlameChart
  select(element: Element): D3Selection
}
