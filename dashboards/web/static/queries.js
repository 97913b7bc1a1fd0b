'use strict';
// The page on which an analyst tries a query on the archive. Texts of posts are hostile: they
// become text nodes, never markup.

const desk = { brands: [], brand: null, checked: null, tried: null, examples: [], undone: [], chart: null, turn: 0, asking: null, checking: null, judging: 0, writable: false };
const query = () => byId('query').value;
const simulated = () => byId('data').value !== '';
const brandName = () => (desk.brand ? desk.brand.name : byId('name').value.trim());
const trial = (rest) => ({ brand: brandName(), query: query(), simulated: simulated(), days: Number(byId('days').value), ...rest });
const amount = (n) => Number(n).toLocaleString('en', { maximumFractionDigits: 1 });
const percent = (part, whole) => (whole ? (100 * part / whole).toLocaleString('en', { maximumSignificantDigits: 2 }) + ' %' : '–');

async function start() {
  const { boards, simulated: invented } = await ask('/api/boards');
  head(boards, true, 'queries');
  const chosen = new URLSearchParams(location.search);
  byId('data').value = (chosen.has('simulated') ? chosen.get('simulated') === 'true' : invented) ? '1' : '';
  dark(drawDays);
  byId('data').onchange = () => brands('');
  byId('brand').onchange = () => choose(byId('brand').value);
  byId('name').oninput = typed;
  byId('days').onchange = () => tryIt(false);
  byId('query').oninput = typed;
  byId('more').onclick = () => tryIt(true);
  byId('undo').onclick = () => { byId('query').value = desk.undone.pop(); byId('undo').disabled = !desk.undone.length; now(); };
  byId('exclude').onclick = () => without(byId('word').value.trim());
  byId('word').onkeydown = (e) => { if (e.key === 'Enter') without(byId('word').value.trim()); };
  byId('which').onchange = showPosts;
  byId('save').onclick = save;
  byId('posts').onclick = (e) => { if (e.target.classList.contains('word')) without(e.target.textContent); };
  byId('dayscsv').onclick = () => csv('days', ['day', 'posts', 'matches', 'before'], desk.tried ? desk.tried.days.map((d) => [d.day, d.posts, d.matches, d.before]) : []);
  byId('postscsv').onclick = () => csv('posts', ['change', 'platform', 'id', 'author', 'at', 'url', 'title', 'text'],
    shown().map((p) => [p.change, p.platform, p.id, p.author, p.at, p.url, words(p.title), words(p.text)]));
  byId('load').onchange = async (e) => { for (const f of e.target.files) addExamples(await f.text()); e.target.value = ''; judge(); };
  byId('keep').onclick = () => download('examples.tsv', new Blob([lines()], { type: 'text/tab-separated-values' }));
  byId('clear').onclick = () => { desk.examples = []; judge(); };
  addEventListener('resize', () => desk.chart && desk.chart.resize());
  await brands(chosen.get('brand') || '');
}

// brands offers those of the data that were chosen, and a new one.
async function brands(wanted) {
  byId('simulated').hidden = !simulated();
  try {
    const answer = await ask('/api/queries/brands?simulated=' + simulated());
    desk.brands = answer.brands;
    desk.writable = answer.writable;
  } catch (e) {
    desk.brands = [];
    say(byId('saved'), 'wrong', e.message);
  }
  byId('writing').hidden = !desk.writable || simulated();
  byId('brand').replaceChildren(...desk.brands.map((b) => element('option', { value: b.name, textContent: b.name + (b.state === 'paused' ? ' (paused)' : '') })), element('option', { value: '', textContent: 'a new one' }));
  choose(desk.brands.some((b) => b.name === wanted) ? wanted : desk.brands.length ? desk.brands[0].name : '');
}

function choose(name) {
  desk.brand = desk.brands.find((b) => b.name === name) || null;
  byId('brand').value = name;
  byId('newname').hidden = desk.brand !== null;
  byId('query').value = desk.brand ? desk.brand.query : '';
  desk.undone = [];
  byId('undo').disabled = true;
  now();
}

let waiting = 0;
function typed() {
  clearTimeout(waiting);
  waiting = setTimeout(now, 300);
}

async function now() {
  clearTimeout(waiting);
  if (await check()) await tryIt(false);
  await judge();
}

function say(box, kind, text) { box.replaceChildren(element('div', { className: kind, textContent: text })); }

