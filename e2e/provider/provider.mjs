// A certified OpenID provider for the tests of this module. It prints one JSON line with its
// issuer, then obeys one command a line and answers each with one JSON line:
//   rotate    sign with new keys, keep the old ones published
//   withdraw  sign with new keys, publish nothing else
//   stop      end
// It also ends when its standard input does, so that it never outlives the test.
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { randomBytes } from 'node:crypto';
import { exportJWK, generateKeyPair } from 'jose';
import Provider from 'oidc-provider';

const AUDIENCE = 'https://api.bookstore.test';
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'];
const client = { id: 'bookstore-machine', secret: randomBytes(24).toString('base64url') };

// One resource for each algorithm, all of them the bookstore, and one that is another API.
const resources = new Map([
  ...ALGORITHMS.map((alg) => [`urn:bookstore:${alg}`, { audience: AUDIENCE, alg }]),
  ['urn:elsewhere', { audience: 'https://api.elsewhere.test', alg: 'RS256' }],
]);

let generation = 0;

// The Ed25519 key names no algorithm, since two names of it are in use.
async function newKeys() {
  generation += 1;
  const make = async (alg) => {
    const { privateKey } = await generateKeyPair(alg, { extractable: true });
    return { ...(await exportJWK(privateKey)), use: 'sig', kid: `${alg}-${generation}` };
  };
  const named = ['RS256', 'PS256', 'ES256'].map(async (alg) => ({ ...(await make(alg)), alg }));
  return Promise.all([...named, make('Ed25519')]);
}

function newProvider(issuer, keys) {
  return new Provider(issuer, {
    jwks: { keys },
    cookies: { keys: [randomBytes(24).toString('base64url')] },
    clients: [{
      client_id: client.id,
      client_secret: client.secret,
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
    }],
    clientAuthMethods: ['client_secret_basic'],
    ttl: { ClientCredentials: 3600 },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (ctx, resource) => {
          const { audience, alg } = resources.get(resource);
          return { scope: 'read:books write:books', audience, accessTokenFormat: 'jwt', jwt: { sign: { alg } } };
        },
      },
    },
  });
}

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

let answer;
const server = createServer((request, response) => answer(request, response));
await new Promise((listening) => { server.listen(0, '127.0.0.1', listening); });
const issuer = `http://127.0.0.1:${server.address().port}`;

let keys;
// Keys of a provider never change: a new one takes over the same address.
async function publish(kept) {
  keys = [...(await newKeys()), ...kept];
  answer = newProvider(issuer, keys).callback();
  return { kids: keys.map((key) => key.kid) };
}

const commands = {
  rotate: () => publish(keys),
  withdraw: () => publish([]),
  stop: () => process.exit(0),
};

const { kids } = await publish([]);
say({
  issuer, audience: AUDIENCE, algorithms: ALGORITHMS, client, token: `${issuer}/token`, kids,
});
for await (const line of createInterface({ input: process.stdin })) {
  const word = line.trim();
  say(word in commands ? { done: word, ...(await commands[word]()) } : { unknown: word });
}
process.exit(0);
