'use strict';
// The board that the address names: its choices, its panels, its range of time.

const ranges = { 'now-1h': '1 hour', 'now-6h': '6 hours', 'now-24h': '24 hours', 'now-7d': '7 days', 'now-30d': '30 days', 'now-90d': '90 days', 'now-1y': '1 year', 'now-20y': 'all' };
const units = { h: 3600, d: 86400, y: 31557600 };
const seconds = (range) => { const m = /^now-(\d+)([hdy])$/.exec(range); return m ? Number(m[1]) * units[m[2]] : 604800; };
const state = { board: null, values: {}, all: {}, range: 'now-7d', zoomed: null, marks: [], charts: [], turn: 0 };

function scope(panel) {
  const to = state.zoomed ? state.zoomed[1] : Math.floor(Date.now() / 1000);
  const from = state.zoomed ? state.zoomed[0] : to - seconds(state.range);
  const [, number, unit] = /^(\d+)([mhd])$/.exec((panel && panel.interval) || '') || [0, 1, 'h'];
  const least = Number(number) * { m: 60, ...units }[unit];
  const nice = [60, 300, 900, 3600, 10800, 21600, 43200, 86400, 604800, 2629800, 31557600];
  const step = nice.find((s) => s >= least && s >= (to - from) / 180) || 31557600;
  return { from, to, step, values: { ...state.all, ...state.values } };
}

// The address holds what was chosen, so that it can be shared and gone back to.
function remember(push) {
  const q = new URLSearchParams();
  q.set('from', state.range);
  if (state.zoomed) q.set('zoom', state.zoomed.join('-'));
  for (const [name, list] of Object.entries(state.values)) for (const v of list) q.append('var-' + name, v);
  history[push ? 'pushState' : 'replaceState']({}, '', '/b/' + state.board.uid + '?' + q);
}

function recall() {
  const q = new URLSearchParams(location.search);
  state.values = {};
  for (const [k, v] of q) if (k.startsWith('var-')) (state.values[k.slice(4)] ??= []).push(v);
  state.range = ranges[q.get('from')] ? q.get('from') : state.board.time.from;
  // A link of Grafana's kind has both ends in milliseconds.
  const ends = [q.get('from'), q.get('to')].map((v) => Math.floor(Number(v || NaN) / 1000));
  const zoom = ends[1] > ends[0] ? ends : (q.get('zoom') || '').split('-').map(Number);
  state.zoomed = zoom.length === 2 && zoom[1] > zoom[0] ? zoom : null;
}

async function start() {
  const { boards, simulated, queries } = await ask('/api/boards');
  const uid = location.pathname.startsWith('/b/') ? decodeURIComponent(location.pathname.slice(3)) : boards[0].uid;
  state.board = await ask('/api/boards/' + encodeURIComponent(uid));
  recall();
  if (!state.values.database && simulated) state.values.database = ['earshot_simulated'];
  if (!state.values.label_set) state.values.label_set = ['live'];
  document.title = state.board.title;
  head(boards, queries, state.board.uid);
  byId('range').replaceChildren(...Object.entries(ranges).map(([v, n]) => element('option', { value: v, textContent: n, selected: v === state.range })));
  byId('range').onchange = (e) => { state.range = e.target.value; state.zoomed = null; remember(true); load(); };
  byId('refresh').onclick = load;
  byId('zoomout').onclick = () => { state.zoomed = null; remember(true); load(); };
  dark(load);
  await variables();
  remember(false);
  await load();
}

async function variables() {
  const box = byId('variables');
  box.replaceChildren();
  state.all = {};
  for (const v of state.board.templating.list.filter((x) => x.type !== 'datasource' && !x.hide)) {
    let choices = [];
    try { choices = (await ask(`/api/boards/${state.board.uid}/choices/${v.name}`, scope())).data.map((r) => (Array.isArray(r) ? r[0] : r)); } catch (e) { console.warn(v.name, e.message); }
    if (v.name === 'brand') { named.clear(); choices.forEach(colourOf); } // in one order, so that no panel decides who takes which colour
    if (v.includeAll && !v.allValue) { // all of what can be chosen now, which follows other choices
      state.all[v.name] = choices;
      const kept = (state.values[v.name] || []).filter((c) => choices.includes(c));
      if (kept.length) state.values[v.name] = kept; else delete state.values[v.name];
    }
    const texts = v.type === 'custom' ? Object.fromEntries(v.query.split(',').map((x) => x.split(' : ').map((y) => y.trim()).reverse())) : {};
    if (v.multi) box.append(several(v, choices));
    else {
      const chosen = (state.values[v.name] || [choices[0]])[0];
      box.append(element('label', { textContent: v.label + ' ' }, element('select', {
        name: v.name, onchange: (e) => { state.values[v.name] = [e.target.value]; changed(leads(v.name)); },
      }, ...choices.map((c) => element('option', { value: c, textContent: texts[c] || c, selected: c === chosen })))));
    }
  }
}

// leads says whether the choices of another variable follow those of this one.
const leads = (name) => state.board.templating.list.some((o) => o.name !== name && typeof o.query === 'string' && (o.query.includes('${' + name + '}') || o.query.includes('${' + name + ':')));