// check says what is wrong, or to be warned of, and how the query is read.
async function check() {
  if (desk.checking) desk.checking.abort();
  const mine = desk.checking = new AbortController();
  const box = byId('said');
  if (!query().trim()) {
    desk.checked = null;
    say(box, 'soft', 'Write what counts as a mention.');
    byId('command').replaceChildren();
    settle();
    return false;
  }
  try {
    const answer = await ask('/api/queries/check', trial(), { signal: mine.signal });
    desk.checked = answer;
    byId('query').setAttribute('aria-invalid', String(answer.mistake !== null));
    byId('save').disabled = answer.mistake !== null;
    byId('command').replaceChildren();
    if (answer.mistake) {
      say(box, 'mistake', answer.mistake.text);
      if (answer.mistake.line) box.append(element('button', { textContent: 'Go there', onclick: () => goTo(answer.mistake) }));
      settle();
      return false;
    }
    box.replaceChildren(...answer.warnings.map(warning), element('div', { className: 'soft reads', textContent: 'reads as ' + answer.reads }));
    if (answer.command && !desk.writable) {
      byId('command').append(element('p', { className: 'soft', textContent: 'This view writes nothing (web.token is not set). The command that does:' }), element('pre', { textContent: answer.command }));
    }
    return true;
  } catch (e) {
    if (e.name !== 'AbortError') { say(box, 'wrong', e.message); settle(); }
    return false;
  }
}

const warning = (w) => element('div', { className: 'warning', textContent: (w.line ? `line ${w.line}, column ${w.column}: ` : '') + w.text });

function goTo({ line, column }) {
  const all = query().split('\n');
  const before = all.slice(0, line - 1).reduce((n, l) => n + l.length + 1, 0);
  const at = before + [...all[line - 1]].slice(0, column - 1).join('').length;
  byId('query').focus();
  byId('query').setSelectionRange(at, at + 1);
}

// tryIt asks the archive; an older question that is not answered yet is given up.
async function tryIt(more) {
  if (desk.asking) desk.asking.abort();
  const mine = desk.asking = new AbortController();
  byId('sample').textContent = 'asking the archive …';
  try {
    desk.tried = await ask('/api/queries/try', trial({ more }), { signal: mine.signal });
    showTried();
  } catch (e) {
    if (e.name === 'AbortError') return;
    desk.tried = null;
    byId('sample').textContent = '';
    say(byId('measured'), 'wrong', e.message);
  }
  settle();
}

function settle() { document.body.dataset.ready = String(++desk.turn); }

function figure(name, value, why) {
  return element('div', { className: 'figure', title: why || '' }, element('b', { textContent: value }), element('span', { textContent: name }));
}

function showTried() {
  const t = desk.tried;
  const about = t.every > 1 ? 'about ' : '';
  const list = [figure('posts match', about + amount(t.matches), 'posts of these days that the query finds'), figure('a day', amount(t.a_day)), figure('of all posts', percent(t.matches, t.posts))];
  if (t.compared) {
    list.push(figure('found by the present query', about + amount(t.before)), figure('added by the change', about + amount(t.added), 'this query finds them, the present one does not'),
      figure('removed by it', about + amount(t.removed), 'the present query finds them, this one does not'));
  }
  byId('figures').replaceChildren(...list);
  byId('measured').replaceChildren(...t.warnings.map(warning));
  byId('sample').textContent = t.posts ? `Counted in ${t.sample}.` : 'The archive has no posts yet.';
  drawDays();
  showPosts();
}

function drawDays() {
  const box = byId('volume'), t = desk.tried;
  if (desk.chart) desk.chart.dispose();
  desk.chart = null;
  box.replaceChildren();
  if (!t || !t.days.length) return;
  const o = base();
  desk.chart = echarts.init(box, null, { renderer: 'canvas' });
  const series = [{ name: 'this query', type: 'bar', barMaxWidth: 24, itemStyle: { color: colours[0] }, data: t.days.map((d) => d.matches) }];
  if (t.compared) series.push({ name: 'present query', type: 'bar', barMaxWidth: 24, itemStyle: { color: colours[1] }, data: t.days.map((d) => d.before) });
  desk.chart.setOption({
    ...o, series, xAxis: { type: 'category', data: t.days.map((d) => d.day), ...o.axis }, yAxis: { type: 'value', minInterval: 1, ...o.axis },
    tooltip: { ...o.tooltip, axisPointer: { type: 'shadow' } },
  });
}

const words = (list) => list.map((s) => s.text).join('');
const shown = () => {
  const which = byId('which').value;
  return desk.tried ? desk.tried.shown.filter((p) => which === 'all' || p.change === which) : [];
};

