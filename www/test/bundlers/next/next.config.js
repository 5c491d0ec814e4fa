import { fileURLToPath } from "node:url";

export default {
  output: "export",
  distDir: "../out/next",
  turbopack: { root: fileURLToPath(new URL("..", import.meta.url)) },
};
