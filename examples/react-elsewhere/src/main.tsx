import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./app.tsx";
import { refresh } from "./session.ts";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
await refresh(); // whoever has logged in before, here or at a hosted page
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
