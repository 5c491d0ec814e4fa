// Records what Go encodes once and replays it in one call: crossing from WebAssembly to JavaScript costs
// microseconds a dispatch, and a decode step has a hundred of them.
//
// wrap(device) answers with an object that the Go binding takes for a GPUDevice. It forwards everything, but its
// command encoders write lists, and its queue plays any number of lists into one real command buffer.
globalThis.sambaReplay = {
  wrap(device) {
    const shim = {
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
      createComputePipeline: (d) => device.createComputePipeline(d),
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
          const encoder = device.createCommandEncoder();
          let pass = null;
          for (const { list } of recordings) {
            for (const op of list) {
              if (op.pipeline) {
                pass ??= encoder.beginComputePass();
                pass.setPipeline(op.pipeline);
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
