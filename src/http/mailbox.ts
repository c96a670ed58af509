// The mails of the default start, for a browser at /mailbox and for programs at /mailbox/messages.
import type { FastifyInstance } from "fastify";

import type { MailboxFolder } from "../mail/mailbox-folder.ts";
import { PAGE_STYLE, sendPage } from "./pages.ts";

export function serveMailbox(http: FastifyInstance, folder: MailboxFolder): void {
  http.get("/mailbox", (_request, reply) => sendPage(reply, MAILBOX_PAGE));
  http.get("/mailbox/messages", () => folder.messages());
}

const MAILBOX_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>Mailbox</title>
<style>${PAGE_STYLE}
  iframe { width: 100%; height: 32rem; border: 1px solid light-dark(#d1d5db, #374151); border-radius: 8px; background: #fff; }
  summary { cursor: pointer; padding: 0.5rem 0; }
  li { list-style: none; }
  ul { padding: 0; }
  small { opacity: 0.7; }
</style>
</head>
<body>
<h1>Mailbox</h1>
<p><a href="/">Account server</a> · <a href="/graphql">GraphiQL</a> · newest first; <a href="/mailbox">reload</a> to see new mails</p>
<ul id="mails"></ul>
<p id="none" hidden>No mail has been sent yet.</p>
<script>
  function element(name, properties, children = []) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }
  function block(title, text) {
    return element("details", {}, [element("summary", { textContent: title }), element("pre", { textContent: text })]);
  }
  fetch("/mailbox/messages").then((answer) => answer.json()).then((mails) => {
    document.getElementById("none").hidden = mails.length > 0;
    mails.forEach((mail, index) => {
      // Scripts and forms of the mail stay off; its links open in a new tab.
      const html = element("iframe", { title: mail.subject, srcdoc: '<base target="_blank">' + mail.html });
      html.sandbox.add("allow-popups", "allow-popups-to-escape-sandbox");
      const summary = element("summary", {}, [
        element("strong", { textContent: mail.subject }),
        element("br"),
        element("small", { textContent: mail.to + " · " + new Date(mail.date).toLocaleString() }),
      ]);
      const headers = mail.headers.map(({ key, value }) => key + ": " + value).join("\\n");
      const item = element("details", { open: index === 0 }, [summary, html, block("Text", mail.text), block("Headers", headers)]);
      document.getElementById("mails").append(element("li", {}, [item]));
    });
  });
</script>
</body>
</html>`;
