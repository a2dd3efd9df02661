import { defineConfig } from "vite";

export default defineConfig({
  // The page works from any folder of any server.
  base: "./",
  build: {
    outDir: "build/page",
    // polkadot-api is most of it, and all of it is needed at once.
    chunkSizeWarningLimit: 800,
    target: "es2023",
    // A module of a page with a strict policy is loaded by the browser's own means.
    modulePreload: { polyfill: false },
    // Nothing is put into the page itself as a `data:` URL.
    assetsInlineLimit: 0,
  },
});
