/**
 * onnxruntime-web's MatMulNBits at given shapes: y [M, N] = x [M, K] W^T with W of 4 bits in blocks of 32, timed as many
 * nodes of one graph, each with weights of its own, so that neither a run's overhead nor a cache decides.
 */
import * as ort from "onnxruntime-web/jspi";

/** Protocol buffers, as much of them as a small ONNX model needs. */
const varint = (n) => {
  const out = [];
  for (let v = BigInt(n); ; ) {
    const low = Number(v & 127n);
    v >>= 7n;
    out.push(v ? low | 128 : low);
    if (!v) return out;
  }
};
const number = (field, n) => [...varint(field << 3), ...varint(n)];
const bytes = (field, content) => {
  const data = typeof content === "string" ? new TextEncoder().encode(content) : content;
  return [...varint((field << 3) | 2), ...varint(data.length), ...data];
};

const block = 32; // weights that share a scale
const FLOAT = 1;
const UINT8 = 2;
const tensor = (name, type, shape) =>
  bytes(1, name).concat(bytes(2, bytes(1, [...number(1, type), ...bytes(2, shape.flatMap((n) => bytes(1, number(1, n))))])));

/** A model of this many independent products: inputs x, w0, s0, w1, s1, ... and outputs y0, y1, ... */
function model({ m, n, k }, accuracy, nodes) {
  const attribute = (name, value) => bytes(5, [...bytes(1, name), ...number(3, value), ...number(20, 2)]);
  const graph = [];
  for (let i = 0; i < nodes; i++) {
    graph.push(
      ...bytes(1, [
        ...["x", `w${i}`, `s${i}`].flatMap((name) => bytes(1, name)),
        ...bytes(2, `y${i}`),
        ...bytes(4, "MatMulNBits"),
        ...bytes(7, "com.microsoft"),
        ...attribute("K", k),
        ...attribute("N", n),
        ...attribute("bits", 4),
        ...attribute("block_size", block),
        ...attribute("accuracy_level", accuracy),
      ]),
    );
  }
  graph.push(...bytes(2, "products"), ...bytes(11, tensor("x", FLOAT, [m, k])));
  for (let i = 0; i < nodes; i++) {
    graph.push(...bytes(11, tensor(`w${i}`, UINT8, [n, k / block, block / 2])));
    graph.push(...bytes(11, tensor(`s${i}`, FLOAT, [n * (k / block)])));
    graph.push(...bytes(12, tensor(`y${i}`, FLOAT, [m, n])));
  }
  return new Uint8Array([
    ...number(1, 10),
    ...bytes(7, graph),
    ...bytes(8, [...bytes(1, ""), ...number(2, 21)]),
    ...bytes(8, [...bytes(1, "com.microsoft"), ...number(2, 1)]),
  ]);
}

/** Runs the products of one shape on weights that are all `nibble`, of scale 1/2, and hands the outputs to `use`. */
async function run(shape, accuracy, nodes, passes, nibble, use) {
  const { m, n, k } = shape;
  const session = await ort.InferenceSession.create(model(shape, accuracy, nodes), {
    executionProviders: ["webgpu"],
    preferredOutputLocation: "gpu-buffer",
  });
  const device = await ort.env.webgpu.device;
  const made = [];
  const input = (data, dataType, dims) => {
    const size = Math.ceil(data.byteLength / 16) * 16;
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffer = device.createBuffer({ size, usage });
    device.queue.writeBuffer(buffer, 0, data);
    made.push(buffer);
    return ort.Tensor.fromGpuBuffer(buffer, { dataType, dims });
  };
  const packed = new Uint8Array((n * k) / 2).fill(nibble * 17);
  const scales = new Float32Array((n * k) / block).fill(0.5);
  const feeds = { x: input(new Float32Array(m * k).fill(1), "float32", [m, k]) };
  for (let i = 0; i < nodes; i++) {
    feeds[`w${i}`] = input(packed, "uint8", [n, k / block, block / 2]);
    feeds[`s${i}`] = input(scales, "float32", [scales.length]);
  }
  try {
    for (let pass = 0; pass < passes; pass++) {
      await device.queue.onSubmittedWorkDone();
      const start = performance.now();
      const outputs = await session.run(feeds);
      await device.queue.onSubmittedWorkDone();
      await use((performance.now() - start) / 1000, outputs);
      for (const y of Object.values(outputs)) y.dispose();
    }
  } finally {
    await session.release();
    for (const buffer of made) buffer.destroy();
  }
}

/** Whether a product comes out right: of k ones with k weights of (9 - 8) / 2. */
async function check(accuracy) {
  const shape = { m: 2, n: 64, k: 128 };
  await run(shape, accuracy, 1, 1, 9, async (_, { y0 }) => {
    const wrong = (await y0.getData()).find((v) => Math.abs(v - shape.k / 2) > 0.01 * shape.k);
    if (wrong !== undefined) throw new Error(`onnxruntime-web computes ${wrong} where ${shape.k / 2} is right`);
  });
}

/**
 * Seconds of one product, the median of some passes over as many weights as the bytes given, so that no cache holds
 * them: the faster of computing in fp32 (accuracy level 1) and in 8-bit whole numbers (4).
 */
export async function time(shape, passes, cold) {
  const nodes = Math.max(2, Math.min(64, Math.ceil(cold / ((shape.n * shape.k) / 2))));
  const medians = [];
  for (const accuracy of [1, 4]) {
    await check(accuracy);
    const times = [];
    await run(shape, accuracy, nodes, passes + 2, 7, async (seconds) => times.push(seconds / nodes));
    times.splice(0, 2); // pipelines compile
    medians.push(times.sort((a, b) => a - b)[Math.floor(times.length / 2)]);
  }
  return Math.min(...medians);
}

/** Where its WebAssembly lies, and which version it is. */
export function prepare(wasm) {
  ort.env.wasm.wasmPaths = { wasm };
  ort.env.wasm.numThreads = 1;
  ort.env.webgpu.powerPreference = "high-performance";
  return ort.env.versions.web;
}
