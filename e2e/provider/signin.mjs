// signInPage is the page on which people choose who they are. It loads nothing.
export function signInPage(action, people) {
  const choices = Object.entries(people).map(([id, person]) => `
      <button id="${id}" formaction="${action}/${id}">
        <b>${person.name}</b><br><small>${person.permissions.join(", ")}</small>
      </button>`);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>Sign in</title>
<style>
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: #eceae4; color: #1d2430; font: 1rem/1.5 system-ui, sans-serif; }
  main { width: 20rem; padding: 1.5rem; background: #fff; border: 1px solid #dedbd2; border-radius: .75rem; }
  h1 { margin: 0; font-size: 1.25rem; }
  p { margin: .25rem 0 1rem; color: #5b6675; font-size: .875rem; }
  form { display: grid; gap: .5rem; }
  button { padding: .6rem .9rem; border: 1px solid #dedbd2; border-radius: .5rem; background: #fff; color: inherit; font: inherit; text-align: left; cursor: pointer; }
  button:hover { border-color: #1f5f4a; }
  small { color: #5b6675; }
</style>
<main>
  <h1>Who are you?</h1>
  <p>A provider for tests. It believes everybody.</p>
  <form method="post">${choices.join("")}
  </form>
</main>
</html>`;
}
