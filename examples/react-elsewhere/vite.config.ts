import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** The host name under which the server listens, too: cookies belong to a host name, whatever the port. */
const HERE = { host: "127.0.0.1", port: 5173, strictPort: true };

export default defineConfig({ plugins: [react()], server: HERE, preview: HERE });
