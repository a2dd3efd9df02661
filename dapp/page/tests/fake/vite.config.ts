import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Plugin, defineConfig } from "vite";
import base from "../../vite.config";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The page's own policy, so that hostile records meet what readers have. */
function policy(): Plugin {
  return {
    name: "policy",
    transformIndexHtml(html) {
      const tag = /<meta\s+http-equiv="Content-Security-Policy"[\s\S]*?\/>/.exec(
        readFileSync(here("../../index.html"), "utf8"),
      );
      if (!tag) throw new Error("index.html has no content-security policy");
      return html.replace(/<!-- the policy of[^>]*-->/, tag[0]);
    },
  };
}

export default defineConfig({
  ...base,
  root: here("."),
  publicDir: false,
  build: { ...base.build, outDir: here("../../build/fake"), emptyOutDir: true },
  plugins: [policy()],
});
