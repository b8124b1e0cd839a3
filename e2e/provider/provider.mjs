// A certified OpenID provider that issues access tokens, for the end-to-end tests: JWTs for
// whoever names a resource, opaque ones for the default resource, bound to a key if the client
// sends a DPoP proof (RFC 9449), bound to a certificate for a client with one (RFC 8705).
//
// It prints one line of JSON when it listens, and takes one command a line on standard input:
// rotate (new keys beside the old), withdraw (the old keys are gone), count (nothing). Every
// answer tells how often the key set was fetched. It ends with its input.
//
// The issuer is plain http. With PROVIDER_TLS in the environment, a JSON object with ca, cert
// and key as PEM, it also listens with TLS, asks for client certificates there, and names that
// address in its metadata (RFC 8705 §5). PROVIDER_ALGORITHMS names what it signs with, by
// default everything that it can: RSA keys take it longer than all the rest.
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { createServer as createTLSServer } from "node:https";
import { createInterface } from "node:readline";
import { Provider } from "oidc-provider";

// Standard output is for the tests; what the provider has to say goes to standard error.
console.info = console.error;

const audience = "https://api.bookstore.example";
const everyAlgorithm = {
  RS256: ["rsa", { modulusLength: 2048 }],
  PS256: ["rsa", { modulusLength: 2048 }],
  ES256: ["ec", { namedCurve: "P-256" }],
  Ed25519: ["ed25519", {}],
};
const algorithms = process.env.PROVIDER_ALGORITHMS?.split(" ") ?? Object.keys(everyAlgorithm);

// Resources are named owner and format: the bookstore has one for each algorithm and one for
// opaque tokens, and a stranger has as many.
const strangers = "urn:stranger:";
const scopes = "read:books write:books";

// Tests search logs and telemetry for the names of the clients that call APIs.
const byCertificate = {
  client_id: "client-by-certificate-93ae05", token_endpoint_auth_method: "tls_client_auth", tls_client_auth_san_dns: "client.bookstore.example",
  tls_client_certificate_bound_access_tokens: true,
};
const bySecret = (id) => ({ client_id: id, client_secret: "not-a-secret-not-a-secret-not-a-secret" });
const withoutUser = { grant_types: ["client_credentials"], redirect_uris: [], response_types: [] };

function newKeys() {
  return algorithms.map((alg) => ({
    ...generateKeyPairSync(...everyAlgorithm[alg]).privateKey.export({ format: "jwk" }),
    alg, use: "sig", kid: `${alg}-${randomUUID()}`,
  }));
}

let current = newKeys();
let published = current;
let handle;
let fetches = 0;

const listen = (server) => new Promise((done) => server.listen(0, "127.0.0.1", done));
const address = (server) => `127.0.0.1:${server.address().port}`;

const server = createServer((request, response) => {
  if (request.url === "/jwks") fetches += 1;
  handle(request, response);
});
await listen(server);
const issuer = `http://${address(server)}`;

const tls = process.env.PROVIDER_TLS && createTLSServer({
  ...JSON.parse(process.env.PROVIDER_TLS),
  requestCert: true,
  rejectUnauthorized: false, // a bad certificate is answered by the provider, in terms of OAuth
}, (request, response) => handle(request, response));
if (tls) await listen(tls);

serve();
console.log(JSON.stringify({ issuer, audience, algorithms }));

function serve() {
  const keyOf = (alg) => current.find((key) => key.alg === alg).kid;
  const provider = new Provider(issuer, {
    jwks: { keys: published },
    clients: [bySecret("client-by-secret-d41f7c"), bySecret("api"), byCertificate].map((client) => ({ ...client, ...withoutUser })),
    clientDefaults: { id_token_signed_response_alg: "ES256" }, // of which there are none, but it has to have a key
    clientAuthMethods: ["client_secret_basic", "tls_client_auth"],
    scopes: scopes.split(" "),
    ttl: { ClientCredentials: 600 },
    discovery: tls && { mtls_endpoint_aliases: { token_endpoint: `https://${address(tls)}/token` } },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      dPoP: { enabled: true },
      mTLS: {
        enabled: true,
        tlsClientAuth: true,
        certificateBoundAccessTokens: true,
        getCertificate: certificateOf,
        certificateAuthorized: (context) => context.socket.authorized === true,
        certificateSubjectMatches: (context, property, expected) => property === "tls_client_auth_san_dns"
          && certificateOf(context).checkHost(expected, { subject: "never", wildcards: false }) === expected,
      },
      introspection: { enabled: true, allowedPolicy: (_context, client) => client.clientId === "api" },
      revocation: { enabled: true, allowedPolicy: (_context, client, token) => client.clientId === token.clientId },
      resourceIndicators: {
        enabled: true,
        // The client api gets tokens without any resource, and so without an audience.
        defaultResource: (_context, client) => client.clientId === "api" ? undefined : "urn:bookstore:opaque",
        useGrantedResource: () => true,
        getResourceServerInfo: (_context, resource) => {
          const format = resource.slice(resource.lastIndexOf(":") + 1);
          return {
            scope: scopes,
            audience: resource.startsWith(strangers) ? "https://api.stranger.example" : audience,
            accessTokenTTL: 600,
            ...(format === "opaque"
              ? { accessTokenFormat: "opaque" }
              : { accessTokenFormat: "jwt", jwt: { sign: { alg: format, kid: keyOf(format) } } }),
          };
        },
      },
    },
  });
  handle = provider.callback();
}

// certificateOf returns the certificate whose key the caller has proved to hold, if any.
function certificateOf(context) {
  return context.socket.getPeerX509Certificate?.();
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
