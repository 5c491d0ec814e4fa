// Runs a Go test binary in this worker. wasm_exec.js takes its file system, process and path from globalThis, in
// Node's shapes: they are set here before it is loaded. Everything that Go expects to be synchronous (writes before an
// exit, reads) is, over synchronous requests, which workers may make.
"use strict";

const request = (method, address, { body, binary, headers = {} } = {}) => {
  const xhr = new XMLHttpRequest();
  xhr.open(method, address, false);
  if (binary) xhr.responseType = "arraybuffer";
  for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value);
  xhr.send(body);
  return xhr;
};

const text = (xhr) => (xhr.responseType === "arraybuffer" ? new TextDecoder().decode(xhr.response) : xhr.responseText);

const failure = (code, what) => Object.assign(new Error(`${code}: ${what}`), { code });

const get = (action, path, options) => {
  const xhr = request("GET", `${action}?path=${encodeURIComponent(path)}`, options);
  if (xhr.status === 416) return null; // a range behind the file's end
  if (xhr.status === 200 || xhr.status === 206) return xhr;
  throw failure(xhr.status === 404 ? text(xhr) : "EIO", path);
};

// Lines leave at once; the rest of a line when it ends, when Go lets go of the thread, or at exit.
const pending = { 1: [], 2: [] };
let flushing = false;

const flush = (fd) => {
  const chunks = pending[fd];
  if (chunks.length === 0) return;
  pending[fd] = [];
  request("POST", `output?fd=${fd}`, { body: new Blob(chunks) });
};

const flushAll = () => {
  flushing = false;
  flush(1);
  flush(2);
};

const writeStream = (fd, bytes) => {
  pending[fd].push(bytes.slice()); // Go reuses its buffer
  if (bytes.includes(10)) {
    flush(fd);
  } else if (!flushing) {
    flushing = true;
    setTimeout(flushAll, 0);
  }
  return bytes.length;
};

const plan = JSON.parse(request("GET", "plan").responseText);

const resolvePath = (...segments) => {
  let joined = "";
  for (const segment of segments) joined = segment.startsWith("/") ? segment : `${joined}/${segment}`;
  if (!joined.startsWith("/") || !segments.some((segment) => segment.startsWith("/"))) joined = `${cwd}/${joined}`;
  const parts = [];
  for (const part of joined.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
};

let cwd = plan.cwd;

const statOf = (path) => {
  const stat = JSON.parse(get("stat", resolvePath(path)).responseText);
  const isDirectory = (stat.mode & 0o170000) === 0o040000;
  return {
    dev: 0, ino: 0, nlink: 1, uid: 0, gid: 0, rdev: 0, blksize: 4096, blocks: Math.ceil(stat.size / 512),
    atimeMs: stat.mtimeMs, ctimeMs: stat.mtimeMs, ...stat, isDirectory: () => isDirectory,
  };
};

// Open files: their path, their position and the last range that was fetched.
const files = new Map();
let nextFile = 3;
const readAhead = 256 << 10;

const fileOf = (fd) => {
  const file = files.get(fd);
  if (!file) throw failure("EBADF", `file ${fd}`);
  return file;
};

const read = (fd, buffer, offset, length, position) => {
  const file = fileOf(fd);
  const at = position ?? file.position;
  if (length === 0) return 0;
  if (at < file.start || at >= file.start + file.bytes.length) {
    const xhr = get("file", file.path, { binary: true, headers: { Range: `bytes=${at}-${at + Math.max(length, readAhead) - 1}` } });
    if (xhr === null) return 0;
    file.start = xhr.status === 206 ? at : 0;
    file.bytes = new Uint8Array(xhr.response);
  }
  const got = file.bytes.subarray(at - file.start, at - file.start + length);
  buffer.set(got, offset);
  if (position === null || position === undefined) file.position += got.length;
  return got.length;
};

const writeFlags = { O_WRONLY: 1, O_RDWR: 2, O_CREAT: 64, O_EXCL: 128, O_TRUNC: 512, O_APPEND: 1024 };
const anyWrite = Object.values(writeFlags).reduce((all, flag) => all | flag);

// Each operation either returns its result or throws an error with Node's code; the callback gets both.
const operations = {
  open(path, flags) {
    if (flags & anyWrite) throw failure("EROFS", path);
    statOf(path);
    files.set(nextFile, { path: resolvePath(path), position: 0, start: 0, bytes: new Uint8Array() });
    return nextFile++;
  },
  close(fd) {
    if (fd > 2 && !files.delete(fd)) throw failure("EBADF", `file ${fd}`);
  },
  fstat: (fd) => statOf(fileOf(fd).path),
  stat: statOf,
  lstat: statOf,
  readdir: (path) => JSON.parse(get("readdir", resolvePath(path)).responseText).sort(),
  read(fd, buffer, offset, length, position) {
    if (fd === 0) return 0; // stdin is empty
    return read(fd, buffer, offset, length, position);
  },
  write(fd, buffer, offset, length) {
    if (fd !== 1 && fd !== 2) throw failure("EBADF", `file ${fd}`);
    return writeStream(fd, buffer.subarray(offset, offset + length));
  },
  fsync: () => undefined,
  readlink: (path) => {
    throw failure("EINVAL", path);
  },
};
const readOnly = [
  "chmod", "chown", "fchmod", "fchown", "ftruncate", "lchown", "link", "mkdir", "rename", "rmdir", "symlink", "truncate", "unlink", "utimes",
];
for (const name of readOnly) {
  operations[name] = (path) => {
    throw failure("EROFS", path);
  };
}

globalThis.fs = {
  constants: { ...writeFlags, O_DIRECTORY: 65536 },
  writeSync: writeStream, // the Go runtime's own way out, for panics
};
for (const [name, operation] of Object.entries(operations)) {
  globalThis.fs[name] = (...args) => {
    const callback = args.pop();
    let result;
    try {
      result = operation(...args);
    } catch (error) {
      callback(error.code ? error : failure("EIO", error.message));
      return;
    }
    callback(null, result);
  };
}

const noIdentity = () => -1;
globalThis.process = {
  pid: -1, ppid: -1, getuid: noIdentity, getgid: noIdentity, geteuid: noIdentity, getegid: noIdentity,
  getgroups: () => [],
  umask: () => 0o022,
  cwd: () => cwd,
  chdir(path) {
    const target = resolvePath(path);
    if (!statOf(target).isDirectory()) throw failure("ENOTDIR", path);
    cwd = target;
  },
};
globalThis.path = { resolve: resolvePath };

importScripts("wasm_exec.js", "simd.js");

const go = new Go();
go.importObject.simd = sambaSIMD.imports;
go.argv = plan.argv;
go.env = plan.env;
go.exit = (status) => {
  flushAll();
  request("POST", `exit?status=${status}`);
};

const fail = (error) => {
  flushAll();
  if (!go.exited) request("POST", "fail", { body: String(error?.stack ?? error) });
};

// The page is alone with its origin: threads may share the program's memory.
sambaSIMD.helper = () => new Worker("helper.js");
fetch("test.wasm")
  .then((response) => response.arrayBuffer())
  .then((program) =>
    WebAssembly.instantiate(sambaSIMD.share(new Uint8Array(program), sambaSIMD.program) ?? program, go.importObject))
  .then(({ instance }) => {
    sambaSIMD.adopt(instance.exports.mem);
    return go.run(instance);
  })
  .catch(fail);
