import "./style.css";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./app.tsx";
import { session } from "./session.ts";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
await session.restore().catch(() => undefined); // without the server, the page is a visitor's
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
