"use strict";
const { api, development } = window.bookstore;
const $ = (id) => document.getElementById(id);
let token; // in memory alone

$(development ? "mint" : "paste").hidden = false;
if (!development) document.querySelectorAll("[data-mint]").forEach((b) => (b.hidden = true));

async function mint(kind) {
  const response = await fetch(`demo/token?kind=${kind}`, { method: "POST" });
  if (!response.ok) throw new Error(await response.text());
  return response.text();
}

async function call(what, bearer) {
  const headers = {};
  if (bearer !== undefined) headers.Authorization = `Bearer ${bearer}`;
  const init = { headers };
  if (what === "add") {
    headers["Content-Type"] = "application/json";
    init.method = "POST";
    init.body = JSON.stringify({ title: `A book of ${new Date().toLocaleTimeString()}` });
  }
  const started = performance.now();
  const response = await fetch(`${api}/books`, init);
  const elapsed = performance.now() - started;
  show(`${init.method ?? "GET"} /books`, response, await response.json(), elapsed);
}

function show(request, response, body, elapsed) {
  $("answer").hidden = false;
  $("status").textContent = response.status;
  $("status").className = response.ok ? "good" : "";
  $("request").textContent = `${request}, ${elapsed.toFixed(1)} ms`;
  const facts = {
    reason: body.reason,
    means: body.error_description ?? (response.ok ? undefined : body.title),
    challenge: response.headers.get("WWW-Authenticate"),
    "retry after": response.headers.get("Retry-After"),
  };
  $("why").replaceChildren(
    ...Object.entries(facts).filter(([, v]) => v).flatMap(([name, value]) => {
      const dt = document.createElement("dt");
      const dd = document.createElement("dd");
      dt.textContent = name;
      dd.textContent = value;
      return [dt, dd];
    }),
  );
  $("body").textContent = JSON.stringify(body, null, 2);
}

function fail(error) {
  show("no answer", { status: "–", ok: false, headers: new Headers() }, { title: `${error.message}: is the API up, and this origin allowed?` }, 0);
}

document.querySelectorAll("[data-kind]").forEach((button) =>
  button.addEventListener("click", async () => {
    try {
      token = await mint(button.dataset.kind);
      $("state").textContent = button.textContent.replace("Sign", "signed");
    } catch (error) { fail(error); }
  }));

document.querySelectorAll("[data-call]").forEach((button) =>
  button.addEventListener("click", async () => {
    try {
      let bearer = token;
      if (button.dataset.send === "none") bearer = undefined;
      else if (button.dataset.send) bearer = button.dataset.send;
      else if (button.dataset.mint) bearer = await mint(button.dataset.mint);
      await call(button.dataset.call, bearer);
    } catch (error) { fail(error); }
  }));

$("paste").addEventListener("submit", (event) => {
  event.preventDefault();
  token = $("token").value.trim() || undefined;
  $("token").value = "";
  $("state").textContent = token ? "a token is set" : "signed out";
});
