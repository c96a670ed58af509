import "./style.css";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./app.tsx";
import { restoreSession } from "./session.ts";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
await restoreSession();
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
