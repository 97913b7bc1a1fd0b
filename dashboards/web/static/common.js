'use strict';
// What both pages share: asking the server, making elements, the head of the page.

const byId = (id) => document.getElementById(id);

function element(tag, props, ...children) {
  const e = Object.assign(document.createElement(tag), props || {});
  e.append(...children);
  return e;
}

async function ask(path, body, options) {
  const headers = { 'Content-Type': 'application/json', ...(options && options.headers) };
  const res = await fetch(path, body ? { method: 'POST', headers, body: JSON.stringify(body), signal: options && options.signal } : {});
  if (body && body.csv && res.ok) return res.blob();
  const out = await res.json();
  if (!res.ok) throw new Error(out.error || res.statusText);
  return out;
}

// head lists the boards and the page of queries; what was chosen on a board goes along to the next.
function head(boards, queries, current) {
  const links = boards.map((b) => {
    const a = element('a', { href: '/b/' + b.uid, textContent: b.title.replace('Earshot: ', ''), title: b.description });
    if (b.uid === current) a.setAttribute('aria-current', 'page');
    a.onclick = () => { if (current !== 'queries') a.href = '/b/' + b.uid + location.search; };
    return a;
  });
  if (queries) {
    const a = element('a', { href: '/queries', textContent: 'Queries', title: 'Try and change what counts as a mention of a brand.' });
    if (current === 'queries') a.setAttribute('aria-current', 'page');
    links.push(a);
  }
  byId('boards').replaceChildren(...links);
}

function dark(again) {
  byId('dark').onclick = () => {
    const on = document.documentElement.classList.toggle('dark');
    localStorage.setItem('dark', on ? '1' : '');
    again();
  };
}

function download(name, blob) {
  const a = element('a', { href: URL.createObjectURL(blob), download: name });
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 1000);
}

// A link of a post is followed only where it is one of the web: never javascript:.
const webAddress = (value) => /^(https?:\/\/|\/[^/])/.test(value);

if (localStorage.getItem('dark')) document.documentElement.classList.add('dark');