// text shows pieces; what matched is marked, and each other word can be clicked.
function text(list, clickable) {
  const out = [];
  for (const s of list) {
    if (s.hit) { out.push(element('mark', { textContent: s.text })); continue; }
    if (!clickable) { out.push(s.text); continue; }
    for (const piece of s.text.split(/([\p{L}\p{N}_'’]+)/u)) {
      if (/[\p{L}\p{N}]/u.test(piece)) out.push(element('span', { className: 'word', textContent: piece, title: 'exclude it' }));
      else if (piece) out.push(piece);
    }
  }
  return out;
}

function showPosts() {
  const list = shown();
  byId('posts').replaceChildren(...list.map(post));
  if (!list.length) say(byId('posts'), 'soft', 'There is none.');
}

function post(p) {
  const line = element('div', { className: 'soft' }, [p.platform, p.author && '@' + p.author, p.at].filter(Boolean).join(' · '));
  if (webAddress(p.url)) line.append(' · ', element('a', { href: p.url, target: '_blank', rel: 'noopener noreferrer', textContent: 'open' }));
  const mark = (yes) => element('button', { textContent: yes ? 'Yes' : 'No', title: yes ? 'it should match' : 'it should not match', onclick: () => { addExamples((yes ? 'yes' : 'no') + '\t' + p.record); judge(); } });
  const tools = element('div', { className: 'tools' }, mark(true), mark(false));
  if (desk.writable && !simulated() && desk.brand && (p.author_id || p.author)) tools.append(element('button', { textContent: 'Mute author', onclick: () => mute(p) }));
  const card = element('article', { className: 'post ' + p.change }, line);
  if (p.change) card.append(element('div', { className: 'change', textContent: p.change + (p.decided.length ? ': decided by ' + p.decided.join(', ') : '') }));
  if (p.title.length) card.append(element('p', { className: 'title', dir: 'auto' }, ...text(p.title, true)));
  card.append(element('p', { dir: 'auto' }, ...text(p.text, true)));
  if (p.beside.length) card.append(element('div', { className: 'soft', textContent: 'matched beside the text: ' + p.beside.join(', ') }));
  card.append(tools);
  return card;
}

async function without(word) {
  if (!word || !query().trim()) return;
  try {
    const answer = await ask('/api/queries/without', { query: query(), word });
    desk.undone.push(query());
    byId('undo').disabled = false;
    byId('query').value = answer.query;
    byId('word').value = '';
    await now();
  } catch (e) {
    say(byId('saved'), 'wrong', e.message);
  }
}

function addExamples(list) {
  const known = new Set(desk.examples.map((e) => e.post));
  for (const l of list.split(/\r?\n/)) {
    if (!l.trim()) continue;
    const [label, ...rest] = l.split('\t');
    const example = { label: label.trim().toLowerCase(), post: rest.join('\t') };
    if (known.has(example.post)) desk.examples.find((e) => e.post === example.post).label = example.label;
    else desk.examples.push(example);
    known.add(example.post);
  }
}

const lines = () => desk.examples.map((e) => e.label + '\t' + e.post + '\n').join('');

// judge asks how the query does on the examples.
async function judge() {
  const box = byId('examples'), mine = ++desk.judging;
  byId('keep').disabled = byId('clear').disabled = !desk.examples.length;
  if (!desk.examples.length || !desk.checked || desk.checked.mistake) {
    byId('score').replaceChildren();
    say(box, 'soft', desk.examples.length ? 'The query has to be mended first.' : 'No examples yet.');
    return;
  }
  try {
    const answer = await ask('/api/queries/judge', trial({ examples: lines() }));
    if (mine !== desk.judging) return;
    byId('score').replaceChildren(figure('precision', answer.precision), figure('recall', answer.recall));
    box.replaceChildren(...answer.posts.map((p) => {
      const right = p.wanted === p.found;
      const card = element('article', { className: 'post ' + (right ? 'right' : 'miss') },
        element('div', { className: 'change', textContent: (p.wanted ? 'yes' : 'no') + ': ' + (right ? 'right' : p.wanted ? 'missed' : 'wrongly found') + (p.decided.length ? ', decided by ' + p.decided.join(', ') : '') }),
        element('p', { dir: 'auto' }, ...text(p.text, false)));
      return card;
    }));
  } catch (e) {
    byId('score').replaceChildren();
    say(box, 'wrong', e.message);
  }
}

const bearer = () => ({ headers: { Authorization: 'Bearer ' + byId('token').value } });

async function save() {
  const box = byId('saved');
  try {
    const answer = await ask('/api/queries/save', trial({ version: desk.brand ? desk.brand.version : '' }), bearer());
    const name = brandName();
    await brands(name);
    say(box, 'good', answer.said);
  } catch (e) {
    say(box, 'wrong', e.message);
  }
}

async function mute(p) {
  const box = byId('saved');
  try {
    const answer = await ask('/api/queries/mute', { platform: p.platform, author: p.author_id || p.author, brand: desk.brand.name }, bearer());
    say(box, 'good', answer.said);
    await tryIt(false);
  } catch (e) {
    say(box, 'wrong', e.message);
  }
}

// csv writes rows; what a table program would take for a formula is made a text.
function csv(name, columns, rows) {
  const cell = (v) => {
    const s = String(v ?? '');
    const safe = typeof v === 'string' && /^[=+\-@\t\r]/.test(s) ? "'" + s : s;
    return /[",\r\n]/.test(safe) ? '"' + safe.replaceAll('"', '""') + '"' : safe;
  };
  download(name + '.csv', new Blob([[columns, ...rows].map((r) => r.map(cell).join(',')).join('\r\n') + '\r\n'], { type: 'text/csv' }));
}

start().catch((e) => say(byId('said'), 'wrong', e.message));
