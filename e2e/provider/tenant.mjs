// A certified OpenID provider in the place of a Kinde tenant, for the tests with a browser: it
// answers under Kinde's paths, issues tokens in Kinde's shape, and lets people sign in by
// choosing who they are.
//
// It prints one line of JSON when it listens, and takes one command a line on standard input:
//   page ORIGIN   the page whose people may sign in and out
//   withhold      tokens get no audience, as where the application may not use the API; or get it again
//   expire        the next access token has run out when it is issued
//   fail          the key set cannot be had, or again
//   count         nothing
// Every answer tells how often the key set was fetched, a code was exchanged, and an access
// token refreshed. It ends with its input.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Provider } from "oidc-provider";
import { signInPage } from "./signin.mjs";

// Standard output is for the tests; what the provider has to say goes to standard error.
console.info = console.error;

const client = "bookstore-page";
const audience = "https://api.bookstore.example";
const people = { // by their sub
  kp_of_ada: { name: "Ada", email: "ada@bookstore.example", permissions: ["read:books"] },
  kp_of_grace: { name: "Grace", email: "grace@bookstore.example", permissions: ["read:books", "write:books"] },
};
const scopes = "openid profile email offline";
const key = {
  ...generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" }),
  kid: "key-of-the-tenant", use: "sig", alg: "RS256",
};
const routes = {
  authorization: "/oauth2/auth", token: "/oauth2/token", userinfo: "/oauth2/v2/user_profile",
  jwks: "/.well-known/jwks", end_session: "/logout",
};

const counts = { keys: 0, codes: 0, refreshes: 0 };
let withheld = false;
let expired = false;
let failing = false;
let handle;

const server = createServer((request, response) => {
  if (request.url === routes.jwks) {
    counts.keys += 1;
    if (failing) {
      response.writeHead(503).end();
      return;
    }
  }
  handle(request, response);
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const issuer = `http://127.0.0.1:${server.address().port}`;

serve("http://127.0.0.1:1"); // until the page is known, which knows this address
console.log(JSON.stringify({ issuer, audience, client }));

// shape makes a token look like one of Kinde's.
function shape(_context, token, parts) {
  const { aud, scope, client_id: _, ...payload } = parts.payload;
  parts.header = { ...parts.header, typ: "JWT" };
  parts.payload = {
    ...payload,
    aud: withheld ? [] : [aud],
    azp: token.clientId,
    org_code: "org_bookstore",
    permissions: people[token.accountId].permissions,
    scp: scopes.split(" "),
  };
  if (expired) {
    const now = Math.floor(Date.now() / 1000);
    Object.assign(parts.payload, { iat: now - 3720, exp: now - 120 });
    expired = false;
  }
}

function serve(page) {
  const provider = new Provider(issuer, {
    routes,
    jwks: { keys: [key] },
    cookies: { keys: ["not-a-secret"] },
    clients: [{
      client_id: client, token_endpoint_auth_method: "none", grant_types: ["authorization_code", "refresh_token"],
      redirect_uris: [page], post_logout_redirect_uris: [page],
    }],
    scopes: ["openid", "offline"],
    claims: { openid: ["sub"], profile: ["name", "given_name"], email: ["email"] },
    conformIdTokenClaims: false, // the page reads the person from the ID token
    findAccount: (_context, id) => people[id] && {
      accountId: id, claims: () => ({ sub: id, name: people[id].name, given_name: people[id].name, email: people[id].email }),
    },
    extraParams: ["audience"],
    ttl: { AccessToken: 3600, RefreshToken: 86400, IdToken: 3600, Session: 3600, Grant: 86400, Interaction: 600 },
    rotateRefreshToken: true,
    issueRefreshToken: (_context, _client, source) => source.scopes.has("offline"),
    formats: { customizers: { jwt: shape } },
    interactions: { url: (_context, interaction) => `/sign-in/${interaction.uid}` },
    loadExistingGrant, // nobody is asked for consent to an application of the same house
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: true, logoutSource },
      resourceIndicators: {
        enabled: true,
        defaultResource: (context, _client, oneOf) => oneOf?.[0] ?? context.oidc.params.audience,
        useGrantedResource: () => true,
        getResourceServerInfo: (_context, resource) => ({
          scope: "", audience: resource, accessTokenFormat: "jwt", jwt: { sign: { alg: "RS256" } },
        }),
      },
    },
  });
  provider.on("grant.success", ({ oidc }) => {
    counts[oidc.params.grant_type === "refresh_token" ? "refreshes" : "codes"] += 1;
  });
  provider.use(kindeManners);
  provider.use(signIn(provider));
  handle = provider.callback();
}

// kindeManners is what Kinde does and the specification does not ask for.
async function kindeManners(context, next) {
  if (context.path === routes.end_session && context.query.redirect) {
    context.query = { client_id: client, post_logout_redirect_uri: context.query.redirect };
  }
  await next();
  if (context.response.get("Access-Control-Allow-Origin")) { // earlier, it would switch off the provider's own CORS
    context.set("Access-Control-Allow-Credentials", "true");
  }
}

function signIn(provider) {
  return async (context, next) => {
    const [, place, uid, id] = context.path.split("/");
    if (place !== "sign-in" || !uid) {
      await next();
    } else if (context.method === "GET") {
      context.type = "html";
      context.body = signInPage(`/sign-in/${encodeURIComponent(uid)}`, people);
    } else if (context.method === "POST" && people[id]) {
      context.status = 303;
      context.redirect(await provider.interactionResult(context.req, context.res, { login: { accountId: id } }));
    }
  };
}

async function loadExistingGrant(context) {
  const { oidc } = context;
  const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
  grant.addOIDCScope(scopes);
  await grant.save();
  return grant;
}

// logoutSource asks nobody: the form sends itself.
function logoutSource(context, form) {
  context.body = `<!doctype html><title>Signing out</title>${form}
    <input type="hidden" form="op.logoutForm" name="logout" value="yes"><script>document.forms[0].submit()</script>`;
}

for await (const line of createInterface({ input: process.stdin })) {
  const [command, page] = line.trim().split(" ");
  switch (command) {
    case "page": serve(page); break;
    case "withhold": withheld = !withheld; break;
    case "expire": expired = true; break;
    case "fail": failing = !failing; break;
    case "count": break;
    default:
      console.error(`unknown command: ${command}`);
      continue;
  }
  console.log(JSON.stringify({ done: command, ...counts }));
}
process.exit(0);
