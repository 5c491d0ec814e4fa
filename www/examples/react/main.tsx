import { createRoot } from "react-dom/client";
import { Chat } from "./chat.tsx";

const root = document.querySelector("#root");
// ?model= names another folder than the one beside the page.
const model = new URLSearchParams(location.search).get("model") ?? "models/default/";
if (root) createRoot(root).render(<Chat model={model} />);
