import "../style.css";
import "./mailbox.css";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { MailboxPage } from "./mailbox-page.tsx";
import { followMailbox } from "./mails.ts";

const root = document.getElementById("mailbox");
if (!root) throw new Error("mailbox.html has no #mailbox");
followMailbox();
createRoot(root).render(
  <StrictMode>
    <MailboxPage />
  </StrictMode>,
);
