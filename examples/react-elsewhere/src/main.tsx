import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./app.tsx";
import { session } from "./session.ts";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
// Not `restore`, which only continues a session that began here: somebody may have logged in at a hosted page.
await session.refresh().catch(() => undefined); // out of reach; each request tries again
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
