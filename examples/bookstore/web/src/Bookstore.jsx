import { useKindeAuth } from '@kinde-oss/kinde-auth-react';
import { useState } from 'react';
import { request } from './request.js';

const params = new URLSearchParams(window.location.search);

export function Bookstore({ settings }) {
  const { isLoading, isAuthenticated, user, login, logout, getAccessToken, refreshToken } = useKindeAuth();
  const [books, setBooks] = useState();
  const [problem, setProblem] = useState(params.has('error') && { title: 'Nobody signed in', detail: 'The sign-in ended without success.' });
  const [busy, setBusy] = useState(false);

  const session = {
    getAccessToken,
    refresh: async () => (await refreshToken({ domain: settings.domain, clientId: settings.client })).success,
  };

  async function call(options) {
    setBusy(true);
    try {
      const { data, problem } = await request(`${settings.api}/books`, session, options);
      setProblem(problem);
      return data;
    } finally {
      setBusy(false);
    }
  }

  async function list() {
    const data = await call();
    if (data) setBooks(data);
  }

  async function add(event) {
    event.preventDefault();
    const form = event.currentTarget;
    const title = new FormData(form).get('title');
    const book = await call({ method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ title }) });
    if (!book) return;
    form.reset();
    setBooks((before) => [...(before ?? []), book]);
  }

  if (isLoading) return <p className="note">One moment …</p>;
  return (
    <>
      <header>
        <div>
          <h1>Bookstore</h1>
          <p>The API, on another origin, checks your token.</p>
        </div>
        <div className="who">
          {isAuthenticated
            ? <><span id="user">{user.givenName ?? user.email ?? user.id}</span><button id="sign-out" className="quiet" onClick={() => logout()}>Sign out</button></>
            : <button id="sign-in" onClick={() => login()}>Sign in</button>}
        </div>
      </header>
      <main aria-busy={busy}>
        <div aria-live="polite">{problem && <Problem {...problem} onSignIn={() => login()} />}</div>
        <section>
          <h2>On the shelf</h2>
          <button id="list" disabled={busy} onClick={list}>List books</button>
          {books && <ul id="books">{books.map((book, i) => <Book key={i} {...book} />)}</ul>}
        </section>
        <section>
          <h2>A new one</h2>
          <form id="add" onSubmit={add}>
            <label htmlFor="title">Title</label>
            <input id="title" name="title" maxLength="200" required autoComplete="off" placeholder="The Dispossessed" />
            <button disabled={busy}>Add book</button>
          </form>
        </section>
      </main>
    </>
  );
}

function Book({ title, yours }) {
  return <li>{title}{yours && <small> added by you</small>}</li>;
}

function Problem({ title, detail, reason, needed, again, signIn, onSignIn }) {
  return (
    <section id="problem" className="problem">
      <h2>{title}</h2>
      {detail && <p>{detail}</p>}
      {needed && <p>Needed: <code>{needed}</code></p>}
      {again && <p>{again}</p>}
      {reason && <p className="note">reason: <code>{reason}</code></p>}
      {signIn && <button className="quiet" onClick={onSignIn}>Sign in</button>}
    </section>
  );
}
