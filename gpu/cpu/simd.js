// The host's side of package cpu: functions that Go imports before there is any memory to work on, and that a module on
// Go's own memory takes over once Go has it start. Used by whoever instantiates the program:
//
//   go.importObject.simd = sambaSIMD.imports;  ...instantiate...;  sambaSIMD.adopt(instance.exports.mem);  go.run(instance)
//
// Where threads may share memory, the program can be made one whose memory is shared: share(bytes, sambaSIMD.program)
// before it is instantiated. helper() starts a worker with this script in it that calls assist().
(() => {
  // Where threads meet, in words of their memory: what the job is, and, apart from each other, so that not everything
  // moves between caches at once, what changes while it is done.
  const KIND = 0, JOB = 1, COUNT = 2, STEP = 3, TURN = 16, DONE = 32, READY = 48, ASLEEP = 49, BROKEN = 50;
  const CLOSED = 255; // as parts of a turn
  const THREW = 1, GONE = 2; // what BROKEN says of a helper

  const names = ["silu", "silu_mul", "softmax", "widen", "fix", "quantize"];
  const kinds = ["few", "many", "attend", "channels", "heads"];
  const [IMPORTS, MEMORY] = [2, 5]; // sections of a module
  let exports, module, meeting, turn = 0, helpers = [];

  // How many jobs are done alone after one that helpers held up, since something else keeps the processor busy: more
  // each time.
  const LEAST = 8, MOST = 512;
  let alone = 0, pause = LEAST;

  /**
   * Does parts of the job that nobody has begun. The turn counts jobs above its lowest byte and parts begun in it: who
   * counts one up has that part. What was read of the job before is then right, for it stays as it is until all its
   * parts are done, and its turn is closed before another is written.
   */
  function work(thread) {
    for (;;) {
      const now = Atomics.load(meeting, TURN);
      const kind = Atomics.load(meeting, KIND), job = Atomics.load(meeting, JOB);
      const count = Atomics.load(meeting, COUNT), step = Atomics.load(meeting, STEP);
      const from = (now & 255) * step;
      if ((now & CLOSED) === CLOSED || from >= count) return now;
      if (Atomics.compareExchange(meeting, TURN, now, now + 1) !== now) continue;
      exports[kinds[kind]](job, from, Math.min(from + step, count), thread);
      const done = Atomics.add(meeting, DONE, 1) + 1;
      if (done * step >= count) Atomics.notify(meeting, DONE);
    }
  }

  /**
   * Waits until a word is no longer what it was: awake for as long as the pauses of a step last, then asleep. It returns
   * whether that came within so many seconds. Where the whole machine sleeps, at most one second of that counts.
   */
  function wait(word, was, seconds = Infinity) {
    for (const began = performance.now(); performance.now() - began < 0.1; )
      for (let i = 0; i < 100; i++) if (Atomics.load(meeting, word) !== was) return true;
    const nap = seconds === Infinity ? Infinity : 1000;
    Atomics.add(meeting, ASLEEP, 1);
    while (seconds > 0 && Atomics.wait(meeting, word, was, nap) === "timed-out") seconds--;
    Atomics.sub(meeting, ASLEEP, 1);
    return seconds > 0;
  }

  /** Throws what became of a helper, if something did. Whoever called Go may drop that: the program's owner hears it, too. */
  function check() {
    const broken = Atomics.load(meeting, BROKEN);
    if (!broken) return;
    const what = broken === GONE ? "is gone with a part of the work: the browser has ended it" : "failed";
    const error = new Error(`a thread ${what}`);
    globalThis.reportError?.(error);
    throw error;
  }

  const isShared = (memory) => "SharedArrayBuffer" in globalThis && memory.buffer instanceof SharedArrayBuffer;

  globalThis.sambaSIMD = {
    imports: {
      // As many parameters as the function with the most has: a call without arrays.
      ...Object.fromEntries(names.map((name) => [name, (a, b, c, d, e, f, g, h, i, j, k) => exports[name](a, b, c, d, e, f, g, h, i, j, k)])),
      share(kind, job, count, step) {
        if (meeting) check();
        if (step >= count || !meeting || Atomics.load(meeting, READY) === 0 || alone-- > 0)
          return exports[kinds[kind]](job, 0, count, 0);
        alone = 0;
        const began = performance.now();
        Atomics.store(meeting, TURN, turn | CLOSED);
        [kind, job, count, step].forEach((value, word) => { Atomics.store(meeting, word, value); });
        Atomics.store(meeting, DONE, 0);
        turn = (turn + 256) | 0;
        Atomics.store(meeting, TURN, turn);
        if (Atomics.load(meeting, ASLEEP) > 0) Atomics.notify(meeting, TURN);
        work(0);
        const worked = performance.now();
        for (const parts = Math.ceil(count / step);;) {
          const done = Atomics.load(meeting, DONE);
          check();
          if (done >= parts) break;
          if (!wait(DONE, done, sambaSIMD.patience) && Atomics.load(meeting, DONE) === done) Atomics.compareExchange(meeting, BROKEN, 0, GONE);
        }
        const waited = performance.now() - worked;
        if (waited > 1 && waited > worked - began) alone = pause = Math.min(2 * pause, MOST);
        else pause = Math.max(pause - 1, LEAST);
      },
    },
    memory: undefined,
    program: MEMORY,

    /** The module with the memory of this section made one that threads share; undefined where bytes end before. */
    share(bytes, section) {
      for (let at = 8; at < bytes.length; ) {
        const id = bytes[at++], sized = at;
        let size = 0;
        for (let shift = 0, byte = 128; byte & 128; shift += 7) size |= ((byte = bytes[at++]) & 127) << shift;
        const end = at + size;
        if (id !== section) {
          at = end;
          continue;
        }
        if (end > bytes.length) return undefined;
        // Its limits are the last of the section: flags, which become "shared, with a most", and the least; the most is all.
        const shared = new Uint8Array(bytes.length + 3);
        shared.set(bytes.subarray(0, end));
        shared[sized] += 3; // far from 128
        shared[section === MEMORY ? at + 1 : end - 2] = 3;
        shared.set([0x80, 0x80, 4], end);
        shared.set(bytes.subarray(end), end + 3);
        return shared;
      }
      return undefined;
    },

    /** Takes the program's memory. Browsers' own functions that refuse shared memory are given copies of it. */
    adopt(memory) {
      this.memory = memory;
      if (!isShared(memory)) return;
      const { decode } = TextDecoder.prototype;
      TextDecoder.prototype.decode = function (view, options) {
        return decode.call(this, view && new Uint8Array(view.buffer ?? view, view.byteOffset, view.byteLength).slice(), options);
      };
      const random = crypto.getRandomValues.bind(crypto);
      crypto.getRandomValues = (view) => {
        view.set(random(view.slice()));
        return view;
      };
    },

    /** Takes the functions from a module; false where the browser does not know what it is made of. */
    start(bytes) {
      const taken = isShared(this.memory) ? this.share(bytes, IMPORTS) : bytes;
      if (!WebAssembly.validate(taken)) return false;
      module = new WebAssembly.Module(taken);
      exports = new WebAssembly.Instance(module, { go: { mem: this.memory } }).exports;
      return true;
    },

    /** A worker that will call assist(); undefined where there can be none. */
    helper: undefined,

    /** Starts helpers until there are that many threads, this one among them; ready once each works, or cannot. */
    hire(threads) {
      const all = isShared(this.memory) && this.helper ? threads || Math.min(navigator.hardwareConcurrency, 4) : 1;
      if (all > 1) meeting = new Int32Array(new SharedArrayBuffer(256));
      [alone, pause] = [0, LEAST]; // what held up others says nothing of these
      const starts = [];
      for (let thread = 1; thread < all; thread++) {
        starts.push(new Promise((resolve) => {
          try {
            const worker = this.helper();
            helpers.push(worker);
            worker.onmessage = resolve;
            worker.onerror = (event) => {
              event.preventDefault();
              resolve();
            };
            worker.postMessage({ module, memory: this.memory, meeting, thread });
          } catch {
            resolve();
          }
        }));
      }
      return { threads: all, ready: Promise.all(starts) };
    },

    /** For how many seconds nothing may be done of a job: far longer than a part takes in a tab that is held back. */
    patience: 30,

    /** How many threads work. */
    threads: () => 1 + (meeting ? Atomics.load(meeting, READY) : 0),

    /** Ends the helpers. */
    dismiss() {
      for (const worker of helpers.splice(0)) worker.terminate();
      meeting = undefined;
    },

    /** What a helper does all its life. */
    assist() {
      globalThis.onmessage = ({ data }) => {
        meeting = data.meeting;
        exports = new WebAssembly.Instance(data.module, { go: { mem: data.memory } }).exports;
        Atomics.add(meeting, READY, 1);
        postMessage("ready");
        try {
          for (;;) wait(TURN, work(data.thread));
        } catch (error) {
          // Changes DONE, so that nobody falls asleep on what it was; whatever it then is, BROKEN is looked at first.
          Atomics.store(meeting, BROKEN, THREW);
          Atomics.add(meeting, DONE, 1 << 30);
          Atomics.notify(meeting, DONE);
          throw error;
        }
      };
    },
  };
})();
