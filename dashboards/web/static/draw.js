'use strict';
// How a panel's answer is shown: one function a panel type. Nothing here asks the server.

// Colours that people with colour blindness can tell apart (after Okabe and Ito 2008); a name
// has the same colour on every board, and none has that of a sentiment.
const colours = ['#56b4e9', '#e69f00', '#009e73', '#cc79a7', '#5e3c99', '#b2182b', '#8f8f00', '#8c510a', '#01665e'];
const fixed = { negative: '#d55e00', neutral: '#999999', positive: '#0072b2' };
const named = new Map();
function colourOf(name) {
  if (fixed[name]) return fixed[name];
  if (!named.has(name)) {
    let h = 2166136261;
    for (const c of name) h = Math.imul(h ^ c.codePointAt(0), 16777619);
    let i = (h >>> 0) % colours.length;
    const taken = new Set(named.values());
    for (let n = 0; n < colours.length && taken.has(colours[i]); n++) i = (i + 1) % colours.length;
    named.set(name, colours[i]);
  }
  return named.get(name);
}

const numeric = (type) => /^(Nullable\()?(U?Int|Float|Decimal)/.test(type);
const temporal = (type) => /DateTime|^Date/.test(type);

function show(value, unit, decimals) {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  if (typeof value !== 'number') return String(value);
  const round = (v, d) => v.toLocaleString('en', { maximumFractionDigits: d, minimumFractionDigits: 0, signDisplay: 'negative' });
  switch (unit) {
    case 'percentunit': return round(value * 100, decimals ?? 1) + ' %';
    case 's':
      if (value < 120) return round(value, 0) + ' s';
      if (value < 7200) return round(value / 60, 1) + ' min';
      if (value < 172800) return round(value / 3600, 1) + ' h';
      return round(value / 86400, 1) + ' d';
    case 'dateTimeFromNow': {
      const ago = (Date.now() - value) / 1000;
      return ago < 2 ? 'now' : show(ago, 's') + ' ago';
    }
    case 'sci': return value === 0 ? '0' : value.toExponential(1);
    default:
      if (Math.abs(value) >= 1e6) return round(value / 1e6, 2) + ' M';
      if (Math.abs(value) >= 1e5) return round(value / 1e3, 1) + ' k';
      return round(value, decimals ?? (Number.isInteger(value) ? 0 : 2));
  }
}

const draw = {};

draw.stat = (body, panel, answer) => {
  const row = answer.data[0];
  const unit = panel.fieldConfig.defaults.unit;
  const value = row ? row[row.length - 1] : null;
  const none = panel.fieldConfig.defaults.noValue || 'nothing yet';
  body.classList.add('stat');
  const text = value === null ? none : show(typeof value === 'number' ? value : Number.isNaN(Number(value)) ? value : Number(value), unit, panel.fieldConfig.defaults.decimals);
  if (text.length > 9) body.classList.add('small');
  body.textContent = text;
};

function override(panel, column) {
  const out = {};
  for (const o of panel.fieldConfig.overrides || []) {
    if (o.matcher.id === 'byName' && o.matcher.options === column) for (const p of o.properties) out[p.id] = p.value;
  }
  return out;
}

draw.table = (body, panel, answer) => {
  const head = element('tr');
  const rows = answer.data.slice();
  const list = element('tbody');
  const fill = () => {
    list.replaceChildren(...rows.map((row) => element('tr', {}, ...row.map((value, i) => {
      const { name, type } = answer.meta[i];
      const cell = element('td');
      const o = override(panel, name);
      if (o.links && value) {
        cell.append(webAddress(value) ? element('a', { href: value, target: '_blank', rel: 'noopener noreferrer', textContent: 'open' }) : element('span', { textContent: value }));
      } else if (numeric(type)) {
        cell.className = 'number';
        cell.textContent = show(value, o.unit || panel.fieldConfig.defaults.unit, o.decimals);
      } else {
        cell.textContent = value === null ? '–' : Array.isArray(value) ? value.join(', ') : temporal(type) ? String(value).slice(0, 19) : String(value);
        cell.className = temporal(type) ? 'time' : String(value).length > 40 ? 'text' : '';
        cell.dir = 'auto';
      }
      return cell;
    }))));
  };
  answer.meta.forEach(({ name, type }, i) => {
    let up = true;
    head.append(element('th', {
      textContent: override(panel, name).displayName || name.replaceAll('_', ' '), className: numeric(type) ? 'number' : '', title: 'sort', tabIndex: 0,
      onclick: () => {
        up = !up;
        rows.sort((a, b) => (a[i] === b[i] ? 0 : a[i] === null ? 1 : b[i] === null ? -1 : a[i] < b[i] ? -1 : 1) * (up ? 1 : -1));
        fill();
      },
    }));
  });
  fill();
  body.append(element('table', {}, element('thead', {}, head), list));
};

draw.text = (body, panel) => { body.textContent = panel.options.content; };

function base() {
  const style = getComputedStyle(document.documentElement);
  const ink = style.getPropertyValue('--soft').trim(), line = style.getPropertyValue('--line').trim(), card = style.getPropertyValue('--card').trim();
  return {
    animation: false, textStyle: { color: ink, fontFamily: 'inherit' }, aria: { enabled: true },
    tooltip: { trigger: 'axis', renderMode: 'richText', confine: true, backgroundColor: card, borderColor: line, textStyle: { color: style.getPropertyValue('--ink').trim(), fontSize: 12 } },
    legend: { bottom: 0, type: 'scroll', textStyle: { color: ink }, pageTextStyle: { color: ink }, icon: 'roundRect', itemHeight: 8 },
    grid: { left: 8, right: 16, top: 12, bottom: 30, containLabel: true },
    axis: { axisLabel: { color: ink }, axisLine: { lineStyle: { color: line } }, splitLine: { lineStyle: { color: line } } },
  };
}

// Columns of an answer: what is on the axis, what names a series, what is counted.
function columns(answer) {
  const index = (f) => answer.meta.findIndex((m) => f(m.type));
  const time = index(temporal);
  const value = answer.meta.findLastIndex((m) => numeric(m.type));
  const words = answer.meta.map((_, i) => i).filter((i) => i !== time && i !== value && !numeric(answer.meta[i].type));
  return { time, value, words };
}

function group(answer, by, x, y) {
  const out = new Map();
  for (const row of answer.data) {
    const name = by === undefined ? answer.meta[y].name : String(row[by]);
    if (!out.has(name)) out.set(name, []);
    out.get(name).push([row[x], row[y]]);
  }
  return new Map([...out].sort((a, b) => (a[0] < b[0] ? -1 : 1)));
}

draw.timeseries = (body, panel, answer, view) => {
  const o = base(), c = columns(answer), unit = panel.fieldConfig.defaults.unit;
  const custom = panel.fieldConfig.defaults.custom || {};
  const stacked = custom.stacking && custom.stacking.mode === 'normal', bars = custom.drawStyle === 'bars';
  const series = [];
  const groups = group(answer, c.words[0], c.time, c.value);
  const times = [...new Set(answer.data.map((r) => r[c.time]))].sort();
  for (const [name, points] of groups) {
    const at = new Map(points);
    const data = (stacked ? times.map((t) => [t, at.get(t) ?? 0]) : points).map(([t, v]) => [Date.parse(t.replace(' ', 'T') + 'Z'), v]);
    series.push({
      name, type: bars ? 'bar' : 'line', data, stack: stacked ? 'all' : undefined, symbolSize: 4, showSymbol: data.length < 60,
      lineStyle: { width: 2 }, itemStyle: { color: colourOf(name) }, areaStyle: stacked && !bars ? { opacity: 0.5 } : undefined, barMaxWidth: 24,
    });
  }
  if (series.length && view.marks.length) {
    series[0].markLine = { symbol: 'none', silent: false, label: { show: false }, lineStyle: { color: '#d55e00', type: 'dashed' }, data: view.marks.filter((m) => !m.gap).map((m) => ({ xAxis: m.from, name: m.title })) };
    series[0].markArea = { silent: true, itemStyle: { color: 'rgba(140,140,140,.25)' }, data: view.marks.filter((m) => m.gap).map((m) => [{ xAxis: m.from }, { xAxis: m.to }]) };
  }
  const chart = echarts.init(body, null, { renderer: 'canvas' });
  chart.setOption({
    ...o, series, tooltip: { ...o.tooltip, valueFormatter: (v) => show(v, unit) },
    xAxis: { type: 'time', min: view.from * 1000, max: view.to * 1000, ...o.axis, splitLine: { show: false } },
    yAxis: { type: 'value', min: panel.fieldConfig.defaults.min ?? undefined, ...o.axis, axisLabel: { ...o.axis.axisLabel, formatter: (v) => show(v, unit) } },
    toolbox: { show: false, feature: { dataZoom: { yAxisIndex: false } } },
  });
  chart.dispatchAction({ type: 'takeGlobalCursor', key: 'dataZoomSelect', dataZoomSelectActive: true });
  chart.on('datazoom', (e) => {
    const z = (e.batch || [e])[0];
    if (z.startValue !== undefined) view.zoom(Math.floor(z.startValue / 1000), Math.ceil(z.endValue / 1000));
  });
  return chart;
};

draw.barchart = (body, panel, answer) => {
  const o = base(), c = columns(answer), unit = panel.fieldConfig.defaults.unit;
  const x = Math.max(0, answer.meta.findIndex((m) => m.name === panel.options.xField));
  const by = c.words.find((i) => i !== x);
  const names = [...new Set(answer.data.map((r) => String(r[x])))];
  const percent = panel.options.stacking === 'percent';
  const each = panel.options.colorByField === panel.options.xField; // a brand keeps its colour
  const totals = new Map(names.map((n) => [n, answer.data.filter((r) => String(r[x]) === n).reduce((s, r) => s + r[c.value], 0)]));
  const series = [...group(answer, by, x, c.value)].map(([name, points]) => {
    const at = new Map(points.map(([n, v]) => [String(n), v]));
    return {
      name, type: 'bar', stack: by === undefined ? undefined : 'all', barMaxWidth: 22, itemStyle: { color: by === undefined ? '#0072b2' : colourOf(name) },
      data: names.map((n) => {
        const value = percent ? (at.get(n) ?? 0) / (totals.get(n) || 1) : at.get(n) ?? 0;
        return each ? { value, itemStyle: { color: colourOf(n) } } : value;
      }),
    };
  });
  const chart = echarts.init(body);
  const axis = percent ? 'percentunit' : unit;
  chart.setOption({
    ...o, series, legend: { ...o.legend, show: by !== undefined }, grid: { ...o.grid, bottom: by === undefined ? 8 : 30 },
    tooltip: { ...o.tooltip, axisPointer: { type: 'shadow' }, valueFormatter: (v) => show(v, axis) },
    yAxis: { type: 'category', data: names, inverse: true, ...o.axis }, xAxis: { type: 'value', ...o.axis, axisLabel: { ...o.axis.axisLabel, formatter: (v) => show(v, axis), hideOverlap: true } },
  });
  return chart;
};

draw.piechart = (body, panel, answer) => {
  const o = base(), c = columns(answer), unit = panel.fieldConfig.defaults.unit;
  const data = answer.data.map((r) => ({ name: String(r[c.words[0]]), value: r[c.value], itemStyle: { color: colourOf(String(r[c.words[0]])) } }));
  const total = data.reduce((s, d) => s + d.value, 0) || 1;
  const chart = echarts.init(body);
  chart.setOption({
    ...o, tooltip: { ...o.tooltip, trigger: 'item', valueFormatter: (v) => show(v, unit) },
    legend: { ...o.legend, orient: 'vertical', right: 0, top: 'middle', bottom: undefined, formatter: (n) => n + '  ' + show((data.find((d) => d.name === n) || {}).value / total, 'percentunit') },
    series: [{ type: 'pie', radius: ['45%', '75%'], center: ['35%', '50%'], label: { show: false }, data }],
  });
  return chart;
};

const days = ['', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
draw.heatmap = (body, panel, answer) => {
  const o = base();
  const max = Math.max(1, ...answer.data.map((r) => r[2]));
  const chart = echarts.init(body);
  chart.setOption({
    ...o, tooltip: { ...o.tooltip, trigger: 'item', formatter: (p) => `${days[p.value[1] + 1]} ${p.value[0]}:00  ${show(p.value[2])}` },
    xAxis: { type: 'category', data: [...Array(24).keys()], ...o.axis }, yAxis: { type: 'category', data: days.slice(1), inverse: true, ...o.axis },
    visualMap: { min: 0, max, calculable: false, text: [show(max), '0'], orient: 'horizontal', left: 'center', bottom: 0, itemHeight: 90, textStyle: o.textStyle, inRange: { color: ['#eef5fb', '#9ecae1', '#0072b2', '#08306b'] } },
    grid: { ...o.grid, bottom: 46 },
    series: [{ type: 'heatmap', data: answer.data.map((r) => [r[0], Number(r[1]) - 1, r[2]]) }],
  });
  return chart;
};
