/** The chat page: who knows whom. What happens in a conversation is the controller's, what is seen of it the page's. */
import { backendOf } from "../engine/backend.ts";
import { inspectState } from "../engine/client.ts";
import { said } from "../engine/errors.ts";
import { strings } from "../strings.ts";
import { $ } from "../view/dom.ts";
import { Composer } from "./composer.ts";
import { Controller } from "./controller.ts";
import { Hold } from "./hold.ts";
import { framed, withoutCrypto } from "./host.ts";
import { keepPage, openedFiles, sharedText } from "./install.ts";
import { folderAddress, ModelLife, standard } from "./model.ts";
import { Notices } from "./notices.ts";
import { Page } from "./page.ts";
import { Side } from "./side.ts";
import { Archive } from "./storage/archive.ts";
import { States } from "./storage/states.ts";
import { Turns } from "./turns.ts";

async function start(): Promise<void> {
  const address = new URLSearchParams(location.search);
  const life = new ModelLife(
    folderAddress(address.get("model") ?? "") ?? standard,
    address.get("backend") === "remote" ? "remote" : backendOf(address.get("backend")),
  );
  const [conversations, states] = await Promise.all([Archive.open(), States.open()]);
  const hold = new Hold();
  const notices = new Notices($("notice"), $("prompt"));
  const page = new Page(life, hold, states, notices);
  const controller = new Controller({ conversations, states }, hold, page);
  page.controller = controller;
  page.turns = new Turns($("turns"), $("main"), controller, {
    edit: (message, text) => done(controller.dispatch({ do: "ask", text, after: message.parent })),
    answer: ({ role, id, parent }) =>
      done(controller.dispatch({ do: "answer", to: role === "assistant" ? parent : id })),
    goOn: (message) => done(controller.dispatch({ do: "go on", message })),
    branch: (message) => done(controller.dispatch({ do: "branch", message })),
    show: (message) => controller.dispatch({ do: "show", message }) && page.turns.goTo(message),
    stopReading: () => done(controller.dispatch({ do: "stop reading" })),
    takeOut: (message) => done(controller.dispatch({ do: "take out", message })),
  });
  page.composer = new Composer(
    controller,
    () => life.state,
    notices.tell,
    () => page.turns.editLast(),
  );
  const done = (taken: boolean) => taken && page.composer.focus();
  page.side = new Side(conversations, states, {
    open: (id) => controller.dispatch({ do: "open", id }),
    async remove(id) {
      await controller.remove(id);
      if (id === controller.thread.conversation.id) page.fresh();
    },
    renamed(id, title) {
      if (id === controller.thread.conversation.id) controller.thread.conversation.title = title;
      page.draw();
    },
    say: notices.tell,
    async check(state) {
      await controller.settled();
      if (!life.samba) return void (await inspectState(state)); // what the model makes of it shows once it is loaded
      controller.memory.lose();
      await life.samba.state.restore(state);
    },
  });
  page.dress();
  life.onchange = () => page.changed();
  if (location.hash.length > 1) page.go();
  else page.fresh(false);
  page.draw();
  const shared = sharedText();
  if (shared) page.composer.write(shared);
  openedFiles((files) => void page.take(files));
  for (const sentence of [conversations.keeps ? "" : strings.notKept, withoutCrypto()])
    if (sentence) notices.keep(sentence);
  framed(notices.keep);
  void life.wake();
  void keepPage(notices.keep);
}

// Not awaited here: whatever is stored, the page itself is there.
start().catch((error) => {
  console.error(error);
  $("failure").hidden = false;
  $("failure").textContent = `${strings.notStarted} ${said(error)}`;
});
