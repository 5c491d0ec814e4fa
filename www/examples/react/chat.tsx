import { type FormEvent, useRef, useState } from "react";
import { Samba } from "samba-web";

interface Turn {
  role: "user" | "assistant";
  content: string;
}

/** A chat with the model in a folder. It is loaded when the first question is asked. */
export function Chat({ model }: { model: string }) {
  const [turns, setTurns] = useState<Turn[]>([]);
  const [status, setStatus] = useState("");
  const loading = useRef<Promise<Samba>>(undefined);
  const running = useRef<AbortController>(undefined);

  async function ask(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    const question = String(new FormData(form).get("question")).trim();
    if (!question || running.current) return;
    form.reset();
    const messages: Turn[] = [...turns, { role: "user", content: question }];
    const show = (content: string) => setTurns([...messages, { role: "assistant", content }]);
    const controller = new AbortController();
    running.current = controller;
    show("");
    try {
      setStatus("Loading…");
      loading.current ??= Samba.load(model, {
        onProgress: ({ phase, loaded, total }) =>
          setStatus(`${phase} ${total ? Math.round((100 * loaded) / total) : 0} %`),
      }).catch((error) => {
        loading.current = undefined; // the next question tries again
        throw error;
      });
      const samba = await loading.current;
      setStatus("Writing…");
      const stream = await samba.chat.completions.create({ messages, stream: true }, controller);
      let answer = "";
      for await (const { choices } of stream) {
        answer += choices[0]?.delta.content ?? "";
        show(answer);
      }
      setStatus("");
    } catch (error) {
      setStatus(error instanceof Error ? error.message : String(error));
    } finally {
      running.current = undefined;
    }
  }

  return (
    <main>
      <h1>Samba in React</h1>
      <ol role="log" aria-label="Conversation">
        {turns.map(({ role, content }, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: turns are only ever added
          <li key={i} className={role}>
            {content || "…"}
          </li>
        ))}
      </ol>
      <p role="status">{status}</p>
      <form onSubmit={ask}>
        <input name="question" aria-label="Question" placeholder="Ask something" autoComplete="off" />
        <button type="submit">Ask</button>
        <button type="button" onClick={() => running.current?.abort()}>
          Stop
        </button>
      </form>
    </main>
  );
}
