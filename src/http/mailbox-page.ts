// The mailbox as a page: the list on the left, the mail on the right, new mails as they come.

export const mailboxPage = (hasWebClient: boolean): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>Mailbox</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; background: light-dark(#fff, #12131b); color: light-dark(#1b1d29, #eceef6); }
  a { color: light-dark(#1d4ed8, #93b4ff); }
  pre { margin: 0; padding: 1rem; overflow: auto; border-radius: 8px; background: light-dark(#f3f4f6, #1f2430); white-space: pre-wrap; overflow-wrap: anywhere; }
  button { font: inherit; padding: 0.4rem 1rem; border-radius: 6px; border: 1px solid; cursor: pointer; background: none; color: inherit; }
  body { margin: 0; display: grid; gap: 1rem; grid: auto 1fr / minmax(14rem, 20rem) minmax(0, 1fr); min-height: 100dvh; padding: 1rem; box-sizing: border-box; }
  header { grid-column: 1 / -1; display: flex; flex-wrap: wrap; align-items: center; gap: 0.5rem 1rem; }
  h1 { margin: 0; font-size: 1.5rem; line-height: 1.2; }
  header p { margin: 0; flex: 1; }
  ul { list-style: none; margin: 0; padding: 0; }
  li button { display: block; width: 100%; text-align: left; border: 0; border-left: 4px solid transparent; border-radius: 0; padding: 0.6rem 0.8rem; overflow-wrap: anywhere; }
  li button:hover { background: light-dark(#f3f4f6, #1f2430); }
  li button[aria-current="true"] { border-left-color: light-dark(#1d4ed8, #93b4ff); background: light-dark(#eff3ff, #1c2640); }
  li button.unseen strong::before { content: "● "; color: light-dark(#1d4ed8, #93b4ff); }
  small { color: light-dark(#4b5563, #b6bcc8); }
  article { display: flex; flex-direction: column; gap: 0.75rem; min-width: 0; }
  article h2 { margin: 0; font-size: 1.2rem; }
  article p { margin: 0; overflow-wrap: anywhere; }
  article[hidden], #none[hidden] { display: none; }
  [role="tablist"] { display: flex; gap: 0.5rem; }
  [role="tab"][aria-selected="true"] { background: light-dark(#1d4ed8, #93b4ff); border-color: transparent; color: light-dark(#fff, #10182b); }
  iframe { flex: 1; width: 100%; min-height: 34rem; border: 1px solid light-dark(#d1d5db, #374151); border-radius: 8px; background: #fff; box-sizing: border-box; }
  :focus-visible { outline: 3px solid light-dark(#1d4ed8, #93b4ff); outline-offset: 2px; }
  @media (max-width: 45rem) { body { grid: auto auto 1fr / minmax(0, 1fr); } }
</style>
</head>
<body>
<header>
  <h1>Mailbox</h1>
  <p>${hasWebClient ? '<a href="/">Account server</a> · ' : ""}<a href="/graphql">GraphiQL</a></p>
  <small id="count" role="status"></small>
  <button id="clear" type="button">Clear</button>
</header>
<nav aria-label="Mails"><ul id="list"></ul></nav>
<main>
  <p id="none" hidden>No mail yet. It appears here as soon as it is sent.</p>
  <article id="mail" hidden aria-labelledby="subject">
    <h2 id="subject"></h2>
    <p><small id="about"></small></p>
    <div role="tablist" aria-label="Show as">
      <button role="tab" type="button" id="tab-html" aria-controls="panel">HTML</button>
      <button role="tab" type="button" id="tab-text" aria-controls="panel">Text</button>
      <button role="tab" type="button" id="tab-source" aria-controls="panel">Source</button>
    </div>
    <div id="panel" role="tabpanel" style="display: contents"></div>
  </article>
</main>
<script>
  const at = (id) => document.getElementById(id);
  const tabs = ["html", "text", "source"];
  const seen = new Set();
  let mails = [];
  let tab = "html";
  let chosen = null; // the key of the mail that the person chose; without a choice the newest is shown
  let loads = 0;
  let shownLoad = 0;
  let inView = null; // shown again only when it changes, or a click on its link may hit a frame that is being replaced

  function element(name, properties, children = []) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }

  // In a new mailbox, numbers begin anew.
  const key = (mail) => mail.id + " " + mail.date;

  function shown() {
    return mails.find((mail) => key(mail) === chosen) ?? mails[0];
  }

  async function ask(path, options) {
    const answer = await fetch(path, options);
    if (!answer.ok) throw new Error(answer.status + " at " + path);
    return answer;
  }

  function tellFailure() {
    at("count").textContent = "The server does not answer as it should.";
  }

  async function load() {
    const number = ++loads;
    const loaded = await (await ask("/mailbox/messages")).json();
    if (number < shownLoad) return; // what was asked for later has come earlier, and is newer
    shownLoad = number;
    mails = loaded;
    at("count").textContent = mails.length === 1 ? "1 mail" : mails.length + " mails";
    at("clear").disabled = mails.length === 0;
    at("none").hidden = mails.length > 0;
    at("mail").hidden = mails.length === 0;
    // A mail that was chosen stays where it is; else the newest is shown.
    if (mails.length > 0 && key(shown()) !== inView) showMail();
    showList();
  }

  // Of another day with the day.
  function timeOf(mail) {
    const date = new Date(mail.date);
    const isToday = date.toDateString() === new Date().toDateString();
    return isToday ? date.toLocaleTimeString() : date.toLocaleString();
  }

  function showList() {
    const focused = document.activeElement?.dataset?.id;
    at("list").replaceChildren(...mails.map((mail) => {
      const button = element("button", { type: "button", className: seen.has(key(mail)) ? "" : "unseen" }, [
        element("strong", { textContent: mail.subject }),
        element("br"),
        element("small", { textContent: mail.to + " · " + timeOf(mail) }),
      ]);
      button.dataset.id = mail.id;
      button.setAttribute("aria-current", String(mail.id === shown()?.id));
      button.addEventListener("click", () => { chosen = key(mail); showMail(); showList(); });
      return element("li", {}, [button]);
    }));
    if (focused) document.querySelector("[data-id='" + focused + "']")?.focus();
  }

  async function showMail() {
    const mail = shown();
    inView = key(mail);
    seen.add(inView);
    at("subject").textContent = mail.subject;
    at("about").textContent = "To " + mail.to + " · from " + mail.from + " · " + new Date(mail.date).toLocaleString();
    for (const name of tabs) {
      at("tab-" + name).setAttribute("aria-selected", String(name === tab));
      at("tab-" + name).tabIndex = name === tab ? 0 : -1;
    }
    if (tab === "html") {
      // Scripts and forms of the mail stay off; its links open in a new tab.
      const html = element("iframe", { title: mail.subject, srcdoc: '<base target="_blank">' + mail.html });
      html.sandbox.add("allow-popups", "allow-popups-to-escape-sandbox");
      at("panel").replaceChildren(html);
    } else if (tab === "text") {
      at("panel").replaceChildren(element("pre", { textContent: mail.text }));
    } else {
      const path = "/mailbox/messages/" + mail.id + "/source";
      const source = await ask(path).then((answer) => answer.text(), () => "This mail cannot be loaded.");
      if (inView === key(mail) && tab === "source") at("panel").replaceChildren(element("pre", { textContent: source }));
    }
  }

  for (const name of tabs) {
    at("tab-" + name).addEventListener("click", () => { tab = name; showMail(); });
    at("tab-" + name).addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      tab = tabs[(tabs.indexOf(name) + step + tabs.length) % tabs.length];
      showMail();
      at("tab-" + tab).focus();
    });
  }
  at("clear").addEventListener("click", () => ask("/mailbox/messages", { method: "DELETE" }).catch(tellFailure));

  // Only while one looks: each listener holds a connection, and a browser has six of them for all pages of a server.
  let news;
  function listen() {
    news?.close();
    if (document.hidden) return;
    news = new EventSource("/mailbox/events");
    // "open" is also the return, of the person or of the server.
    for (const event of ["open", "change"]) news.addEventListener(event, () => load().catch(tellFailure));
  }
  document.addEventListener("visibilitychange", listen);
  listen();
</script>
</body>
</html>`;
