// The token lives in this variable alone: no cookie, no storage.
let token;
let settings;

const $ = (id) => document.getElementById(id);
const all = (selector, on) => document.querySelectorAll(selector).forEach(on);

// claimsOf reads a token without verifying it, which is enough to show it.
function claimsOf(jwt) {
  try {
    const part = jwt.split('.')[1].replaceAll('-', '+').replaceAll('_', '/');
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(part), (c) => c.charCodeAt(0))));
  } catch {
    return undefined;
  }
}

function setToken(to) {
  token = to;
  const claims = to && claimsOf(to);
  $('state').textContent = to ? `signed in${claims?.email ? ` as ${claims.email}` : ''}` : 'signed out';
  $('state').classList.toggle('in', Boolean(to));
  $('inside').hidden = !to;
  $('claims').textContent = claims ? JSON.stringify(claims, null, 2) : 'This is not a JWT.';
}

async function mint(kind) {
  const response = await fetch(`${settings.mint}?kind=${kind}`, { method: 'POST' });
  if (!response.ok) throw new Error(`the issuer answered ${response.status}`);
  return response.text();
}

// call sends one request. Without a body it lists the books, with one it adds a book.
async function call(authorization, book) {
  const method = book ? 'POST' : 'GET';
  const headers = {};
  if (authorization) headers.Authorization = authorization;
  if (book) headers['Content-Type'] = 'application/json';
  const response = await fetch(`${settings.api}/books`, { method, headers, body: book && JSON.stringify(book) });
  const text = await response.text();
  let body;
  try { body = JSON.parse(text); } catch { body = {}; }
  show(`${method} /books`, response, body, text);
  return response.ok;
}

function show(request, response, body, text) {
  $('empty').hidden = true;
  $('result').hidden = false;
  $('request').textContent = request;
  const kind = response.ok ? 'good' : response.status >= 500 ? 'wait' : 'bad';
  $('status').className = `status ${kind}`;
  $('status').textContent = response.status;
  explain(response, body);
  $('books').replaceChildren(...(response.ok ? [body.data].flat() : []).map(item));
  const headers = ['content-type', 'retry-after', 'www-authenticate']
    .filter((name) => response.headers.has(name))
    .map((name) => `${name}: ${response.headers.get(name)}`);
  $('raw').textContent = [...headers, '', text].join('\n');
}

// explain says why, from the closed list that the API answers with.
function explain(response, body) {
  const reason = body.reason ?? (response.status === 401 ? 'no_credentials' : undefined);
  const known = settings.reasons[reason];
  const rows = [];
  if (reason) rows.push(['reason', reason]);
  if (known) rows.push(['meaning', known.description], ['cause', known.cause], ['fix', known.fix]);
  if (body.detail) rows.push(['detail', body.detail]);
  if (response.headers.has('Retry-After')) rows.push(['again in', `${response.headers.get('Retry-After')} s`]);
  $('why').replaceChildren(...rows.flatMap(([name, value]) => [element('dt', name), element('dd', value)]));
}

function element(name, text) {
  const e = document.createElement(name);
  e.textContent = text;
  return e;
}

function item(book) {
  const li = element('li', book.title);
  if (book.yours) li.append(' ', element('small', 'added by you'));
  return li;
}

function fail(error) {
  $('empty').hidden = false;
  $('result').hidden = true;
  $('empty').textContent = `No answer that this page may read: ${error.message}`;
}

const doing = (action) => (event) => {
  event.preventDefault();
  action(event.currentTarget).catch(fail);
};

const bearer = () => (token ? `Bearer ${token}` : undefined);
const calls = {
  list: () => call(bearer()),
  plain: () => call(undefined),
  undefined: () => call('Bearer undefined'),
};

function wire() {
  all('[data-mint]', (b) => b.addEventListener('click', doing(async () => setToken(await mint(b.dataset.mint)))));
  all('[data-bad]', (b) => b.addEventListener('click', doing(async () => call(`Bearer ${await mint(b.dataset.bad)}`))));
  all('[data-call]', (b) => b.addEventListener('click', doing(calls[b.dataset.call])));
  all('[data-signout]', (b) => b.addEventListener('click', doing(async () => setToken(undefined))));
  $('paste').addEventListener('submit', doing(async () => {
    setToken($('pasted').value.trim() || undefined);
    $('pasted').value = '';
  }));
  $('add').addEventListener('submit', doing(async () => {
    if (await call(bearer(), { title: $('title').value })) $('title').value = '';
  }));
}

async function start() {
  settings = await (await fetch('settings.json')).json();
  $('here').textContent = location.origin;
  $('api').textContent = settings.api;
  $('development').hidden = !settings.mint;
  $('tenant').hidden = Boolean(settings.mint);
  all('[data-bad]', (b) => { b.hidden = !settings.mint; });
  wire();
}

start().catch(fail);
