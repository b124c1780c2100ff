// What the bench's page runs in a browser: a uPlot for each plot of lines, plain elements for bars. Pure data: the text of a script;
// all that it shows comes from the element `data`, and goes in as text, never as markup.

export const pageScript = `
const colors = ['#2f6fde', '#d9480f', '#18794e', '#8e4ec6', '#66727f']
const plots = document.getElementById('plots')
for (const plot of JSON.parse(document.getElementById('data').textContent)) {
  const box = document.createElement('div')
  box.className = 'plot'
  const title = document.createElement('h3')
  title.textContent = plot.title
  box.append(title)
  plots.append(box)
  if (plot.kind === 'lines') drawLines(box, plot)
  else drawBars(box, plot)
}
function drawLines(box, plot) {
  const series = plot.lines.map((line, index) => ({
    label: line.name + ' (' + plot.yTitle + ')',
    stroke: colors[index % colors.length],
    width: 1.5,
    points: { show: plot.x.length < 60 },
  }))
  new uPlot({
    width: 500,
    height: 260,
    scales: { x: { time: false } },
    axes: [{ label: plot.xTitle }, { label: plot.yTitle, size: 70 }],
    series: [{ label: plot.xTitle }, ...series],
  }, [plot.x, ...plot.lines.map((line) => line.y)], box)
}
function drawBars(box, plot) {
  const most = Math.max(...plot.bars.map((bar) => bar.value), 1e-9)
  for (const { name, value } of plot.bars) {
    const row = document.createElement('div')
    row.className = 'bar'
    const [label, bar, text] = ['span', 'div', 'span'].map((kind) => document.createElement(kind))
    label.textContent = name
    bar.style.width = Math.max(0, value / most) * 100 + '%'
    text.textContent = value.toFixed(3) + ' ' + plot.unit
    row.append(label, bar, text)
    box.append(row)
  }
}
`
