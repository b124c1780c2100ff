// How the bench's page looks. Pure data.

export const pageStyle = `
body { font: 14px/1.5 system-ui, sans-serif; color: #1d2733; max-width: 1180px; margin: 2em auto; padding: 0 1em }
h1 small { font-size: .5em; font-weight: normal; color: #66727f }
h2 { margin-top: 2em; border-bottom: 1px solid #d6dde4 }
table { border-collapse: collapse; margin: 1em 0 }
th { text-align: left; color: #66727f; font-weight: 600 }
th, td { padding: .2em .8em .2em 0; border-bottom: 1px solid #eef1f4; vertical-align: top }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.kept { color: #18794e } .missed { color: #b42318; font-weight: 600 }
#plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(480px, 1fr)); gap: 1.5em }
.plot h3 { margin: 0 0 .3em; font-size: 1em }
.bar { display: grid; grid-template-columns: 10em 1fr 9em; gap: .6em; align-items: center }
.bar div { background: #2f6fde; height: .9em; min-width: 1px }
.bar span:last-child { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
`
