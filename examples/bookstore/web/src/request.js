// request calls the API with the access token of whoever is signed in. Whatever the API or the
// network does, it does not throw: what comes back has either data or a problem, which has a
// title and mostly a detail.
//
// getAccessToken gives a token that has run out rather than none, so one that the API calls
// expired is refreshed, once.
export async function request(url, session, options) {
  const answer = await send(url, session, options);
  if (answer.problem?.reason !== 'expired' || !(await session.refresh())) return answer;
  return send(url, session, options);
}

async function send(url, session, options) {
  const accessToken = await session.getAccessToken();
  if (!accessToken) { // else the API would be sent the word "undefined"
    return { problem: { title: 'Nobody is signed in', detail: 'There is no access token to send. Sign in first.', signIn: true } };
  }
  let res;
  try {
    res = await fetch(url, {
      ...options,
      headers: { ...options?.headers, Authorization: `Bearer ${accessToken}` },
    });
  } catch { // the browser tells a page no more than that there was no answer
    return {
      problem: {
        title: 'The API does not answer',
        detail: 'It is down, the network is, or its CORS settings do not name this page. The console knows more.',
      },
    };
  }
  const body = (await res.json().catch(() => undefined)) ?? {};
  return res.ok && body.data ? { data: body.data } : { problem: problemOf(res, body) };
}

// problemOf reads an answer in the form of RFC 9457. What stands in its header can be read
// here because the API exposes it.
function problemOf(res, body) {
  const seconds = /^\d+$/.exec(res.headers.get('Retry-After') ?? '')?.[0];
  const scope = /\bscope="([^"]*)"/.exec(res.headers.get('WWW-Authenticate') ?? '')?.[1];
  return {
    title: `${res.status} ${body.title ?? 'in a form unknown to this page'}`,
    detail: body.detail ?? body.error_description ?? (res.status === 503 ? 'The API cannot tell now whether the token is good.' : undefined),
    reason: body.reason,
    needed: scope,
    again: seconds ? `Try again in ${seconds} s.` : undefined,
    signIn: res.status === 401,
  };
}
