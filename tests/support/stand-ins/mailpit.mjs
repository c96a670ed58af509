// Takes emails and shows the latest one as Mailpit does, as far as the test of compose.yaml needs it. Runs in /app of the image.
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { createInterface } from "node:readline";

import PostalMime from "postal-mime";

const ANSWERS = { EHLO: "250 hello", MAIL: "250 ok", RCPT: "250 ok", DATA: "354 go on", QUIT: "221 bye" };
let latest;

createServer(async (socket) => {
  socket.on("error", () => undefined);
  socket.write("220 stand-in\r\n");
  let text = null;
  for await (const line of createInterface({ input: socket })) {
    if (text === null) {
      const word = line.slice(0, 4).toUpperCase();
      socket.write(`${ANSWERS[word] ?? "502 unknown"}\r\n`);
      if (word === "DATA") text = "";
      if (word === "QUIT") socket.end();
    } else if (line === ".") {
      latest = await PostalMime.parse(text);
      text = null;
      socket.write("250 taken\r\n");
    } else text += `${line.replace(/^\./, "")}\r\n`;
  }
}).listen(1025);

createHttpServer((request, response) => {
  const isThere = request.url === "/api/v1/message/latest" && latest !== undefined;
  response.writeHead(isThere ? 200 : 404, { "Content-Type": "application/json" });
  const to = latest?.to.map(({ name, address }) => ({ Name: name, Address: address }));
  response.end(JSON.stringify(isThere ? { To: to, Subject: latest.subject, Text: latest.text } : null));
}).listen(8025);

process.on("SIGTERM", () => process.exit(0));
