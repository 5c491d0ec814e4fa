// The host's side of package cpu: functions that Go imports before there is any memory to work on, and that a module on
// Go's own memory takes over once Go has it start. Used by whoever instantiates the program:
//
//   go.importObject.simd = sambaSIMD.imports;  ...instantiate...;  sambaSIMD.memory = instance.exports.mem;  go.run(instance)
(() => {
  const takers = [];
  const imported = (name) => {
    let take;
    takers.push((exports) => {
      take = exports[name];
    });
    // As many parameters as the function with the most has: a call without arrays.
    return (a, b, c, d, e, f, g, h, i, j, k, l) => take(a, b, c, d, e, f, g, h, i, j, k, l);
  };
  const names = [
    "silu", "silu_mul", "softplus", "softmax", "widen_f16", "widen_bf16", "expand_q8", "expand_q4",
    "matvec_q4", "matvec_q8", "matmul", "dots", "mix", "scan", "ssd", "quantize",
  ];
  globalThis.sambaSIMD = {
    imports: Object.fromEntries(names.map((name) => [name, imported(name)])),
    memory: undefined,
    /** Takes the functions from a module; false where the browser does not know what it is made of. */
    start(bytes) {
      if (!WebAssembly.validate(bytes)) return false;
      const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { go: { mem: this.memory } });
      for (const take of takers) take(exports);
      return true;
    },
  };
})();