function several(v, choices) {
  const chosen = new Set(state.values[v.name] || []);
  const title = element('b');
  const say = () => { title.textContent = chosen.size === 0 ? 'All' : [...chosen].join(', ').slice(0, 40); };
  say();
  const list = element('div', { className: 'choices' });
  const set = () => { say(); if (chosen.size) state.values[v.name] = [...chosen]; else delete state.values[v.name]; changed(leads(v.name)); };
  list.append(element('button', { textContent: 'All', onclick: () => { chosen.clear(); list.querySelectorAll('input').forEach((i) => { i.checked = false; }); set(); } }));
  for (const c of choices) {
    list.append(element('label', {}, element('input', { type: 'checkbox', value: c, checked: chosen.has(c), onchange: (e) => { if (e.target.checked) chosen.add(c); else chosen.delete(c); set(); } }), ' ' + (c || '(none)')));
  }
  const details = element('details', {}, element('summary', {}, v.label + ': ', title), list);
  details.dataset.name = v.name;
  return details;
}

let waiting = 0;
function changed(again) {
  clearTimeout(waiting);
  waiting = setTimeout(async () => { if (again) await variables(); remember(true); await load(); }, 250);
}

async function load() {
  const turn = ++state.turn;
  byId('zoomout').hidden = !state.zoomed;
  byId('simulated').hidden = (state.values.database || [])[0] !== 'earshot_simulated';
  state.charts.forEach((c) => c.dispose());
  state.charts = [];
  const main = byId('panels');
  main.replaceChildren();
  const shown = state.board.panels.map((p) => frame(p));
  main.append(...shown.map((s) => s.card));
  state.marks = await marks();
  await Promise.all(shown.map(async ({ panel, body }) => {
    if (panel.type === 'text') { draw.text(body, panel); return; }
    try {
      const chosen = scope(panel);
      const answer = await ask(`/api/boards/${state.board.uid}/panels/${panel.id}`, chosen);
      if (turn !== state.turn) return;
      body.replaceChildren();
      if (answer.data.length === 0) { body.append(element('div', { className: 'none', textContent: nothing(panel) })); return; }
      const chart = draw[panel.type](body, panel, answer, { ...chosen, marks: state.marks, zoom });
      if (chart) { drill(chart, panel); state.charts.push(chart); }
    } catch (e) {
      if (turn === state.turn) body.replaceChildren(element('div', { className: 'wrong', textContent: e.message }));
    } finally {
      body.dataset.ready = '1';
    }
  }));
  if (turn === state.turn) document.body.dataset.ready = String(turn);
}

// nothing says that there is nothing, in the words of the panel.
function nothing(panel) {
  const said = panel.fieldConfig.defaults.noValue;
  return said && said !== 'nothing yet' ? said : 'nothing yet in this range';
}

function zoom(from, to) {
  if (to - from < 120) return;
  state.zoomed = [from, to];
  remember(true);
  load();
}

// A click on a series or a bar leads to what it is made of: that brand, platform or language alone.
function drill(chart, panel) {
  const fields = { brand: 'brand', platform: 'platform', lang: 'lang', country: 'country' };
  chart.on('click', (e) => {
    const sql = panel.targets[0].rawSql;
    const names = [e.seriesName, e.name].filter(Boolean);
    for (const [variable, column] of Object.entries(fields)) {
      if (!new RegExp('\\b' + column + '\\b').test(sql.split(' FROM ')[0])) continue;
      const known = [...document.querySelectorAll(`details[data-name=${variable}] input`)].map((i) => i.value);
      const value = names.find((n) => known.includes(n));
      if (value) { state.values[variable] = [value]; remember(true); variables().then(load); return; }
    }
  });
}

async function marks() {
  const out = [];
  for (const [i, a] of state.board.annotations.list.entries()) {
    try {
      const answer = await ask(`/api/boards/${state.board.uid}/marks/${i}`, scope());
      const at = (t) => Date.parse(String(t).replace(' ', 'T') + 'Z');
      for (const r of answer.data) out.push({ from: at(r[0]), to: at(r[1]), title: r[2], text: r[3], gap: a.name === 'Coverage gaps' });
    } catch (e) { console.warn(a.name, e.message); }
  }
  return out;
}

function frame(panel) {
  const body = element('div', { className: 'body' + (['timeseries', 'barchart', 'piechart', 'heatmap'].includes(panel.type) ? ' chart' : '') });
  const title = element('h2', {}, element('span', { className: 'what', textContent: panel.title }));
  title.append(element('button', { textContent: '?', title: 'what it means and how it is computed', onclick: () => explain(panel) }));
  if (panel.targets) title.append(element('button', { textContent: '↓', title: 'save the rows as CSV', onclick: () => save(panel) }));
  const card = element('section', { className: 'panel s-' + panel.type }, title, body);
  card.style.gridColumn = `${panel.gridPos.x + 1} / span ${panel.gridPos.w}`;
  card.style.gridRow = `${panel.gridPos.y + 1} / span ${panel.gridPos.h}`;
  return { panel, card, body };
}

function explain(panel) {
  byId('moretext').replaceChildren(element('h3', { textContent: panel.title }), element('p', { textContent: panel.description }), element('pre', { textContent: panel.targets ? panel.targets[0].rawSql : '' }));
  byId('more').showModal();
}

async function save(panel) {
  const blob = await ask(`/api/boards/${state.board.uid}/panels/${panel.id}`, { ...scope(panel), csv: true });
  download(panel.title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-') + '.csv', blob);
}

addEventListener('resize', () => state.charts.forEach((c) => c.resize()));
addEventListener('popstate', () => { recall(); variables().then(load); });
start().catch((e) => {
  byId('panels').replaceChildren(element('section', { className: 'panel wrong', textContent: e.message }));
  document.body.dataset.ready = 'failed';
});
