// A certified OpenID provider that issues JWT access tokens, for the end-to-end tests.
// It prints one line of JSON when it listens, and takes one command a line on standard input:
// rotate (new keys beside the old), withdraw (the old keys are gone), count (nothing). Every
// answer tells how often the key set was fetched. It ends with its input.
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Provider } from "oidc-provider";

// Standard output is for the tests; what the provider has to say goes to standard error.
console.info = console.error;

const audience = "https://api.bookstore.example";
const algorithms = {
  RS256: ["rsa", { modulusLength: 2048 }],
  PS256: ["rsa", { modulusLength: 2048 }],
  ES256: ["ec", { namedCurve: "P-256" }],
  Ed25519: ["ed25519", {}],
};

// A resource that belongs to somebody else; the bookstore has one for each algorithm.
const stranger = "urn:stranger:RS256";

function newKeys() {
  return Object.entries(algorithms).map(([alg, [type, options]]) => ({
    ...generateKeyPairSync(type, options).privateKey.export({ format: "jwk" }),
    alg, use: "sig", kid: `${alg}-${randomUUID()}`,
  }));
}

let current = newKeys();
let published = current;
let handle;
let fetches = 0;

const server = createServer((request, response) => {
  if (request.url === "/jwks") fetches += 1;
  handle(request, response);
});
server.listen(0, "127.0.0.1", () => {
  serve();
  console.log(JSON.stringify({ issuer: issuer(), audience, algorithms: Object.keys(algorithms) }));
});

function issuer() {
  return `http://127.0.0.1:${server.address().port}`;
}

function serve() {
  const keyOf = (alg) => current.find((key) => key.alg === alg).kid;
  const provider = new Provider(issuer(), {
    jwks: { keys: published },
    clients: [{
      client_id: "e2e", client_secret: "not-a-secret-not-a-secret-not-a-secret",
      grant_types: ["client_credentials"], redirect_uris: [], response_types: [],
    }],
    scopes: ["read:books", "write:books"],
    ttl: { ClientCredentials: 600 },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_context, resource) => {
          const alg = resource.slice(resource.lastIndexOf(":") + 1);
          return {
            scope: "read:books write:books",
            audience: resource === stranger ? "https://api.stranger.example" : audience,
            accessTokenFormat: "jwt",
            accessTokenTTL: 600,
            jwt: { sign: { alg, kid: keyOf(alg) } },
          };
        },
      },
    },
  });
  handle = provider.callback();
}

for await (const command of createInterface({ input: process.stdin })) {
  switch (command.trim()) {
    case "rotate":
      current = newKeys();
      published = [...current, ...published];
      break;
    case "withdraw":
      published = current;
      break;
    case "count":
      break;
    default:
      console.error(`unknown command: ${command}`);
      continue;
  }
  serve();
  console.log(JSON.stringify({ done: command.trim(), fetches }));
}
process.exit(0);
