// Records what Go encodes once and replays it in one call: crossing from WebAssembly to JavaScript costs
// microseconds a dispatch, and a decode step has a hundred of them.
//
// wrap(device) answers with an object that the Go binding takes for a GPUDevice. It forwards everything, but its
// command encoders write lists, and its queue plays any number of lists into one real command buffer. Pipelines compile
// in the background: prepared() resolves when those that were asked for are there; one that is needed before is made at
// once.
globalThis.sambaReplay = {
  wrap(device) {
    // Plays ops with every dispatch in a pass of its own between two timestamps; whole: with as few passes as submit makes.
    async function time(ops, whole) {
      const nanoseconds = [];
      const most = 2048; // dispatches a query set has room for
      while (ops.length > 0) {
        const part = ops.splice(0, most);
        const count = 2 * part.length;
        const set = device.createQuerySet({ type: "timestamp", count });
        const resolved = device.createBuffer({ size: 8 * count, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
        const staging = device.createBuffer({ size: 8 * count, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
        const encoder = device.createCommandEncoder();
        let query = 0;
        let pass = null;
        for (const op of part) {
          if (!op.pipeline) {
            pass?.end();
            pass = null;
            encoder.copyBufferToBuffer(op.source, op.from, op.target, op.to, op.size);
            continue;
          }
          pass ??= encoder.beginComputePass({
            timestampWrites: { querySet: set, beginningOfPassWriteIndex: query++, endOfPassWriteIndex: query++ },
          });
          pass.setPipeline(op.pipeline.made());
          pass.setBindGroup(0, op.group);
          pass.dispatchWorkgroups(op.x, op.y, op.z);
          if (!whole) {
            pass.end();
            pass = null;
          }
        }
        pass?.end();
        encoder.resolveQuerySet(set, 0, count, resolved, 0);
        encoder.copyBufferToBuffer(resolved, 0, staging, 0, 8 * count);
        device.queue.submit([encoder.finish()]);
        await staging.mapAsync(GPUMapMode.READ);
        const ticks = new BigUint64Array(staging.getMappedRange());
        for (let i = 0; i < query; i += 2) nanoseconds.push(Number(ticks[i + 1] - ticks[i]));
        for (const used of [set, resolved, staging]) used.destroy();
      }
      return nanoseconds;
    }
    const compiling = new Set();
    const shim = {
      prepared: () => Promise.all(compiling),
      timed: null, // "dispatch" or "pass": the next submit is timed and leaves a promise of the nanoseconds of each here
      last: null, // the buffer made last: the binding does not give its JavaScript object away
      limits: device.limits,
      createBuffer(descriptor) {
        shim.last = device.createBuffer(descriptor);
        return shim.last;
      },
      createShaderModule: (d) => device.createShaderModule(d),
      createBindGroup: (d) => device.createBindGroup(d),
      createBindGroupLayout: (d) => device.createBindGroupLayout(d),
      createPipelineLayout: (d) => device.createPipelineLayout(d),
      createComputePipeline(descriptor) {
        let pipeline = null;
        // A kernel that does not compile says why when it is made at once.
        const done = device.createComputePipelineAsync(descriptor).then((p) => { pipeline ??= p; }, () => {});
        compiling.add(done);
        done.then(() => compiling.delete(done));
        return { made: () => (pipeline ??= device.createComputePipeline(descriptor)) };
      },
      createCommandEncoder() {
        const list = [];
        const encoder = {
          list,
          beginComputePass() {
            let pipeline, group;
            return {
              setPipeline(p) { pipeline = p; },
              setBindGroup(_, g) { group = g; },
              dispatchWorkgroups(x, y, z) { list.push({ pipeline, group, x, y, z }); },
              end() {},
            };
          },
          copyBufferToBuffer(source, from, target, to, size) { list.push({ source, from, target, to, size }); },
          finish: () => encoder,
        };
        return encoder;
      },
      queue: {
        submit(recordings) {
          if (shim.timed) {
            shim.timed = time(recordings.flatMap(({ list }) => list), shim.timed === "pass");
            return;
          }
          const encoder = device.createCommandEncoder();
          let pass = null;
          for (const { list } of recordings) {
            for (const op of list) {
              if (op.pipeline) {
                pass ??= encoder.beginComputePass();
                pass.setPipeline(op.pipeline.made());
                pass.setBindGroup(0, op.group);
                pass.dispatchWorkgroups(op.x, op.y, op.z);
              } else {
                pass?.end();
                pass = null;
                encoder.copyBufferToBuffer(op.source, op.from, op.target, op.to, op.size);
              }
            }
          }
          pass?.end();
          device.queue.submit([encoder.finish()]);
        },
      },
    };
    return shim;
  },
};
