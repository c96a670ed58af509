import "./style.css";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./app.tsx";
import { restoreSession } from "./restoring.tsx";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
document.querySelector("title")?.remove(); // each page brings its own
void restoreSession();
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
